"""Means over the episodes that finished lately."""

from collections import deque
from typing import Any, Final

import numpy as np

from sim2real.training.algorithms.interface import Metrics

_EPISODES: Final = 256  # enough for a success rate to two digits, few enough to follow learning


class RecentEpisodes:
    """The last episodes' figures, for the progress bar, and the latest ones' means for the log."""

    def __init__(self) -> None:
        self._last: dict[str, deque[float]] = {}

    def add(self, finished: dict[str, Any]) -> Metrics:
        """Take in episodes; return the means over these alone, nothing if none has finished.

        A `metric/NAME` that is not a number says that its episode had nothing to measure: it is left out.
        """
        means: Metrics = {}
        for name, entries in finished.items():
            values = np.asarray(entries, dtype=float)
            if name.startswith("metric/"):
                values = values[~np.isnan(values)]
            if len(values):
                self._last.setdefault(name, deque(maxlen=_EPISODES)).extend(values.tolist())
                means[f"episode/{name}"] = float(np.mean(values))
        return means

    def mean(self, name: str) -> float:
        """Return the mean over the last episodes; not a number before the first one has finished."""
        values = self._last.get(name)
        return float(np.mean(values)) if values else float("nan")
