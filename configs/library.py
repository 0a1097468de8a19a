"""The shipped YAML files, found by kind and name, and the user's own, found by path."""

import difflib
from pathlib import Path

from configs.errors import ConfigError

ROOT = Path(__file__).resolve().parent
KINDS = ("motors", "robots", "tasks", "randomization", "experiments", "faults", "scenarios", "targets")


def shipped(kind: str) -> list[str]:
    """Return the names of the shipped files of a kind."""
    return sorted(path.stem for path in (ROOT / kind).glob("*.yaml"))


def is_path(reference: str) -> bool:
    """Tell whether a reference is a file path (`./my.yaml`) rather than a shipped name (`pendulum`)."""
    return reference.endswith((".yaml", ".yml")) or "/" in reference


def find(kind: str, reference: str, *, relative_to: Path, where: str = "") -> Path:
    """Return the file a reference means.

    Args:
        kind: One of `KINDS`.
        reference: A shipped name or a path; a relative path is looked up beside the file that names it.
        relative_to: The folder that relative paths start from.
        where: Place of the reference, to open the error message with.

    Raises:
        ConfigError: Nothing is found; the message lists what is shipped.
    """
    prefix = f"{where}: " if where else ""
    if is_path(reference):
        path = (relative_to / Path(reference).expanduser()).resolve()
        if not path.is_file():
            raise ConfigError(f"{prefix}no such file: {path}")
        return path
    names = shipped(kind)
    if reference in names:
        return ROOT / kind / f"{reference}.yaml"
    close = difflib.get_close_matches(reference, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    valid = ", ".join(names) or "none"
    raise ConfigError(
        f"{prefix}no {kind} entry named {reference!r}{hint}; shipped: {valid}; or give a path to a YAML file"
    )
