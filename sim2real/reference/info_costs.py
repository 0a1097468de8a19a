"""Costs with budgets from what an environment says of a step."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from sim2real.configs.schema.gymnasium import InfoCostConfig
from sim2real.runtime.contract.observation import Float32Array


class InfoCosts:
    """Costs of the steps of n environments.

    Args:
        costs: By the name that `info` has for them.
        n: Number of environments.
    """

    def __init__(self, costs: Mapping[str, InfoCostConfig], n: int) -> None:
        self._costs: Final = dict(costs)
        self.budgets: Final = {name: cost.budget for name, cost in costs.items()}
        """Highest mean of every cost over control steps, by name."""
        self.values: Final[Float32Array] = np.zeros((n, len(costs)), np.float32)
        """Costs of the last step, (n, C), in the order of the budgets."""

    def measure(self, said: Callable[[str], ArrayLike]) -> None:
        """Take what is said of the last step by name, (n,)."""
        for column, (name, cost) in enumerate(self._costs.items()):
            entry = np.asarray(said(name), np.float64)
            # Not a number stays none, for whoever watches.
            counted = entry if cost.above is None else np.where(np.isnan(entry), entry, entry > cost.above)
            self.values[:, column] = counted
