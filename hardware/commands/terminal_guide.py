"""Guides a person at the terminal through work on the bench."""

import sys

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError


class TerminalGuide:
    """Guides a person at the terminal; implements `Guide`. Standard output stays free for the result."""

    def ask(self, instruction: str) -> None:
        """Print an instruction and wait for Enter.

        Raises:
            UserError: Standard input has ended: nobody is there.
        """
        error_console().print(f"{instruction}; then press Enter ", markup=False, end="")
        if not sys.stdin.readline():
            error_console().print()
            raise UserError("nobody answers: standard input has ended")

    def tell(self, message: str) -> None:
        """Print a result."""
        error_console().print(message, markup=False)
