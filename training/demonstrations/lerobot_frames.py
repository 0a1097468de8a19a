"""The frames of a LeRobot data set, episode by episode, held against its list of episodes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.training.demonstrations.lerobot_episodes import ListedEpisode, listed_episodes
from sim2real.training.demonstrations.lerobot_info import ACTION, STATE, LerobotInfo
from sim2real.training.demonstrations.parquet import read_columns

_EPISODE, _FRAME, _TIME = "episode_index", "frame_index", "timestamp"
_PERIOD_ERROR_MAX: Final = 0.1
"""Of the time between two frames, as a share of the period: with more they are not evenly spaced."""
_FRAMES_MIN: Final = 2
"""A single frame has no velocity."""


@dataclass(frozen=True)
class LerobotFrames:
    """The n frames of an episode."""

    episode: ListedEpisode
    state: Float64Array
    """`observation.state`, (n, S), as recorded; finite."""
    action: Float64Array
    """`action`, (n, A), as recorded; finite."""


def frames_of(info: LerobotInfo) -> Iterator[LerobotFrames]:
    """Yield the episodes in order.

    Raises:
        UserError: A file is missing, cut off or damaged, has other frames than the list says, frames that are not
            evenly spaced, or a number that is not finite.
    """
    listed = listed_episodes(info)
    frames = Counter[object]()
    for episode in listed:
        frames[episode.file] += episode.length
    widths = {STATE: len(info.names[STATE]), ACTION: len(info.names[ACTION]), _EPISODE: 1, _FRAME: 1, _TIME: 1}
    path, columns = None, dict[str, Float64Array]()
    for episode in listed:
        if episode.file != path:  # episodes of one file follow each other
            path, columns = episode.file, read_columns(episode.file, widths)
            if len(columns[_EPISODE]) != frames[path]:
                raise UserError(
                    f"{path}: has {len(columns[_EPISODE])} frames; valid: {frames[path]}, as {info.folder / 'meta'} "
                    "lists its episodes"
                )
        rows = columns[_EPISODE][:, 0] == episode.index
        yield _checked(episode, {name: column[rows] for name, column in columns.items()}, info)


def _checked(episode: ListedEpisode, columns: dict[str, Float64Array], info: LerobotInfo) -> LerobotFrames:
    where, n = f"{episode.file}: episode {episode.index}", len(columns[_FRAME])
    if n != episode.length:
        raise UserError(f"{where}: has {n} frames; {info.folder / 'meta'} lists {episode.length}")
    if not n >= _FRAMES_MIN:
        raise UserError(f"{where}: has {n} frames; valid: {_FRAMES_MIN} at least, which give a velocity")
    if not np.array_equal(columns[_FRAME][:, 0], np.arange(n)):
        raise UserError(f"{where}: frame_index is not 0 to {n - 1} in order: frames are missing or mixed up")
    spacing = np.abs(np.diff(columns[_TIME][:, 0]) * info.fps - 1.0)
    if not (spacing <= _PERIOD_ERROR_MAX).all():
        frame = int(np.argmin(spacing <= _PERIOD_ERROR_MAX))
        raise UserError(
            f"{where}: timestamp is {columns[_TIME][frame, 0]:g} s in frame {frame} and "
            f"{columns[_TIME][frame + 1, 0]:g} s in the next; valid: {1.0 / info.fps:g} s later, by fps {info.fps:g}"
        )
    for feature in (STATE, ACTION):
        numbers = columns[feature]
        if not np.isfinite(numbers).all():
            frame, column = map(int, np.argwhere(~np.isfinite(numbers))[0])
            name = info.names[feature][column]
            raise UserError(f"{where}: {name!r} of {feature} is {numbers[frame, column]} in frame {frame}")
    return LerobotFrames(episode, columns[STATE], columns[ACTION])
