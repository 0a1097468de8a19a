"""Writers of a log: within the tick, or in another process."""

import contextlib
import json
import mmap
import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.child_process import PYTHON
from sim2real.runtime.log_file import LogFile, Rotation
from sim2real.runtime.log_plan import LogPlan
from sim2real.runtime.log_process import LOST, STATUS_WORDS, TICKS
from sim2real.runtime.ring import SharedRing

_START_TIMEOUT_S: Final = 20.0  # a fresh interpreter and NumPy from a cold disk
END_TIMEOUT_S: Final = 10.0
"""A full ring takes two seconds; a disk that hangs must not hold up the program."""

_NOTE_MAX: Final = 600  # characters; the line must be smaller than what a pipe takes whole, 4096 bytes


class LogWriter(Protocol):
    """What writes the rows of a run; nothing here raises."""

    error: str
    """Why the log ends early; empty while it does not."""

    @property
    def ticks(self) -> int:
        """Ticks written."""
        ...

    @property
    def lost(self) -> int:
        """Ticks that it was too slow for."""
        ...

    @property
    def pid(self) -> int | None:
        """Its process id; None where it is this process."""
        ...

    def add(self, row: bytearray) -> None:
        """Add one tick."""
        ...

    def note(self, level: str, about: str, text: str) -> None:
        """Add a notice."""
        ...

    def close(self, run: Mapping[str, str]) -> None:
        """Write what is left, how the run ended, and the index."""
        ...


class InTickWriter:
    """Writes at once. Raises UserError if the file cannot be written."""

    lost = 0
    pid = None

    def __init__(self, path: Path, plan: LogPlan, rotation: Rotation) -> None:
        self.error = ""
        self._dtype = plan.layout.dtype
        try:
            self._file = LogFile(path, plan, rotation)
        except OSError as error:
            raise _refused(path, error.strerror) from error

    @property
    def ticks(self) -> int:
        """Ticks written."""
        return self._file.ticks

    def add(self, row: bytearray) -> None:
        """Add one tick."""
        if self.error:
            return
        try:
            self._file.write(np.frombuffer(row, self._dtype)[0])
        except OSError as error:
            self._fail(error)

    def note(self, level: str, about: str, text: str) -> None:
        """Add a notice."""
        if not self.error:
            try:
                self._file.note(level, about, text)
            except OSError as error:
                self._fail(error)

    def close(self, run: Mapping[str, str]) -> None:
        """Write what is left, how the run ended, and the index."""
        if not self.error:
            try:
                self._file.close(run)
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.error = _ends(error.strerror or str(error))
        with contextlib.suppress(OSError):
            self._file.abandon()


class ProcessWriter:
    """Writes in another process, which outlives this one.

    Args:
        ring: From where it takes the rows.
        path: The file.
        plan: What is written.
        rotation: When to go on in a new file.
        loop_cpu: The processor to keep away from, or -1.

    Raises:
        UserError: The file cannot be written.
    """

    def __init__(self, ring: SharedRing, path: Path, plan: LogPlan, rotation: Rotation, loop_cpu: int) -> None:
        self.error = ""
        self._ring = ring
        status = os.memfd_create("sim2real-log-status")
        os.ftruncate(status, STATUS_WORDS * 8)
        self._memory = mmap.mmap(status, STATUS_WORDS * 8)
        self._status = memoryview(self._memory).cast("q")
        planned = os.memfd_create("sim2real-log-plan")
        try:
            with os.fdopen(os.dup(planned), "wb") as file:
                file.write(plan.to_text().encode())
            os.lseek(planned, 0, os.SEEK_SET)
            arguments = [ring.fd, planned, status, path.absolute(), rotation.seconds, rotation.megabytes, loop_cpu]
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*PYTHON, "-m", "sim2real.runtime.log_process", *(str(argument) for argument in arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(ring.fd, planned, status),
                start_new_session=True,  # Ctrl-C in the terminal must reach only the loop
            )
        finally:
            os.close(planned)
            os.close(status)
        try:
            os.set_blocking(self._input, False)  # a writer that hangs must not hang the run
            answer = self._answer(_START_TIMEOUT_S)
            if answer is None or answer["error"]:
                raise _refused(path, answer["error"] if answer else "the process that writes it does not start")
        except BaseException:  # Ctrl-C while it starts, too: it would wait for the end of this process
            self._process.kill()
            self._process.communicate()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ticks(self) -> int:
        """Ticks written."""
        return self._status[TICKS]

    @property
    def lost(self) -> int:
        """Ticks that it was too slow for."""
        return self._status[LOST]

    def add(self, row: bytearray) -> None:
        """Add one tick."""
        self._ring.push(row)

    def note(self, level: str, about: str, text: str) -> None:
        """Add a notice; none if the pipe is full, for nothing may wait."""
        line = _line({"note": [level, about, text[:_NOTE_MAX]]})
        with contextlib.suppress(OSError):  # its end is noticed when the log is closed
            os.write(self._input, line)

    def close(self, run: Mapping[str, str]) -> None:
        """Write what is left, how the run ended, and the index."""
        self._ring.end()
        due = time.monotonic() + END_TIMEOUT_S
        self._send_all(_line({"end": dict(run)}), due)
        answer = self._answer(max(0.0, due - time.monotonic()))
        if answer is not None:
            self.error = _ends(answer["error"]) if answer["error"] else ""
        elif self._process.poll() is None:
            self.error = _ends(f"not written within {END_TIMEOUT_S:g} s of its end")
        else:
            self.error = _ends("the process that wrote it died")
        self._process.kill()
        self._process.communicate()

    @property
    def _input(self) -> int:
        return _fd(self._process.stdin)

    def _send_all(self, data: bytes, due: float) -> None:
        """Send all of it, if the process takes it in time."""
        poll = select.poll()
        poll.register(self._input, select.POLLOUT)
        while data and (left := due - time.monotonic()) > 0.0 and poll.poll(left * 1e3):
            try:
                data = data[os.write(self._input, data[: select.PIPE_BUF]) :]
            except BlockingIOError:
                continue
            except OSError:
                return

    def _answer(self, timeout_s: float) -> dict[str, Any] | None:
        """Return its next line; None when it ends or hangs."""
        output = _fd(self._process.stdout)
        poll = select.poll()
        poll.register(output, select.POLLIN)
        if not poll.poll(timeout_s * 1e3):
            return None
        line = os.read(output, 65536)
        return json.loads(line) if line else None


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _fd(pipe: IO[bytes] | None) -> int:
    return -1 if pipe is None else pipe.fileno()


def _ends(why: str) -> str:
    return f"{why}; what was written before stays readable"


def _refused(path: Path, why: str | None) -> UserError:
    return UserError(f"{path}: the log cannot be written: {why}")
