"""Reward constrained policy optimization (Tessler, Mankowitz & Mannor 2019): the reward pays for costs with budgets."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from sim2real.configs.schema.algorithm import LagrangeConfig
from sim2real.training import team
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment, Floats, budgets_of, costs_of
from sim2real.training.lagrange import Lagrange

_REWARD_SHARE: Final = 0.1
"""Share of the latest iteration in the size of the reward."""


class PenalizedReward:
    """What off-policy learners are paid where there are C costs with budgets.

        e_c = c / d_c − 1                                   of a step, stored with it
        r̂ = (r − ρ·Σ_c λ_c·e_c) / (1 + Σ_c λ_c)             equation 10, when a transition is drawn

    λ follow the costs of the latest steps, see `Lagrange`; stored transitions are paid with the λ of today. ρ, the mean
    of |r| over the steps of late, makes reward and cost weigh alike at λ = 1, whatever their units. As −1 is in e, an
    episode does not end early to save costs.

    Args:
        config: Of the multipliers.
        environment: Has the costs.
    """

    def __init__(self, config: LagrangeConfig, environment: Environment) -> None:
        budgets = budgets_of(environment)
        self._environment: Final = environment
        self._budget: Final[Floats] = np.array(list(budgets.values()), np.float32)
        self.lagrange: Final = Lagrange(config, budgets)
        self._scale = 0.0
        self._costs: list[Tensor] = []
        self._rewards: list[Tensor] = []

    def take(self, reward: Floats, kept: np.ndarray[Any, np.dtype[np.bool_]] | None) -> Floats:
        """Count the costs and rewards of a step, and return its e, (n, C).

        Args:
            reward: r, (n,).
            kept: Rows that are a step; None: all.
        """
        costs = costs_of(self._environment)
        rows = slice(None) if kept is None else kept
        self._costs.append(torch.from_numpy(costs[rows].copy()))
        self._rewards.append(torch.from_numpy(np.abs(reward[rows])))
        return costs / self._budget - np.float32(1.0)

    def update(self, *, learned: bool) -> dict[str, float]:
        """Update the multipliers from the steps taken since the last time; return cost, budget and multiplier.

        Args:
            learned: Whether they are of a policy that learns; random actions only show the size of the reward.
        """
        costs, sizes = torch.cat(self._costs), torch.cat(self._rewards).double()
        self._costs, self._rewards = [], []
        if learned:
            self.lagrange.update(costs)
        total = team.summed(torch.stack((sizes.sum(), torch.tensor(float(len(sizes)), dtype=torch.float64))))
        size = float(total[0] / total[1])
        self._scale = size if self._scale == 0.0 else self._scale + _REWARD_SHARE * (size - self._scale)
        return self.lagrange.figures()

    def of(self, reward: Tensor, excess: Tensor) -> Tensor:
        """Return r̂, (n,), of rewards, (n,), and e, (n, C), or of discounted sums of both over several steps."""
        multiplier = placed(self.lagrange.multiplier.float())
        return (reward - self._scale * (excess @ multiplier)) / (1.0 + multiplier.sum())

    def state(self) -> dict[str, Any]:
        """Return multipliers and the size of the reward."""
        return {"lagrange": self.lagrange.state_dict(), "scale": self._scale}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.lagrange.load_state_dict(state["lagrange"])
        self._scale = float(state["scale"])
