"""Means over the latest finished episodes."""

from collections import deque
from typing import Any, Final

import numpy as np

from sim2real.training.algorithms.interface import Metrics

_EPISODES: Final = 256  # enough for two digits of a success rate, few enough to follow learning


class RecentEpisodes:
    """Figures of the latest episodes: moving means for the progress bar, means per iteration for the log."""

    def __init__(self) -> None:
        self._last: dict[str, deque[float]] = {}

    def add(self, finished: dict[str, Any]) -> Metrics:
        """Add finished episodes; return the means over these episodes, empty if there are none.

        NaN values of `metric/NAME`, from episodes without anything to measure, are left out.
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
        """Return the mean over the latest episodes; NaN before the first one has finished."""
        values = self._last.get(name)
        return float(np.mean(values)) if values else float("nan")
