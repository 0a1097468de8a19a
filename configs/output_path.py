"""Check of a path that a command writes to: never what it reads."""

from collections.abc import Iterable
from pathlib import Path

from sim2real.configs.errors import UserError


def check_output(output: Path, sources: Iterable[Path]) -> None:
    """Refuse to write over a file that is read; by any of its names.

    Raises:
        UserError: It is one of the sources.
    """
    for source in sources:
        if output.exists() and source.exists() and output.samefile(source):
            raise UserError(f"--output {output}: is what is read, and would be lost; name another file")
