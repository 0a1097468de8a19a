"""Names of a model that a YAML can use."""

import re
from collections.abc import Iterable

from sim2real.configs.errors import ConfigError

NAME_RULE = "letters, digits and underscores, beginning with a letter, at most 64"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def is_name(text: str) -> bool:
    """Return whether text is a valid name in the schema."""
    return _NAME.fullmatch(text) is not None


def yaml_names(names: Iterable[str]) -> dict[str, str]:
    """Return a valid name for each name of a model, all different; valid names stay as they are.

    Other characters become underscores: `left-hip` becomes `left_hip`.
    """
    given = list(names)
    used = {name for name in given if is_name(name)}
    found = {}
    for name in given:
        if is_name(name):
            found[name] = name
            continue
        made = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:60] or "joint"
        made = made if is_name(made) else f"joint_{made}"[:60]
        number, made_first = 2, made
        while made in used:  # ends: one of len(given) + 1 numbers is free
            made, number = f"{made_first}_{number}", number + 1
        used.add(made)
        found[name] = made
    return found


def robot_name(stem: str, name: str | None) -> str:
    """Return the given name, or one made from the stem of the model file. Raises ConfigError."""
    if name is None:
        made = re.sub(r"[^A-Za-z0-9_]", "_", stem)[:64]
        return made if is_name(made) else f"robot_{made}"[:64]
    if not is_name(name):
        raise ConfigError(f"--name: {name!r} is not a valid robot name; valid: {NAME_RULE}")
    return name
