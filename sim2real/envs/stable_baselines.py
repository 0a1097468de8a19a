"""The vector environments as Stable-Baselines3 wants them; needs `pip install 'sim2real[bench]'`.

Stable-Baselines3 takes single Gymnasium environments, which it copies, but no vector environments.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from sim2real.envs.vector_env import SameStepVectorEnv


class StableBaselinesEnv(VecEnv):
    """A vector environment of ours for Stable-Baselines3's learners: one batch, not n copies.

    Args:
        env: The environment, as `gymnasium.make_vec` or a constructor made it.
    """

    def __init__(self, env: SameStepVectorEnv) -> None:
        self.env = env
        self._actions = np.zeros((env.num_envs, env.action_size), np.float32)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        """Begin new episodes everywhere; the first of the seeds serves the whole batch."""
        observation, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions, (n, A)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Advance one control step; infos have the last observation of ended episodes."""
        observation, reward, terminated, truncated, info = self.env.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ended = terminated | truncated
        for index in np.flatnonzero(ended):
            infos[index] = {
                "terminal_observation": info["final_obs"][index],
                "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
            }
        return observation, reward, ended, infos

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the batch, once for each environment asked about."""
        return [getattr(self.env, attr_name)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Refuse: the environments of a batch have no attributes of their own."""
        raise AttributeError(f"{attr_name!r} cannot be set for environments of a batch; set it on the batch")

    def env_method(self, method_name: str, *args: object, indices: VecEnvIndices = None, **kwargs: object) -> list[Any]:
        """Refuse: the environments of a batch have no methods of their own."""
        raise AttributeError(f"{method_name!r} cannot be called on environments of a batch; call it on the batch")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return that no environment is wrapped."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: VecEnvIndices) -> Sequence[int]:
        if indices is None:
            return range(self.num_envs)
        return [indices] if not isinstance(indices, Iterable) else list(indices)
