"""Bounds of the standard deviation of actions over a run."""

import math
from typing import Final

from sim2real.configs.schema.algorithm import OnPolicyConfig


class StdBounds:
    """log σ from `low` to `high`; the upper bound falls with the progress of a run that has a `final_std`.

    Args:
        config: Source of `std_range`, `initial_std` and `final_std`.
    """

    def __init__(self, config: OnPolicyConfig) -> None:
        span = config.std_range
        self.low, self.high = (-math.inf, math.inf) if span is None else (math.log(span[0]), math.log(span[1]))
        self._highest: Final = self.high
        self._first: Final = math.log(config.initial_std)
        self._last: Final = None if config.final_std is None else math.log(config.final_std)

    def advance(self, progress: float) -> None:
        """Lower the upper bound for the finished share of a run, from 0 to 1.

        It falls from `initial_std` to `final_std` in the second half of training. For a given divergence the mean moves
        in proportion to the standard deviation, so a small one early would slow down learning.
        """
        if self._last is not None:
            ceiling = self._first + (self._last - self._first) * min(max(2.0 * progress - 1.0, 0.0), 1.0)
            self.high = min(self._highest, ceiling)
