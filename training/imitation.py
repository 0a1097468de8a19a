"""Base of learners that fit a policy to actions that were shown: cloning and distillation."""

from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.imitation import ImitationConfig
from sim2real.training.algorithms.imitation_loss import action_error
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment
from sim2real.training.labelled_steps import LabelledBatch, LabelledSteps
from sim2real.training.policy import Policy


class Imitator:
    """A policy and its regression to labels: min_θ E‖π_θ(o) − a*‖²/A, by Adam with a rate that falls linearly.

    A policy with memory learns from sequences, which it enters without memory: `burn_in` steps bring it up to date.
    Labels are clipped to ±1, as the contract clips actions.

    Args:
        config: Network and fit.
        environment: Gives the sizes.
        seed: Seed of all randomness.
    """

    def __init__(self, config: ImitationConfig, environment: Environment, seed: int) -> None:
        self._fit: Final = config
        self._generator: Final = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        self._policy: Final = placed(Policy(config, *sizes, self._generator, squash=config.squash))
        # Fused Adam: one kernel call for all parameters of these small networks.
        self._optimizer: Final = torch.optim.Adam(self._policy.parameters(), lr=config.learning_rate, fused=True)

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    @property
    def batch_steps(self) -> int:
        """Control steps that an update learns from."""
        config = self._fit
        return self._sequences * config.sequence_length if self._policy.memory.recurrent else config.batch

    def draw(self, steps: LabelledSteps, generator: torch.Generator, batches: int = 1) -> LabelledBatch:
        """Draw the steps of so many batches; with memory, sequences."""
        config = self._fit
        if self._policy.memory.recurrent:
            return steps.draw(batches * self._sequences, config.sequence_length, config.burn_in, generator)
        return steps.draw(batches * config.batch, 1, 0, generator)

    def error(self, batch: LabelledBatch) -> Tensor:
        """Return the loss of a batch, with gradients."""
        policy = self._policy
        state = policy.memory.initial(batch.label.shape[1])
        remembered, _ = policy.memory(policy.normalizer(batch.observation), state, batch.ended)
        mean = policy.mean(remembered)
        return action_error(torch.tanh(mean) if policy.squash else mean, batch.label, batch.weight)

    def fit(self, steps: LabelledSteps, updates: int, progress: float) -> Metrics:
        """Take gradient steps, with the rate of this share of the run; return their means."""
        config = self._fit
        rate = config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * (1.0 - progress)
        self._optimizer.param_groups[0]["lr"] = rate
        figures = []
        for _ in range(updates):
            self._optimizer.zero_grad()
            loss = self.error(self.draw(steps, self._generator))
            torch.autograd.backward(loss)
            norm = nn.utils.clip_grad_norm_(self._policy.parameters(), config.gradient_norm_max)
            self._optimizer.step()
            figures.append(torch.stack((loss.detach(), norm.detach())))
        loss, norm = torch.stack(figures).mean(0).tolist()
        return {"loss/action": loss, "gradient_norm": norm, "learning_rate": rate}

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment."""
        return {"optimizer": self._optimizer.state_dict(), "generator": self._generator.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"])

    @property
    def _sequences(self) -> int:
        return max(1, self._fit.batch // self._fit.sequence_length)
