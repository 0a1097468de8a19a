"""Means over the episodes that finished lately."""

from collections import deque
from typing import Any, Final

import numpy as np

from training.algorithms.interface import Metrics

_EPISODES: Final = 256  # enough for a success rate to two digits, few enough to follow learning


class RecentEpisodes:
    """The last episodes' figures, for the progress bar, and the latest ones' means for the log."""

    def __init__(self) -> None:
        self._last: dict[str, deque[float]] = {}

    def add(self, finished: dict[str, Any]) -> Metrics:
        """Take in episodes; return the means over these alone, nothing if none has finished."""
        means: Metrics = {}
        for name, values in finished.items():
            if len(values):
                self._last.setdefault(name, deque(maxlen=_EPISODES)).extend(np.asarray(values, dtype=float).tolist())
                means[f"episode/{name}"] = float(np.mean(values))
        return means

    def mean(self, name: str) -> float:
        """Return the mean over the last episodes; not a number before the first one has finished."""
        values = self._last.get(name)
        return float(np.mean(values)) if values else float("nan")
