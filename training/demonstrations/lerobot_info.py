"""What `meta/info.json` says of a LeRobot data set: version, rate, names of the joints, and where its frames are."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import read_regular

INFO: Final = Path("meta", "info.json")
"""What makes a folder a LeRobot data set."""
STATE: Final = "observation.state"
ACTION: Final = "action"
_BYTES_MAX: Final = 16 << 20
_FIELDS: Final = {"v2.1": ("episode_chunk", "episode_index"), "v3.0": ("chunk_index", "file_index")}
"""What the path of a file of frames is made of, by version of the format."""
_FIELD: Final = re.compile(r"\{(\w+):0(\d)d\}")
_COUNT_MAX: Final = 50_000_000


@dataclass(frozen=True)
class LerobotInfo:
    """A LeRobot data set, by its own description."""

    folder: Path
    version: str
    """`v2.1`, a file for each episode, or `v3.0`, files of several episodes."""
    fps: float
    """Frames per second."""
    episodes: int
    frames: int
    chunk: int
    """Most files in a folder."""
    data_path: str
    """Path of a file of frames, below the folder, with fields in braces."""
    names: dict[str, tuple[str, ...]]
    """Names of the numbers of `observation.state` and of `action`, in order."""

    @property
    def path(self) -> Path:
        """The file that says all this."""
        return self.folder / INFO

    @classmethod
    def of(cls, folder: Path) -> "LerobotInfo":
        """Read it. Raises UserError if it is missing, damaged, of another version, or lacks something."""
        path = folder / INFO
        try:
            document = json.loads(read_regular(path, _BYTES_MAX))
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: no JSON, cut off or damaged: {error}") from error
        if not isinstance(document, dict):
            raise UserError(f"{path}: no description of a data set; valid: a JSON object")
        version = document.get("codebase_version")
        if version not in _FIELDS:
            raise UserError(
                f"{path}: codebase_version is {version!r}; valid: {', '.join(_FIELDS)}: LeRobot's own converters bring "
                "older data sets there"
            )
        features = document.get("features")
        return cls(
            folder,
            version,
            fps=_number(document, "fps", path),
            episodes=_count(document, "total_episodes", path),
            frames=_count(document, "total_frames", path),
            chunk=_count(document, "chunks_size", path),
            data_path=_checked_path(document.get("data_path"), version, path),
            names={name: _names(features, name, path) for name in (STATE, ACTION)},
        )

    def file(self, **places: int) -> Path:
        """Return the path of a file of frames, by the fields of its version."""
        return self.folder / self.data_path.format(**places)


def _number(document: dict[str, Any], key: str, path: Path) -> float:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < math.inf:
        raise UserError(f"{path}: {key} is {value!r}; valid: a number above 0")
    return float(value)


def _count(document: dict[str, Any], key: str, path: Path) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _COUNT_MAX:
        raise UserError(f"{path}: {key} is {value!r}; valid: 1 to {_COUNT_MAX}")
    return value


def _checked_path(value: object, version: str, path: Path) -> str:
    """Return a path that stays below the folder, whatever the numbers in it are."""
    fields = _FIELDS[version]
    valid = isinstance(value, str) and sorted(found[0] for found in _FIELD.findall(value)) == sorted(fields)
    rest = _FIELD.sub("", value) if valid and isinstance(value, str) else "{"
    if "{" in rest or "}" in rest or "\0" in rest or Path(rest).is_absolute() or ".." in Path(rest).parts:
        pattern = "data/chunk-{{{}:03d}}/file-{{{}:03d}}.parquet".format(*fields)
        raise UserError(f"{path}: data_path is {value!r}; valid: a path below the data set's folder, such as {pattern}")
    return str(value)


def _names(features: object, name: str, path: Path) -> tuple[str, ...]:
    """Return the names of a feature's numbers: a list, or, in older data sets, an object with a list of them."""
    feature = features.get(name) if isinstance(features, dict) else None
    if not isinstance(feature, dict):
        there = ", ".join(features) if isinstance(features, dict) else "none"
        raise UserError(f"{path}: there is no feature {name!r}; there are: {there or 'none'}")
    names = feature.get("names")
    if isinstance(names, dict) and len(names) == 1:
        (names,) = names.values()
    if not (isinstance(names, list) and names and all(isinstance(each, str) for each in names)):
        raise UserError(f"{path}: the feature {name!r} has the names {names!r}; valid: a list of names")
    repeated = next((each for each in names if names.count(each) > 1), None)
    if repeated is not None or feature.get("shape") != [len(names)]:
        what = f"has shape {feature.get('shape')!r}" if repeated is None else f"has the name {repeated!r} twice"
        raise UserError(f"{path}: the feature {name!r} {what}; valid: a name for each number, here [{len(names)}]")
    return tuple(names)
