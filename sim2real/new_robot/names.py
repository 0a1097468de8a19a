"""Names of a model that a YAML can use."""

import re

from sim2real.configs.errors import ConfigError

NAME_RULE = "letters, digits and underscores, beginning with a letter, at most 64"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def is_name(text: str) -> bool:
    """Return whether text is a valid name in the schema."""
    return _NAME.fullmatch(text) is not None


def robot_name(stem: str, name: str | None) -> str:
    """Return the given name, or one made from the stem of the model file. Raises ConfigError."""
    if name is None:
        made = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:64]
        return made if is_name(made) else f"robot_{made}"[:64]
    if not is_name(name):
        raise ConfigError(f"--name: {name!r} is not a valid robot name; valid: {NAME_RULE}")
    return name
