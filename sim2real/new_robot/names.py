"""Which names of a model a YAML can use."""

import re

from sim2real.configs.errors import ConfigError

NAME_RULE = "letters, digits and underscores, beginning with a letter, at most 64"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def is_name(text: str) -> bool:
    """Tell whether text is a name to the schema."""
    return _NAME.fullmatch(text) is not None


def robot_name(stem: str, wish: str | None) -> str:
    """Return the name wished for, or the model file's, made into one. Raises ConfigError."""
    if wish is None:
        name = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:64]
        return name if is_name(name) else f"robot_{name}"[:64]
    if not is_name(wish):
        raise ConfigError(f"--name: {wish!r} is no name of a robot; valid: {NAME_RULE}")
    return wish
