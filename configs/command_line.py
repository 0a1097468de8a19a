"""Command lines as a person types them, for what a command says one usually does next."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sim2real.configs.errors import ConfigError


def typed(*words: object) -> str:
    """Return a command line of this program, quoted for a shell.

    Args:
        words: Command, arguments and options, or lists of them. A `Path` is never taken for an option, a number is
            written short, and None is left out.
    """
    return shlex.join(["sim2real", *_texts(words)])


def port_words(ports: Sequence[str] | None) -> list[str]:
    """Return the options that name serial ports, as they were given."""
    return [word for port in ports or () for word in ("--port", port)]


def robot_word(name: str) -> str | None:
    """Return what names a robot on a command line here: a shipped one, or NAME.yaml in this folder; else None."""
    from sim2real.configs.config_reference import find_given
    from sim2real.configs.schema.robot import RobotConfig

    try:
        find_given("robots", name, RobotConfig)
    except ConfigError:
        return None
    return name


def _texts(words: Iterable[object]) -> Iterator[str]:
    for word in words:
        if isinstance(word, list | tuple):
            yield from _texts(word)
        elif isinstance(word, Path) and str(word).startswith("-"):
            yield f"./{word}"
        elif word is not None:
            yield f"{word:g}" if isinstance(word, float) else str(word)
