"""The option `--seeds` of commands that train several times."""

from typing import Annotated

import typer

from sim2real.configs.errors import UserError

Seeds = Annotated[str, typer.Option(help="Seeds of training, as in 0,1,2.")]


def seeds_of(text: str) -> tuple[int, ...]:
    """Parse distinct seeds. Raises UserError."""
    parts = [part.strip() for part in text.split(",")]
    if len(set(parts)) != len(parts) or not all(part.isdecimal() and int(part) < 2**32 for part in parts):
        raise UserError(f"--seeds {text!r}: give different whole numbers, as in 0,1,2")
    return tuple(map(int, parts))
