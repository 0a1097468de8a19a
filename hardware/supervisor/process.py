"""The supervisor in a process of its own, which shares the ports.

It watches the driver in two ways. A pipe closes when the driver's process dies for any reason, `kill -9` included. A
counter in shared memory stops when the process stalls. In both cases it sends its frames several times and exits. The
driver watches it in the same way: it writes the time to the shared memory. Feeding and watching are loads and stores,
no system calls. It cannot help if frames no longer reach the motors, for example when an adapter is unplugged.
"""

import contextlib
import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.supervisor.supervisor import Plan

SCRIPT: Final = Path(__file__).with_name("program.py")
"""What its process runs."""

SILENCE_NS: Final = ns_from_s(0.06)
"""Time without a sign of life after which it counts as lost; it shows one every few milliseconds. With a tick of 20 ms
its loss is known within 80 ms."""

_MEMORY_BYTES = 40  # five 64-bit words: see program.py
_BEAT, _LIMIT_NS, _PLAN, _TRIPPED, _ALIVE_NS = range(5)
_START_TIMEOUT_MS = 10_000  # a fresh interpreter needs 20 ms; a busy small machine, a second
_STOP_TIMEOUT_S = 2.0
_STOP = b"s"


class SupervisorProcess:
    """A supervisor in its own process; implements `Supervisor`."""

    def __init__(self, ports: Sequence[tuple[int, bytes, bytes]], limit_ns: int) -> None:
        """Start the process and wait until it watches, with the plan to switch torque off.

        Args:
            ports: File descriptor of each port, frames for torque off, and frames for the death of the driver; the
                process gets its own copy of the descriptors.
            limit_ns: Longest time between two feeds, ns.

        Raises:
            HardwareError: The process did not start.
        """
        with _memory() as memory:
            self._memory = mmap.mmap(memory, _MEMORY_BYTES)
            self._words = memoryview(self._memory).cast("Q")
            self._words[_LIMIT_NS] = limit_ns
            self._beat = 0
            life, self._life = os.pipe()
            ready, told = os.pipe()
            frames = json.dumps([(port, off.hex(), death.hex()) for port, off, death in ports])
            arguments = [str(memory), str(life), str(told), str(os.getpid()), frames]
            try:
                # -I -S: no site-packages and no user settings, so that it starts fast and nothing can interfere.
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                    [sys.executable, "-I", "-S", str(SCRIPT), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(memory, life, told, *(port for port, _, _ in ports)),
                    start_new_session=True,  # Ctrl-C in the terminal must reach only the runtime
                )
            except OSError as error:
                self._close()
                raise HardwareError(f"the supervisor of the motors cannot be started: {error}") from error
            finally:
                os.close(life)
                os.close(told)
                if not hasattr(self, "_process"):
                    os.close(ready)
        self._wait(ready)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def tripped(self) -> bool:
        """Whether it has acted."""
        return self._words[_TRIPPED] != 0

    @property
    def alive(self) -> bool:
        """Whether it has shown a sign of life within `SILENCE_NS`."""
        return time.monotonic_ns() - self._words[_ALIVE_NS] <= SILENCE_NS

    def feed(self) -> None:
        """Restart the time limit: one memory store."""
        self._beat += 1
        self._words[_BEAT] = self._beat

    def plan(self, plan: Plan) -> None:
        """Set what it sends when it acts, and feed it."""
        self._words[_PLAN] = int(plan)
        self.feed()

    def stop(self) -> None:
        """End the process without an act. Never raises."""
        if self._life < 0:
            return
        with contextlib.suppress(OSError):  # it has already exited
            os.write(self._life, _STOP)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)  # a stopped one could not end
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _wait(self, ready: int) -> None:
        """Wait for its message that it watches."""
        try:
            poll = select.poll()
            poll.register(ready, select.POLLIN)
            if not poll.poll(_START_TIMEOUT_MS) or os.read(ready, 1) != b"r":
                self._process.kill()
                self.stop()
                raise HardwareError("the supervisor of the motors does not start")
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(ready)
        self.feed()

    def _close(self) -> None:
        os.close(self._life)
        self._life = -1


@contextmanager
def _memory() -> Iterator[int]:
    """Yield the descriptor of memory to share. On Linux no disk is needed, which may be full or read-only.

    Memory that is not there is missed here: where it is first written, that would end the process.
    """
    if not hasattr(os, "memfd_create"):  # macOS
        with tempfile.TemporaryFile() as file:
            file.write(bytes(_MEMORY_BYTES))
            file.flush()
            yield file.fileno()
        return
    memory = os.memfd_create("sim2real-supervisor", os.MFD_CLOEXEC)
    try:
        os.write(memory, bytes(_MEMORY_BYTES))
        yield memory
    finally:
        os.close(memory)
