"""What a command writes to motors for good: each write is whole, and stays known however the command ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from sim2real.hardware.held_signals import signals_held


class Written:
    """The permanent writes of one command, in order.

    Attributes:
        lines: What was written, one line each; what was begun and not confirmed says so.
        unconfirmed: How many of them were not confirmed.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unconfirmed = 0

    @contextmanager
    def writing(self, line: str) -> Iterator[None]:
        """Write in the block, and read it back there; signals that end the command wait until it is over.

        Args:
            line: What is written, and where.
        """
        with signals_held():
            try:
                yield
            except BaseException:
                self.lines.append(f"{line} (not confirmed)")
                self.unconfirmed += 1
                raise
            self.lines.append(line)


def change_text(name: str, found: float, wanted: float) -> str:
    """Return one line on a setting that is changed."""
    return f"{setting_text(name)} set from {found:g} to {wanted:g}"


def setting_text(name: str) -> str:
    """Return the name of a setting for people; one with dots is what its console wants to hear, and stays."""
    return name if "." in name else name.replace("_", " ")
