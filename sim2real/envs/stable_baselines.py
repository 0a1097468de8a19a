"""Adapter from our vector environments to Stable-Baselines3's `VecEnv`; needs `pip install 'sim2real[bench]'`.

Stable-Baselines3 itself accepts only single Gymnasium environments, which it copies.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from sim2real.envs.vector_env import SameStepVectorEnv


class StableBaselinesEnv(VecEnv):
    """A Stable-Baselines3 `VecEnv` on one of our vector environments: one batch instead of n copies.

    Args:
        env: The environment, from `gymnasium.make_vec` or a constructor.
    """

    def __init__(self, env: SameStepVectorEnv) -> None:
        self.env = env
        self._actions = np.zeros((env.num_envs, env.action_size), np.float32)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        """Start new episodes in all environments; the first seed is the seed of the whole batch.

        Raises:
            ValueError: Options were set: a batch has none that Stable-Baselines3 could mean.
        """
        if any(self._options):
            raise ValueError(f"options of a reset: {self._options}; valid: none")
        observation, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Store the actions, (n, A), for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Advance one control step; infos hold the last observation of ended episodes."""
        observation, reward, terminated, truncated, info = self.env.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ended = terminated | truncated
        for index in np.flatnonzero(ended):
            infos[index] = {
                "terminal_observation": info["final_obs"][index],
                "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
            }
        return observation, reward, ended, infos

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Return an RGB image of each environment, (height, width, 3) uint8; None each without a render mode."""
        frames: Any = self.env.render()
        return [None] * self.num_envs if frames is None else list(frames)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the batch, once per selected environment."""
        return [getattr(self.env, attr_name)] * len(self._selected(indices))

    def set_attr(self, attr_name: str, value: object, indices: VecEnvIndices = None) -> None:
        """Raise AttributeError: environments of a batch have no attributes of their own."""
        raise AttributeError(f"{attr_name!r} cannot be set for environments of a batch; set it on the batch")

    def env_method(self, method_name: str, *args: object, indices: VecEnvIndices = None, **kwargs: object) -> list[Any]:
        """Raise AttributeError: environments of a batch have no methods of their own."""
        raise AttributeError(f"{method_name!r} cannot be called on environments of a batch; call it on the batch")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return False for every selected environment."""
        return [False] * len(self._selected(indices))

    def _selected(self, indices: VecEnvIndices) -> Sequence[int]:
        if indices is None:
            return range(self.num_envs)
        chosen = [indices] if not isinstance(indices, Iterable) else list(indices)
        if not all(-self.num_envs <= number < self.num_envs for number in chosen):
            raise IndexError(f"environments {chosen}; valid: 0 to {self.num_envs - 1}")
        return chosen
