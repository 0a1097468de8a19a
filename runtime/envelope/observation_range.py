"""What the policy observes, against the ranges seen in training."""

from math import inf

import numpy as np

from sim2real.runtime.contract.signals import Float32Array
from sim2real.runtime.contract.spec import ObservationTermSpec
from sim2real.runtime.verdict import Reason, Violation


class ObservationRange:
    """Compares observations with the ranges in the contract; terms without one are not limited.

    Args:
        terms: The blocks of the observation, in order.
    """

    def __init__(self, terms: tuple[ObservationTermSpec, ...]) -> None:
        low: list[float] = []
        high: list[float] = []
        self._terms: list[int] = []
        for index, term in enumerate(terms):
            low += (term.low or (-inf,) * term.width) * term.history
            high += (term.high or (inf,) * term.width) * term.history
            self._terms += [index] * term.size
        self.limited = any(term.low for term in terms)
        """Whether any term has a range."""
        self._low, self._high = np.array(low, np.float32), np.array(high, np.float32)
        self._ok, self._ok2 = np.zeros(len(low), np.bool_), np.zeros(len(low), np.bool_)

    def check(self, observation: Float32Array) -> tuple[Violation, ...]:
        """Return a violation for each term outside its range: the value that is farthest out, and its limit.

        Args:
            observation: (O,), after scales and clips. NaN is outside of every range.
        """
        ok = self._ok
        np.less_equal(self._low, observation, out=ok)
        np.less_equal(observation, self._high, out=self._ok2)
        np.logical_and(ok, self._ok2, out=ok)
        if np.count_nonzero(ok) == ok.size:
            return ()
        worst: dict[int, tuple[float, Violation]] = {}
        for place in np.flatnonzero(~ok).tolist():
            value, low, high = float(observation[place]), float(self._low[place]), float(self._high[place])
            limit = low if value < low else high
            excess = abs(value - limit) if value == value else inf
            term = self._terms[place]
            if term not in worst or excess > worst[term][0]:
                worst[term] = (excess, Violation(Reason.OBSERVATION_RANGE, term, value, limit))
        return tuple(violation for _, violation in worst.values())
