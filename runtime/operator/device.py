"""`Device`: the interface of what a person commands with, as the operator process serves it."""

import selectors
from collections.abc import Callable
from typing import Protocol

Serve = Callable[[], None]
"""What to call when a file descriptor can be read or written."""


class Device(Protocol):
    """Keyboard, gamepad, socket. Used from one thread; no call blocks.

    Attributes:
        name: For messages: `keyboard`, `gamepad`, `socket`.
    """

    name: str

    def open(self, selector: selectors.BaseSelector) -> None:
        """Open it and register its descriptors, each with a `Serve` as data.

        Raises:
            UserError: It cannot be used; the text says why.
        """
        ...

    def beat(self) -> None:
        """Do what is due; called some fifty times a second."""
        ...

    def close(self) -> None:
        """Restore what was changed. Never raises; a second call does nothing."""
        ...
