"""The ranges of observations in training, which a policy takes along: the robot then knows what it has never seen."""

from typing import Final

import numpy as np

from sim2real.runtime.contract.spec import Contract
from sim2real.training.environment_interface import Floats
from sim2real.training.normalizer import STD_FLOOR, Normalizer

RANGE_STDS: Final = 5.0
"""Standard deviations of training's observations that count as seen: all but one in a million, if they are normal."""


def with_ranges(contract: Contract, normalizer: Normalizer, observations: Floats) -> Contract:
    """Return a contract with the range of every value of its observation.

    A range holds the mean of training plus and minus `RANGE_STDS` standard deviations, and all of the observations.
    Of a term with a history, every tick has the same range.

    Args:
        contract: Without ranges.
        normalizer: Its moments are those of all observations in training.
        observations: Recorded ones, (n, O).
    """
    mean, std = normalizer.moments.mean.numpy(), normalizer.moments.std.numpy()
    low, high = observations.min(axis=0).astype(np.float64), observations.max(axis=0).astype(np.float64)
    if float(normalizer.moments.count) > 0.0:
        reach = RANGE_STDS * (std + STD_FLOOR)
        low, high = np.minimum(low, mean - reach), np.maximum(high, mean + reach)
    terms, start = [], 0
    for term in contract.observation:
        block = slice(start, start + term.size)
        lowest = low[block].reshape(term.history, term.width).min(axis=0)
        highest = high[block].reshape(term.history, term.width).max(axis=0)
        terms.append(term.model_copy(update={"low": tuple(lowest.tolist()), "high": tuple(highest.tolist())}))
        start += term.size
    return contract.model_copy(update={"observation": tuple(terms)})
