"""A signal of a run as a step function of time: each value holds until the next."""

from dataclasses import dataclass

import numpy as np

from sim2real.configs.schema.condition import Condition
from sim2real.hardware.types import BoolArray, Float64Array

_RESOLUTION = 1e-9
"""s. Times are whole nanoseconds; as floats they are not exact."""


@dataclass(frozen=True)
class Steps:
    """N values of a signal of K parts, which hold from their time on."""

    time: Float64Array
    """s since power-up, (N,), in order."""
    values: Float64Array
    """SI units, (N, K); a word is its index among the signal's words."""
    parts: tuple[str, ...]
    """Names of the K joints or IMUs; one empty name for a signal of the run itself."""

    def met(self, condition: Condition, words: tuple[str, ...] = ()) -> BoolArray:
        """Return whether each value meets a condition, (N, K). NaN meets none."""
        values, low, high = self.values, condition.low, condition.high
        if condition.word:
            same = values == words.index(condition.word)
            return np.asarray(same if condition.comparison == "is" else ~same)
        if condition.comparison == "in":
            return np.asarray((low <= values) & (values <= high))
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[condition.comparison]
        return np.asarray(compare(values, low), bool)

    def window(self, begin: float, end: float) -> slice:
        """Return which values hold at some time of a window, s."""
        first = max(0, int(np.searchsorted(self.time, begin + _RESOLUTION, "right")) - 1)
        return slice(first, int(np.searchsorted(self.time, end, "right")))
