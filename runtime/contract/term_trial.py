"""A trial of an observation term before a policy depends on it: it writes all of its values, and nothing else."""

from typing import Final

import numpy as np

from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.observation_term import Inputs, find_term

_FILLS: Final = (1.25e300, -1.25e300)
"""Numbers that no term computes: a value that is still each of them was not written."""


def try_term(name: str, width: int, inputs: Inputs) -> None:
    """Compute an observation term from inputs that it cannot change.

    Args:
        name: Name of the term.
        width: Values in one tick.
        inputs: Of one robot, read-only.

    Raises:
        PluginError: A term from outside failed, or did not write all of its values.
    """
    still = [_computed(name, width, inputs, fill) == fill for fill in _FILLS]
    if count := int(np.count_nonzero(still[0] & still[1])):
        raise OBSERVATION_TERMS.wrong(name, f"wrote {width - count} of its {width} values")


def _computed(name: str, width: int, inputs: Inputs, fill: float) -> Float64Array:
    """Return what a term wrote into an array full of one number, (1, width)."""
    function, out = find_term(name).function, np.full((1, width), fill)
    with np.errstate(all="ignore"):
        OBSERVATION_TERMS.guarded(name, lambda: function(inputs, out), "failed in its trial")
    return out
