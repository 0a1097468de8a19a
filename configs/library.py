"""Finds shipped files by kind and name, and the user's files by path."""

from pathlib import Path

import yaml

from sim2real.configs.choice import hint
from sim2real.configs.errors import ConfigError

ROOT = Path(__file__).resolve().parent
KINDS = (
    *("motors", "robots", "tasks", "randomization", "experiments"),
    *("faults", "scenarios", "targets", "transfers", "gymnasium"),
)

POLICIES, POLICY_SUFFIX = "policies", ".onnx"
"""Folder and suffix of the shipped policies."""


def shipped(kind: str) -> list[str]:
    """Return the names of the shipped files of a kind."""
    return sorted(path.stem for path in (ROOT / kind).glob("*.yaml"))


def shipped_with_model() -> list[str]:
    """Return the names of the shipped robots that can be simulated; the others are only emulated and set up."""
    folder = ROOT / "robots"
    loaded = {
        name: yaml.load((folder / f"{name}.yaml").read_text("utf-8"), yaml.CSafeLoader) for name in shipped("robots")
    }
    return [name for name, content in loaded.items() if "model" in content]


def shipped_descriptions(kind: str) -> dict[str, str]:
    """Return the one-line description of each shipped file of a kind, by name."""
    found = {}
    for name in shipped(kind):
        content = yaml.load((ROOT / kind / f"{name}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
        found[name] = str(content["description"])
    return found


def shipped_policies() -> list[str]:
    """Return the names of the shipped policies."""
    return sorted(path.stem for path in (ROOT / POLICIES).glob(f"*{POLICY_SUFFIX}"))


def is_shipped_model(model: str) -> bool:
    """Return whether a relative model path is that of a shipped robot."""
    return model in {path.name for path in (ROOT / "robots").glob("*.xml")}


def is_policy_path(reference: str) -> bool:
    """Return whether the reference of a policy in a file is a path (`mine.onnx`), not a shipped name."""
    return reference.endswith(POLICY_SUFFIX) or "/" in reference


def is_path(reference: str) -> bool:
    """Return whether a reference is a file path (`./my.yaml`), not a shipped name (`pendulum`)."""
    return reference.endswith((".yaml", ".yml")) or "/" in reference


def find(kind: str, reference: str, *, relative_to: Path, where: str = "") -> Path:
    """Return the file of a reference.

    Args:
        kind: One of `KINDS`.
        reference: A shipped name or a path.
        relative_to: Base folder of relative paths; `Path()` is the working directory.
        where: Location of the reference, for the error message.

    Raises:
        ConfigError: Not found; the message lists the shipped names.
    """
    prefix = f"{where}: " if where else ""
    if is_path(reference):
        path = absolute(reference, relative_to=relative_to, where=where)
        try:
            if path.is_file():
                return path
        except OSError as error:  # for example a name too long for the file system
            raise ConfigError(f"{prefix}{path}: {error.strerror}") from error
        raise ConfigError(f"{prefix}no such file: {path}")
    names = shipped(kind)
    if reference in names:
        return ROOT / kind / f"{reference}.yaml"
    valid = ", ".join(names) or "none"
    raise ConfigError(
        f"{prefix}no {kind} entry named {reference!r}{hint(reference, names)}; shipped: {valid}; "
        "or give a path to a YAML file"
    )


def absolute(path: str, *, relative_to: Path, where: str = "") -> Path:
    """Return an absolute path; `~` is the home folder.

    Args:
        path: The path as written.
        relative_to: Base folder of a relative path.
        where: Location of the path, for the error message.

    Raises:
        ConfigError: The text is not a valid path.
    """
    try:
        return (relative_to / Path(path).expanduser()).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL byte, an unknown user, a symlink loop
        raise ConfigError(f"{f'{where}: ' if where else ''}{path!r} is not a path: {error}") from error
