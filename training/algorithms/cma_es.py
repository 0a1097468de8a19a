"""Evolution strategy with adapted covariance matrix (Hansen 2016), by the package `cmaes`."""

from typing import Any, Final

import numpy as np
import torch
from cmaes import CMA, SepCMA
from torch import Tensor

from sim2real.configs.schema.black_box import CmaEsConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.black_box import BlackBox
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment

_HISTORY: Final = "_funhist_values"
"""Values for a stop criterion that is not used here; partly never written."""
_FULL_MAX: Final = 300
"""Weights up to which the covariance is full: its eigenvectors take D³ operations in every generation."""


class CmaEs(BlackBox):
    """The covariance of a Gaussian follows the steps that paid, and its size the length of their path.

        θ_i ~ N(m, σ²·C);   m ← m + Σ w_i·(θ_i − m) over the best half
        C ← (1 − c_1 − c_μ)·C + c_1·p_c·p_cᵀ + c_μ·Σ w_i·y_i·y_iᵀ,   y_i = (θ_i − m)/σ
        σ grows while the path p_σ of steps is longer than that of a random walk

    Switches: `covariance`; a full one learns which weights have to change together.
    """

    def __init__(self, config: CmaEsConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config
        mean = self.mean.double().cpu().numpy()
        full = config.covariance == "full" or (config.covariance == "auto" and len(mean) <= _FULL_MAX)
        kind = CMA if full else SepCMA
        self._strategy: Final = kind(mean, config.initial_std, seed=seed % 2**32, population_size=config.population)

    def ask(self) -> Tensor:
        """Draw a generation, (P, D)."""
        # Its own random numbers have no state that could be saved; a seed for each generation needs none.
        self._strategy.reseed_rng(int(torch.randint(2**31, (), generator=self._generator)))
        return placed(torch.from_numpy(np.stack([self._strategy.ask() for _ in range(self.config.population)])).float())

    def tell(self, candidates: Tensor, returns: Tensor, progress: float) -> tuple[Tensor, Metrics]:
        """Adapt mean, covariance and size to the order of the returns."""
        strategy = self._strategy
        tried = candidates.double().cpu().numpy()
        strategy.tell([(row, -value) for row, value in zip(tried, returns.tolist(), strict=True)])
        return placed(torch.from_numpy(strategy.mean).float()), {"search/std": float(candidates.std(0).mean())}

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with that of the strategy."""
        return super().state() | {"strategy": self._numbers()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        own = vars(self._strategy)
        for name, value in self._numbers().items():
            found = state["strategy"][name]
            own[name] = np.copy(found) if isinstance(value, np.ndarray) else type(value)(found)

    def _numbers(self) -> dict[str, Any]:
        """Return what the strategy computes with; its `__getstate__` halves the covariance, which rounds."""
        return {
            name: np.copy(value) if isinstance(value, np.ndarray) else value
            for name, value in vars(self._strategy).items()
            if isinstance(value, np.ndarray | float | int) and name != _HISTORY
        }
