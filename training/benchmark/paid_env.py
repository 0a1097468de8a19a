"""Our batch that counts what it pays, for every learner alike."""

from typing import Any

from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.observation import Float32Array
from sim2real.task.transition import Transition


class PaidEnv(BatchEnv):
    """A `BatchEnv`; arguments as of that."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - a BatchEnv's
        super().__init__(*arguments, **settings)
        self.clear()

    def clear(self) -> None:
        """Count from here on."""
        self.paid, self.steps = 0.0, 0

    @property
    def reward_per_step(self) -> float:
        """Mean reward of a control step since `clear`."""
        return self.paid / self.steps

    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step."""
        out = super().step_arrays(actions)
        self.paid, self.steps = self.paid + float(out.reward.sum()), self.steps + self.num_envs
        return out
