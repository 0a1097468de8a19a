"""`kept_output`: what is written to standard output and error during a run is kept in memory until its end.

A terminal that takes nothing (Ctrl-S, a dead connection) holds up whoever writes to it: a warning of Python, a message
of a library. Neither may hold up the loop.
"""

import fcntl
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Final

KEPT_BYTES_MAX: Final = 64 * 1024
"""What comes after is dropped: a library that complains in every tick must not fill the memory."""

_STANDARD: Final = (1, 2)


class KeptOutput:
    """What was written."""

    def __init__(self) -> None:
        self.text = ""
        """Known after the block."""


@contextmanager
def kept_output(kept: KeptOutput) -> Iterator[None]:
    """Keep what this process, whatever its language, writes to standard output and error during the block.

    Writing never blocks and, in Python, never raises.
    """
    memory = os.memfd_create("sim2real-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with ExitStack() as stack:
        stack.callback(os.close, memory)
        os.ftruncate(memory, KEPT_BYTES_MAX)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)  # it stays as large as it is
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed before the program began
                stream.flush()
        for descriptor, stream in zip(_STANDARD, (sys.__stdout__, sys.__stderr__), strict=True):
            if stream is not None:  # else its number may by now be that of another file, a motor bus for example
                stack.enter_context(_redirected(descriptor, memory))
        try:
            with redirect_stdout(_Bounded(memory)), redirect_stderr(_Bounded(memory)):
                yield
        finally:
            length = os.lseek(memory, 0, os.SEEK_CUR)
            kept.text = os.pread(memory, length, 0).decode("utf-8", "replace")


@contextmanager
def _redirected(descriptor: int, target: int) -> Iterator[None]:
    try:
        before = os.dup(descriptor)
    except OSError:
        yield  # it was closed before the program began
        return
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        os.dup2(before, descriptor)
        os.close(before)


class _Bounded(io.TextIOBase):
    """A text stream over a file of fixed size; what does not fit is dropped."""

    encoding = "utf-8"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = KEPT_BYTES_MAX - os.lseek(self._descriptor, 0, os.SEEK_CUR)
        with suppress(OSError):
            os.write(self._descriptor, text.encode("utf-8", "replace")[:room])
        return len(text)
