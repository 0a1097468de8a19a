"""Finds policies and runs by what a person may call them: a name, a folder, or a file."""

from pathlib import Path
from typing import Final

from sim2real.configs.choice import hint
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import POLICIES, POLICY_SUFFIX, ROOT, shipped_policies
from sim2real.configs.other_kind import refuse_other_file

RUNS: Final = Path("runs")
"""Folder of the training runs, in the working directory."""

RUN_FILE: Final = "config.yaml"
"""What makes a folder a run."""

_POLICY: Final = "policy.onnx"
_YAML: Final = (".yaml", ".yml")
_INSTALLED: Final = Path("current", _POLICY)
"""The active policy of a folder that policies are flashed into."""


def find_policy(reference: str | Path) -> Path:
    """Return the file of a policy, or the folder of the run that has it.

    A reference with a suffix or a slash is a path. A word is what stands under it in the working directory, a shipped
    policy (`quadruped_walk`), or a run in `runs/`. A folder that policies are flashed into has the active one.

    Raises:
        ConfigError: Neither a path nor a name, or the word names several.
    """
    path = Path(reference)
    try:
        if path.suffix in _YAML and path.is_file():
            raise ConfigError(f"{path}: is a YAML file, where a policy is meant; valid: an ONNX file, or a run")
        refuse_other_file(POLICIES, path)
        if path.suffix or len(path.parts) != 1:
            return _active(path)
        if found := _named(path):
            return found
        if path.exists():
            return path
    except OSError as error:  # for example a name too long for the file system
        raise ConfigError(f"{path}: {error.strerror}") from error
    runs = run_names(RUNS)
    raise ConfigError(
        f"no policy or run named {str(reference)!r}{hint(reference, [*shipped_policies(), *runs])}; "
        f"shipped: {', '.join(shipped_policies()) or 'none'}; in {RUNS}/: {', '.join(runs) or 'none'}; "
        "or give a path to an ONNX file or a run"
    )


def policy_file(reference: str | Path) -> Path:
    """Return the file of a policy; of a run, the one that it exported.

    Raises:
        ConfigError: As `find_policy`, or a folder has no policy.
    """
    path = find_policy(reference)
    if not path.is_dir():
        return path
    if (path / _POLICY).is_file():
        return path / _POLICY
    if (path / RUN_FILE).is_file():
        raise ConfigError(f"{path}: this run has not exported its policy; write it with: sim2real export {path}")
    raise ConfigError(
        f"{path}: no policy in this folder; valid: an ONNX file, a run, or a folder that policies are flashed into"
    )


def shipped_policy(name: str) -> Path:
    """Return the file of a shipped policy, which files name. Raises ConfigError."""
    if name not in shipped_policies():
        close, valid = hint(name, shipped_policies()), ", ".join(shipped_policies()) or "none"
        raise ConfigError(f"no policy named {name!r}{close}; shipped: {valid}; or give a path to an ONNX file")
    return ROOT / POLICIES / f"{name}{POLICY_SUFFIX}"


def find_run(reference: str | Path, runs: Path = RUNS) -> Path:
    """Return the folder of a run from its path or its name in the folder of the runs; it may be missing.

    Raises:
        ConfigError: Neither a folder nor a name, or both a folder here and another one among the runs.
    """
    path = Path(reference)
    try:
        places = [place for place in (path, runs / path) if (place / RUN_FILE).is_file()]
        if len({place.resolve() for place in places}) > 1:
            raise _ambiguous(str(reference), places)
        if places:
            return places[0]
        if path.exists():
            return path
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    folder = runs if len(path.parts) == 1 else path.parent
    names = run_names(folder)
    raise ConfigError(
        f"{reference}: not a run: no such folder{hint(path.name, names)}; in {folder}/: {', '.join(names) or 'none'}"
    )


def run_names(folder: Path) -> list[str]:
    """Return the names of the runs in a folder."""
    try:
        return sorted(path.parent.name for path in folder.glob(f"*/{RUN_FILE}"))
    except OSError:  # a folder that must not be read has none to offer
        return []


def _named(path: Path) -> Path | None:
    """Return the one policy of a word, if any. Raises ConfigError for several."""
    found = [place for place in (path, RUNS / path) if _is_policy(place)]
    if str(path) in shipped_policies():
        found.append(shipped_policy(str(path)))
    if len({place.resolve() for place in found}) > 1:
        raise _ambiguous(str(path), found)
    return _active(found[0]) if found else None


def _is_policy(path: Path) -> bool:
    return path.is_file() or any((path / name).is_file() for name in (RUN_FILE, _POLICY, _INSTALLED))


def _active(path: Path) -> Path:
    """Return the active policy of a flash target's folder; any other path as it is."""
    return path / _INSTALLED if not (path / RUN_FILE).exists() and (path / _INSTALLED).is_file() else path


def _ambiguous(name: str, places: list[Path]) -> ConfigError:
    shown = [str(place.absolute() if len(place.parts) == 1 else place) for place in places]
    return ConfigError(f"{name!r} names {len(places)} things; give the path of one: {', '.join(shown)}")
