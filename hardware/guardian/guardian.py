"""The guardian of motors without a watchdog: a process that shares their port and stops them if the driver fails.

It watches the driver in two ways. A pipe closes when the driver's process dies for any reason, `kill -9` included. A
counter in shared memory stops when the process stalls. In both cases the guardian sends its stop frames several times
and exits. Feeding it is one memory store, no system call. It cannot help if frames no longer reach the motors, for
example when the adapter is unplugged or the cable is cut.
"""

import contextlib
import mmap
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol, runtime_checkable

from sim2real.hardware.errors import HardwareError

_SCRIPT = Path(__file__).with_name("guardian_process.py")
_MEMORY_BYTES = 24  # three 64-bit words: see guardian_process.py
_BEAT, _LIMIT_NS, _TRIPPED = 0, 1, 2
_START_TIMEOUT_MS = 10_000  # a fresh interpreter needs 20 ms; a busy small machine, a second
_STOP_TIMEOUT_S = 2.0
_STOP, _FIRE = b"s", b"f"


class Guardian(Protocol):
    """Stops motors unless it is fed."""

    @property
    def tripped(self) -> bool:
        """Whether it has stopped the motors; it then does nothing more."""
        ...

    @property
    def gone(self) -> bool:
        """Whether it has stopped watching, for any reason; costs more than `tripped`."""
        ...

    def feed(self) -> None:
        """Restart the time limit."""
        ...

    def allow_ns(self, limit_ns: int) -> None:
        """Set the longest time between two feeds, and feed it."""
        ...

    def stop(self) -> None:
        """End it without stopping the motors. Never raises; a second call does nothing."""
        ...

    def fire(self) -> None:
        """Make it stop the motors now. Never raises."""
        ...


@runtime_checkable
class Guarded(Protocol):
    """A transport that can start a guardian."""

    def start_guardian(self, frames: bytes, limit_ns: int) -> Guardian:
        """Start a guardian that writes `frames` to this port. Raises HardwareError if it does not start."""
        ...


class GuardianProcess:
    """A guardian in its own process; implements `Guardian`."""

    def __init__(self, port: int, frames: bytes, limit_ns: int) -> None:
        """Start the process and wait until it watches.

        Args:
            port: File descriptor it writes to; it gets its own copy.
            frames: The frames that stop the motors.
            limit_ns: Longest time between two feeds, ns.

        Raises:
            HardwareError: The process did not start.
        """
        with tempfile.TemporaryFile() as memory:
            memory.truncate(_MEMORY_BYTES)
            self._memory = mmap.mmap(memory.fileno(), _MEMORY_BYTES)
            self._words = memoryview(self._memory).cast("Q")
            self._words[_LIMIT_NS] = limit_ns
            self._beat = 0
            life, self._life = os.pipe()
            ready, told = os.pipe()
            arguments = [str(port), str(memory.fileno()), str(life), str(told), str(os.getpid()), frames.hex()]
            try:
                # -I -S: no site-packages and no user settings, so that it starts fast and nothing can interfere.
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                    [sys.executable, "-I", "-S", str(_SCRIPT), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(port, memory.fileno(), life, told),
                    start_new_session=True,  # Ctrl-C in the terminal must reach only the runtime
                )
            except OSError as error:
                self._close()
                raise HardwareError(f"the guardian of the motors cannot be started: {error}") from error
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
        """Whether it has stopped the motors."""
        return self._words[_TRIPPED] != 0

    @property
    def gone(self) -> bool:
        """Whether its process has exited; one system call."""
        return self._process.poll() is not None

    def feed(self) -> None:
        """Restart the time limit: one memory store."""
        self._beat += 1
        self._words[_BEAT] = self._beat

    def allow_ns(self, limit_ns: int) -> None:
        """Set the longest time between two feeds, and feed it."""
        self._words[_LIMIT_NS] = limit_ns
        self.feed()

    def stop(self) -> None:
        """End the process without stopping the motors. Never raises."""
        self._end(_STOP)

    def fire(self) -> None:
        """Make it stop the motors now, then end. Never raises."""
        self._end(_FIRE)

    def _wait(self, ready: int) -> None:
        """Wait for its message that it watches."""
        try:
            poll = select.poll()
            poll.register(ready, select.POLLIN)
            if not poll.poll(_START_TIMEOUT_MS) or os.read(ready, 1) != b"r":
                self._process.kill()
                self._end(_STOP)
                raise HardwareError("the guardian of the motors does not start")
        finally:
            os.close(ready)

    def _end(self, word: bytes) -> None:
        if self._life < 0:
            return
        with contextlib.suppress(OSError):  # it has already exited
            os.write(self._life, word)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        os.close(self._life)
        self._life = -1
