"""`ErrorStream`: standard error that never raises, so that no message can cost a result."""

import contextlib
import io
import os
import sys
from typing import IO, Any, cast


class ErrorStream(io.TextIOBase):
    """A text stream. What it does not take (a full disk, a pipe without a reader) is dropped, and all that follows.

    Args:
        stream: Where to write; None drops everything, as where standard error was closed before the program began.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream

    @classmethod
    def standard(cls) -> "ErrorStream":
        """Return standard error as it is now, without what a live display has put around it."""
        return cls(getattr(sys.stderr, "rich_proxied_file", sys.stderr))

    @property
    def as_file(self) -> IO[str]:
        """This stream, for what asks for the protocol of a file."""
        return cast(IO[str], self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        """Encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def fileno(self) -> int:
        """Return the file descriptor. Raises OSError where there is none."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write, or drop, the text."""
        self._attempt("write", text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        self._attempt("flush")

    def _attempt(self, method: str, *arguments: Any) -> None:  # noqa: ANN401 - those of the stream's method
        if self._stream is None:
            return
        try:
            getattr(self._stream, method)(*arguments)
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._give_up()

    def _give_up(self) -> None:
        """Let what is buffered go nowhere: Python writes it at its end, and would exit with a status of its own."""
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(descriptor, self.fileno())
            finally:
                os.close(descriptor)
        self._stream = None
