"""Our batch as a teacher sees it: with the privileged values in its observation."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector.utils import batch_space

from sim2real.configs.errors import ConfigError
from sim2real.envs.batch_env import BatchEnv
from sim2real.hardware.types import BoolArray
from sim2real.runtime.contract.observation import Float32Array
from sim2real.simulation.mirror import TaskMirror
from sim2real.task.transition import Transition


class PrivilegedBatch(BatchEnv):
    """The environments of a task; observations are (n, O + P), the privileged values after those of the contract.

    No further values are left for the critic: it sees the same. Arguments as those of `BatchEnv`.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - those of `BatchEnv`
        super().__init__(*args, **settings)
        exact, n = self.simulation.transition, self.num_envs
        size = self.contract.observation_size + exact.privileged.shape[1]
        seen: Any = Box(-np.inf, np.inf, (size,), np.float32)
        self.single_observation_space, self.observation_space = seen, batch_space(seen, n)
        none = np.zeros((n, 0), np.float32)
        self._seen = Transition(
            observation=np.zeros((n, size), np.float32),
            final_observation=np.zeros((n, size), np.float32),
            privileged=none,
            final_privileged=none,
            reward=exact.reward,
            terminated=exact.terminated,
            truncated=exact.truncated,
        )

    @property
    def privileged(self) -> Float32Array:
        """Nothing, (n, 0): the observation has it."""
        return self._seen.privileged

    @property
    def privileged_scaled(self) -> BoolArray:
        """None of them, (0,)."""
        return np.zeros(0, np.bool_)

    @property
    def observation_scaled(self) -> BoolArray:
        """Which values of an observation come scaled to about ±1, (O + P,): some privileged ones."""
        return np.concatenate((np.zeros(self.contract.observation_size, np.bool_), super().privileged_scaled))

    @property
    def mirror(self) -> TaskMirror:
        """Never returned. Raises ConfigError: what a mirrored privileged value is, is known to critics alone."""
        raise ConfigError("privileged_policy: has no mirror image; valid: algorithm.symmetry none")

    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Start new episodes in all environments; return what the policy sees, (n, O + P)."""
        super().reset_arrays(seed)
        return self._result().observation

    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step; return the environment's own buffers, overwritten by the next step."""
        super().step_arrays(actions)
        return self._result()

    def _result(self) -> Transition:
        exact, seen = self.simulation.transition, self._seen
        np.concatenate((exact.observation, exact.privileged), axis=1, out=seen.observation)
        np.concatenate((exact.final_observation, exact.final_privileged), axis=1, out=seen.final_observation)
        return seen


def batch_kind(privileged: bool) -> type[BatchEnv]:
    """Return the class of the batch for a policy that sees privileged values, or none."""
    return PrivilegedBatch if privileged else BatchEnv
