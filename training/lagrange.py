"""Lagrange multipliers of costs with budgets, learned by a PID controller (Stooke, Achiam & Abbeel 2020)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.algorithm import LagrangeConfig
from sim2real.training import team


class Lagrange:
    """Multipliers λ of C costs with budgets d, and the advantage that they make of those of reward and costs.

        max_θ min_{λ≥0} J_R(θ) − Σ_c λ_c·(J_c(θ) − d_c)

        e = J / d − 1                                       of each cost, J its mean over the steps of a rollout
        I ← clip(I + K_I·e, 0, λ_max)
        λ = clip(K_P·e + I + K_D·max(e − e_before, 0), 0, λ_max)
        A = (A_R − Σ_c λ_c·A_c) / (1 + Σ_c λ_c)

    Gradient ascent on λ is K_I alone: λ lags the cost by a quarter of a cycle, and both oscillate. K_P damps it. The
    denominator keeps the size of the policy's steps whatever λ is.

    Args:
        config: Gains and bounds.
        budgets: d by name.
    """

    def __init__(self, config: LagrangeConfig, budgets: Mapping[str, float]) -> None:
        self._config: Final = config
        self.names: Final = tuple(budgets)
        self._budget: Final = torch.tensor(list(budgets.values()), dtype=torch.float64)
        self._integral = torch.full_like(self._budget, min(config.initial, config.multiplier_max))
        self._before: Tensor | None = None
        self._cost = torch.zeros_like(self._budget)
        self.multiplier: Tensor = self._integral.clone()
        """λ, (C,)."""

    def update(self, costs: Tensor) -> None:
        """Update the multipliers from the costs of the k steps of a rollout, (k, C), and those of other processes."""
        config = self._config
        count = float(team.summed(torch.tensor(float(len(costs)), dtype=torch.float64)))
        self._cost = team.summed(costs.double().sum(0).cpu()) / count
        error = self._cost / self._budget - 1.0
        rise = torch.zeros_like(error) if self._before is None else (error - self._before).clamp(min=0.0)
        self._integral = (self._integral + config.integral_gain * error).clamp(0.0, config.multiplier_max)
        raw = config.proportional_gain * error + self._integral + config.derivative_gain * rise
        self.multiplier = raw.clamp(0.0, config.multiplier_max)
        self._before = error

    def combined(self, reward: Tensor, costs: Sequence[Tensor]) -> Tensor:
        """Return the advantage of the Lagrangian for that of the reward and those of the costs, (T, n) each."""
        multipliers: list[float] = self.multiplier.tolist()
        total = reward.clone()
        for multiplier, cost in zip(multipliers, costs, strict=True):
            total -= multiplier * cost
        return total / (1.0 + sum(multipliers))

    def figures(self) -> dict[str, float]:
        """Return cost, budget and multiplier for the log."""
        figures = dict[str, float]()
        for name, *values in zip(
            self.names, self._cost.tolist(), self._budget.tolist(), self.multiplier.tolist(), strict=True
        ):
            figures |= dict(
                zip((f"cost/{name}", f"cost/{name}/budget", f"cost/{name}/multiplier"), values, strict=True)
            )
        return figures

    def state_dict(self) -> dict[str, Any]:
        """Return integrals, multipliers and the errors before, (C,) each."""
        before = {} if self._before is None else {"before": self._before.clone()}
        return {"integral": self._integral.clone(), "multiplier": self.multiplier.clone(), **before}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Restore what `state_dict` returned."""
        self._integral, self.multiplier = state["integral"].clone(), state["multiplier"].clone()
        self._before = state["before"].clone() if "before" in state else None
