"""The guardian of motors without a watchdog: a process that shares their port and stops them when their driver cannot.

It watches over a driver in two ways. A pipe ends when the driver's process dies, however it dies, `kill -9` included; a
counter in shared memory stands still when the process stalls. Either way it sends the frames that it was given, several
times, and ends. Feeding it is one store to memory, no system call. It cannot help where frames do not reach the motors:
an adapter that is pulled out, a cable that is cut.
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
_MEMORY_BYTES = 24  # three words of 64 bits: see guardian_process.py
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
        """Whether it watches no more, for whatever reason; costs more than `tripped`."""
        ...

    def feed(self) -> None:
        """Say that all is well."""
        ...

    def allow_ns(self, limit_ns: int) -> None:
        """Set how long it may go without food from now on, and feed it."""
        ...

    def stop(self) -> None:
        """Let it go without doing anything. Never raises; stopping twice does nothing."""
        ...

    def fire(self) -> None:
        """Let it stop the motors now. Never raises."""
        ...


@runtime_checkable
class Guarded(Protocol):
    """A transport that can have a guardian."""

    def start_guardian(self, frames: bytes, limit_ns: int) -> Guardian:
        """Start one that writes `frames` to this port; raises HardwareError if it does not start."""
        ...


class GuardianProcess:
    """A guardian in a process of its own; implements `Guardian`."""

    def __init__(self, port: int, frames: bytes, limit_ns: int) -> None:
        """Start it, and wait until it watches.

        Args:
            port: File descriptor that it writes to; it has its own copy.
            frames: What stops the motors.
            limit_ns: How long it may go without food.

        Raises:
            HardwareError: It did not start.
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
                # -I -S: no site-packages and no user's settings, so that it starts fast and nothing can be in its way.
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                    [sys.executable, "-I", "-S", str(_SCRIPT), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(port, memory.fileno(), life, told),
                    start_new_session=True,  # a Ctrl-C in the terminal is for the runtime alone
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
        """Its process id."""
        return self._process.pid

    @property
    def tripped(self) -> bool:
        """Whether it has stopped the motors."""
        return self._words[_TRIPPED] != 0

    @property
    def gone(self) -> bool:
        """Whether its process has ended: a system call."""
        return self._process.poll() is not None

    def feed(self) -> None:
        """Say that all is well: one store."""
        self._beat += 1
        self._words[_BEAT] = self._beat

    def allow_ns(self, limit_ns: int) -> None:
        """Set how long it may go without food from now on, and feed it."""
        self._words[_LIMIT_NS] = limit_ns
        self.feed()

    def stop(self) -> None:
        """Let it end without doing anything. Never raises."""
        self._end(_STOP)

    def fire(self) -> None:
        """Let it stop the motors now, and end. Never raises."""
        self._end(_FIRE)

    def _wait(self, ready: int) -> None:
        """Wait until it says that it watches."""
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
        with contextlib.suppress(OSError):  # it is gone already
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
