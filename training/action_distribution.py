"""Distribution of the actions of an on-policy learner, around the output of its policy network."""

from abc import abstractmethod
from copy import deepcopy
from typing import Self

import torch
from torch import Tensor, nn

from sim2real.training.device import placed
from sim2real.training.distributions import (
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
    gaussian_entropy,
    gaussian_kl,
    gaussian_log_prob,
)


class ActionDistribution(nn.Module):
    """π(a|s) for the network's outputs, (…, O): what is sampled, how probable it is, and how far from another.

    A sample, (…, A), stands for an action that is executed. What it learns beside the network are its parameters.
    """

    @abstractmethod
    def noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Return the random numbers of samples, of the outputs' shape, (…, O)."""

    @abstractmethod
    def sample(self, output: Tensor, noise: Tensor, action: Tensor) -> None:
        """Write the samples that random numbers, (n, O), give, (n, A)."""

    def executed(self, sample: Tensor) -> Tensor:
        """Return the actions that samples stand for, (n, A): themselves, by default."""
        return sample

    @abstractmethod
    def log_prob(self, output: Tensor, action: Tensor) -> Tensor:
        """Return log π(a|s) of samples: (…, O) and (…, A) to (…,)."""

    @abstractmethod
    def entropy(self, output: Tensor) -> Tensor:
        """Return the mean entropy, nat."""

    @abstractmethod
    def divergence(self, old: Self, old_output: Tensor, output: Tensor) -> Tensor:
        """Return KL(π_old ‖ π), nat, of each row: (…, O) to (…,).

        Args:
            old: This distribution as it was; see `frozen`.
            old_output: The network's outputs as they were.
            output: Its present outputs.
        """

    def frozen(self) -> Self:
        """Return a copy of what it is now, without gradients."""
        copied = deepcopy(self)
        return copied.requires_grad_(False)

    def bound(self, log_std_min: float, log_std_max: float) -> None:
        """Clip the logarithm of the standard deviation, where there is one."""

    def figures(self, output: Tensor) -> dict[str, float]:
        """Return figures of it for the log."""
        return {"policy/entropy": float(self.entropy(output).detach())}


class Gaussian(ActionDistribution):
    """N(μ(s), diag σ²) with σ that does not depend on the state.

    Args:
        size: A
        std: Initial σ.
    """

    def __init__(self, size: int, std: float) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.full((size,), std).log())

    def noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Return standard normal numbers."""
        return placed(torch.randn(shape, generator=generator))

    def sample(self, output: Tensor, noise: Tensor, action: Tensor) -> None:
        """Write a = μ + σ·noise."""
        torch.addcmul(output, noise, self.log_std.exp(), out=action)

    def log_prob(self, output: Tensor, action: Tensor) -> Tensor:
        """Return log N(a; μ, σ²)."""
        return gaussian_log_prob(action, output, self.log_std)

    def entropy(self, output: Tensor) -> Tensor:
        """Return the entropy, which does not depend on the state."""
        return gaussian_entropy(self.log_std)

    def divergence(self, old: Self, old_output: Tensor, output: Tensor) -> Tensor:
        """Return KL(N_old ‖ N) of each row."""
        return gaussian_kl(old_output, old.log_std, output, self.log_std)

    @torch.no_grad()
    def bound(self, log_std_min: float, log_std_max: float) -> None:
        """Clip log σ."""
        self.log_std.clamp_(log_std_min, log_std_max)

    def figures(self, output: Tensor) -> dict[str, float]:
        """Return the mean standard deviation and the entropy."""
        return {"policy/std": float(self.log_std.detach().exp().mean()), **super().figures(output)}


class Categorical(ActionDistribution):
    """P(a = choice k | s) = softmax(scores)_k; a sample is the number k of a choice, as a float, (…, 1).

    Args:
        choices: The actions to choose from, (K, A).
    """

    choices: Tensor

    def __init__(self, choices: Tensor) -> None:
        super().__init__()
        self.register_buffer("choices", choices, persistent=False)  # the policy has them

    def noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Return Gumbel noise −log(−log u): the largest of scores with it is distributed as softmax of the scores."""
        uniform = placed(torch.rand(shape, generator=generator)).clamp_(1e-20, 1.0 - 1e-7)
        return -(-uniform.log()).log()

    def sample(self, output: Tensor, noise: Tensor, action: Tensor) -> None:
        """Write the numbers of the choices, (n, 1)."""
        action.copy_((output + noise).argmax(-1, keepdim=True))

    def executed(self, sample: Tensor) -> Tensor:
        """Return the choices of numbers, (n, 1) to (n, A)."""
        return self.choices[sample[:, 0].long()]

    def log_prob(self, output: Tensor, action: Tensor) -> Tensor:
        """Return log P of the chosen ones."""
        return categorical_log_prob(action[..., 0].long(), output)

    def entropy(self, output: Tensor) -> Tensor:
        """Return the mean entropy of the rows."""
        return categorical_entropy(output).mean()

    def divergence(self, old: Self, old_output: Tensor, output: Tensor) -> Tensor:
        """Return KL(P_old ‖ P) of each row."""
        return categorical_kl(old_output, output)
