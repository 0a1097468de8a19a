"""`BesideProcess`: a process beside the run, started before the loop is real-time; it ends with the run."""

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Sequence
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.hardware.child_process import PYTHON

_START_TIMEOUT_S: Final = 20.0  # imports take half a second; a busy small machine, several
_STOP_TIMEOUT_S: Final = 1.0  # a view that writes to a stopped terminal does not hear that it is over
_ANSWER_BYTES_MAX: Final = 65536


class BesideProcess:
    """A module in a child process. Its standard input is a pipe that ends when this process does.

    Args:
        module: What it runs.
        task: Handed over as one line of JSON on its standard input.
        descriptors: Those that it inherits, under the same numbers.
        own_group: Whether it is in a process group of its own, out of reach of the terminal's signals. A process that
            reads the terminal cannot be.

    Raises:
        UserError: It did not start; the text is its own where it has said why.
    """

    def __init__(self, module: str, task: dict[str, Any], descriptors: Sequence[int], *, own_group: bool) -> None:
        self._name = module.rpartition(".")[2]
        # In memory: no disk, full or read-only, is needed to start.
        self._errors = os.fdopen(os.memfd_create(f"sim2real-{self._name}-errors", os.MFD_CLOEXEC), "r+b")
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [*PYTHON, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pass_fds=tuple(descriptors),
            process_group=0 if own_group else None,
        )
        try:
            self.answer = self._begin({**task, "parent": os.getpid()})
            """What it said when it was ready."""
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has exited; one system call."""
        return self._process.poll() is not None

    def stop(self) -> bool:
        """End it; return whether it ended by itself when told to. Never raises; a second call does nothing."""
        process = self._process
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):  # a byte, too: another child may hold the pipe's other end open
                process.stdin.write(b"\n")
                process.stdin.close()
        if process.stdout is not None:
            process.stdout.close()
        try:
            process.wait(_STOP_TIMEOUT_S)
            orderly = process.returncode == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            orderly = False
        self._errors.close()
        return orderly

    def problem(self) -> str:
        """Return the last line of its errors; call it before `stop`."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

    def _begin(self, task: dict[str, Any]) -> dict[str, Any]:
        pipe = self._process.stdin
        if pipe is None:
            raise UserError(f"{self._name} has no input")
        with contextlib.suppress(BrokenPipeError):  # it has exited: its answer, or its errors, say why
            pipe.write(json.dumps(task).encode() + b"\n")
            pipe.flush()
        try:
            answer = json.loads(self._line())
        except ValueError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
            raise UserError(f"{self._name} did not start: {self.problem()}") from None
        if "error" in answer:
            raise UserError(answer["error"])
        return dict(answer)

    def _line(self) -> bytes:
        output = self._process.stdout
        if output is None:
            return b""
        poll = select.poll()
        poll.register(output, select.POLLIN)
        if not poll.poll(_START_TIMEOUT_S * 1000):
            raise UserError(f"{self._name} did not start within {_START_TIMEOUT_S:.0f} s")
        return output.readline(_ANSWER_BYTES_MAX)
