"""Description of a command, for the command line to list it without importing it."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class CommandInfo:
    """One command: its summary and the location of its Typer app.

    Entry points of the groups `sim2real.commands` and `sim2real.benchmarks` name such an object, in a module that
    imports nothing slow: `sim2real --help` reads every one. The app is imported when the command is run.
    """

    summary: str
    """One sentence for the list of commands."""
    app: str
    """`package.module:attribute` of the Typer app: one command, or a group of commands."""
    slow: bool = False
    """Whether it is silent for a while at first, so that a terminal says that it is being loaded."""

    def load(self) -> Any:  # noqa: ANN401 - whatever is there; the group of commands checks it
        """Import the app. Raises whatever its module raises."""
        module, _, attribute = self.app.partition(":")
        return getattr(import_module(module), attribute)
