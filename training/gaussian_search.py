"""Base of searches that fit a Gaussian with one standard deviation for each weight to the weighted generation."""

from abc import abstractmethod
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.schema.black_box import GaussianSearchConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.black_box import BlackBox
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment


class GaussianSearch(BlackBox):
    """θ ~ N(μ, diag σ²);   μ ← Σ w_i·θ_i,   σ² ← Σ w_i·(θ_i − μ)² + z²,   Σ w_i = 1.

    This is the weighted maximum-likelihood fit, with added noise z that falls to zero. How a generation's returns
    become the weights w is the algorithm.
    """

    def __init__(self, config: GaussianSearchConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self._extra_std: Final = config.extra_std
        self.std = torch.full_like(self.mean, config.initial_std)
        """σ, (D,)."""

    @abstractmethod
    def weights(self, returns: Tensor) -> Tensor:
        """Return w, (P,), for returns, (P,)."""

    def ask(self) -> Tensor:
        """Draw a generation, (P, D)."""
        noise = placed(torch.randn(self._search.population, len(self.std), generator=self._generator))
        return torch.addcmul(self.mean, self.std, noise)

    def tell(self, candidates: Tensor, returns: Tensor, progress: float) -> tuple[Tensor, Metrics]:
        """Fit the Gaussian to the weighted generation."""
        weight = self.weights(returns)
        share = placed(weight.float().unsqueeze(-1))
        mean = (share * candidates).sum(0)
        extra = self._extra_std * (1.0 - progress)
        self.std = ((share * (candidates - mean).square()).sum(0) + extra**2).sqrt()
        return mean, {
            "search/std": float(self.std.mean()),
            "search/effective_samples": float(1.0 / weight.square().sum()),
        }

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with σ."""
        return super().state() | {"std": self.std.clone()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        self.std = placed(state["std"].clone())
