"""Base class of vector environments with Gymnasium's API and automatic reset in the same step."""

from abc import ABC, abstractmethod
from typing import Any, NoReturn, Protocol

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from sim2real.envs.requests import checked_action, refuse_copy, refuse_long_seed, reset_rows
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array
from sim2real.task.transition import Transition

RealArray = NDArray[np.floating[Any]]


class StepResult(Protocol):
    """Result of one step for Gymnasium: a `Transition` of any precision."""

    @property
    def observation(self) -> RealArray:
        """Observations, (n, O); of the new episode where one ended."""

    @property
    def final_observation(self) -> RealArray:
        """True next observations, (n, O); valid at least where an episode ended."""

    @property
    def reward(self) -> RealArray:
        """Rewards of the step, (n,)."""

    @property
    def terminated(self) -> BoolArray:
        """Episodes that ended in a terminal state, (n,)."""

    @property
    def truncated(self) -> BoolArray:
        """Episodes that were truncated, (n,)."""


class SameStepVectorEnv(VectorEnv[RealArray, Float32Array, Any], ABC):
    """A Gymnasium vector environment that resets ended episodes in the same step.

    `reset_arrays` and `step_arrays` avoid copies.

    Args:
        num_envs: Number of environments.
        observation: Observation space of one environment.
        action: Action space of one environment.
        control_rate: Steps per second.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - Gymnasium's form

    def __init__(self, num_envs: int, observation: Space[Any], action: Space[Any], control_rate: float) -> None:
        self.num_envs = num_envs
        self.render_mode = None
        self.metadata = self.metadata | {"render_fps": round(control_rate)}
        self.single_observation_space, self.single_action_space = observation, action
        self.observation_space = batch_space(observation, num_envs)
        self.action_space = batch_space(action, num_envs)

    @property
    def observation_size(self) -> int:
        """Length of one observation."""
        return self._length(self.single_observation_space)

    @property
    def action_size(self) -> int:
        """Length of one action."""
        return self._length(self.single_action_space)

    @abstractmethod
    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Start new episodes in all environments; return the observations, (n, O), the environment's own buffer."""

    @abstractmethod
    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step; return the environment's own buffers, overwritten by the next step."""

    @abstractmethod
    def _restart(self, ids: Indices) -> None:
        """Start new episodes in some environments."""

    @abstractmethod
    def _step_and_restart(self, actions: Float32Array) -> Indices:
        """Advance one control step and reset ended episodes; return their indices."""

    def _measured(self) -> dict[str, Any]:
        """Return what else is said of the last step in `info`, (n,) each; of its episode where one ended."""
        return {}

    @abstractmethod
    def _result(self) -> StepResult:
        """Return the result of the last step or reset; buffers may be the environment's own."""

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[RealArray, dict[str, Any]]:
        """Start new episodes in all environments, or in those of `options={"reset_mask": …}` (Gymnasium).

        Raises:
            ValueError: Another option, an invalid mask, a list of seeds, or a seed of more than 64 bits.
        """
        if isinstance(seed, list):
            raise ValueError("all environments of a batch share one seed; give an int")
        refuse_long_seed(seed)
        rows = reset_rows(options, self.num_envs, seed)
        super().reset(seed=seed, options=options)
        if rows is None:
            self.reset_arrays(seed)
        else:
            self._restart(rows)
        return self._result().observation.copy(), {}

    def step(self, actions: Float32Array) -> tuple[RealArray, Float64Array, BoolArray, BoolArray, dict[str, Any]]:
        """Advance one control step (Gymnasium); `info["final_obs"]` holds the last observation of ended episodes.

        Raises:
            ValueError: The actions are not of shape (n, A), or not finite.
        """
        ended = self._step_and_restart(checked_action(actions, (self.num_envs, self.action_size)))
        out = self._result()
        info = self._measured() | (_final_observations(out.final_observation, ended) if len(ended) else {})
        reward = out.reward.astype(np.float64)
        return out.observation.copy(), reward, out.terminated.copy(), out.truncated.copy(), info

    def close_extras(self, **_kwargs: Any) -> None:  # noqa: ANN401 - Gymnasium's signature
        """Do nothing: the batch is freed with the object."""

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied. Raises TypeError."""
        refuse_copy()

    @staticmethod
    def _length(space: Space[Any]) -> int:
        shape = space.shape
        if shape is None or len(shape) != 1:
            raise ValueError(f"a space of vectors is required, not {space}")
        return shape[0]


def _final_observations(final: RealArray, ended: Indices) -> dict[str, Any]:
    """Return Gymnasium's info of a step in which some environments ended.

    Args:
        final: Final observations, (n, O).
        ended: Indices of the ended environments.
    """
    observations = np.full(len(final), None, dtype=object)
    for index in ended:
        observations[index] = final[index].copy()
    mask = np.zeros(len(final), np.bool_)
    mask[ended] = True
    return {"final_obs": observations, "_final_obs": mask, "final_info": {}, "_final_info": mask}
