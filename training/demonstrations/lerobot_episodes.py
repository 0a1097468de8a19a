"""Where the episodes of a LeRobot data set are: file and length of each, as its `meta` folder lists them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import read_regular
from sim2real.training.demonstrations.lerobot_info import LerobotInfo
from sim2real.training.demonstrations.parquet import read_columns

_LISTS: Final = {"v2.1": Path("meta", "episodes.jsonl"), "v3.0": Path("meta", "episodes")}
_BYTES_MAX: Final = 1 << 30
_COLUMNS: Final = ("episode_index", "length", "data/chunk_index", "data/file_index")


@dataclass(frozen=True)
class ListedEpisode:
    """One episode."""

    index: int
    length: int
    """Frames."""
    file: Path


def listed_episodes(info: LerobotInfo) -> list[ListedEpisode]:
    """Return the episodes in order.

    Raises:
        UserError: The list is missing, damaged, or says something else than `info`.
    """
    place = info.folder / _LISTS[info.version]
    rows = sorted(_from_lines(place) if info.version == "v2.1" else _from_parquet(place))
    for number, (index, length, *_) in enumerate(rows):
        if index != number or not 1 <= length <= info.frames:
            what = f"episode {number} is missing or listed twice" if index != number else f"it has {length} frames"
            raise UserError(f"{place}: episode {index}: {what}; valid: each of {info.episodes} once, with its frames")
    if len(rows) != info.episodes:
        raise UserError(f"{place}: lists {len(rows)} episodes; {info.path} has {info.episodes}")
    if (frames := sum(row[1] for row in rows)) != info.frames:
        raise UserError(f"{place}: lists {frames} frames; {info.path} has {info.frames}")
    return [ListedEpisode(row[0], row[1], _file(info, row)) for row in rows]


def _file(info: LerobotInfo, row: tuple[int, ...]) -> Path:
    if info.version == "v2.1":
        return info.file(episode_chunk=row[0] // info.chunk, episode_index=row[0])
    return info.file(chunk_index=row[2], file_index=row[3])


def _from_lines(path: Path) -> Iterator[tuple[int, ...]]:
    """Yield index and length of each episode from lines of JSON."""
    try:
        lines = read_regular(path, _BYTES_MAX).decode().splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no lines of JSON: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            entry: Any = json.loads(line)
            index, length = entry["episode_index"], entry["length"]
            if not (type(index) is type(length) is int):
                raise TypeError("episode_index and length must be whole numbers")
        except (ValueError, RecursionError, LookupError, TypeError) as error:
            raise UserError(f"{path}:{number}: no episode, cut off or damaged: {error}") from error
        yield index, length


def _from_parquet(folder: Path) -> Iterator[tuple[int, ...]]:
    """Yield index, length and the two numbers of the file of each episode from Parquet files."""
    files = sorted(folder.glob("*/*.parquet"))
    if not files:
        raise UserError(f"{folder}: there is no Parquet file with the list of the episodes")
    for path in files:
        columns = read_columns(path, dict.fromkeys(_COLUMNS, 1))
        for row in zip(*(columns[name][:, 0] for name in _COLUMNS), strict=True):
            if not all(0 <= value < 2**53 and value == int(value) for value in row):
                raise UserError(f"{path}: an episode has {row}; valid: whole numbers for {', '.join(_COLUMNS)}")
            yield tuple(int(value) for value in row)
