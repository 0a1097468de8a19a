"""The vector environment: Gymnasium's API for other people's learners, plain arrays without copies for ours."""

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig
from hardware.types import BoolArray, Float64Array
from runtime.contract.observation import Float32Array
from runtime.contract.spec import Contract
from sim2real.episodes import EpisodeStatistics
from sim2real.simulation import Simulation
from sim2real.transition import Transition


def spaces_of(contract: Contract) -> tuple[Space[Float32Array], Space[Float32Array]]:
    """Return the observation and action spaces of one robot."""
    observation: Any = Box(-np.inf, np.inf, (contract.observation_size,), np.float32)
    action: Any = Box(-contract.action.clip, contract.action.clip, (contract.action_size,), np.float32)
    return observation, action


class BatchEnv(VectorEnv[Float32Array, Float32Array, Any]):
    """n environments of one task, stepped on native threads; an episode that ends begins anew in the same step.

    Args:
        task: The task.
        randomization: How episodes differ.
        num_envs: Number of environments.
        seed: Seed of the first reset; `reset(seed=…)` starts over.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - Gymnasium's form

    def __init__(
        self,
        task: TaskConfig,
        randomization: RandomizationConfig,
        num_envs: int,
        *,
        seed: int = 0,
        threads: int = 0,
    ) -> None:
        self.simulation = Simulation(task, randomization, num_envs, seed=seed, threads=threads)
        self.num_envs = num_envs
        self.contract = self.simulation.contract
        self.render_mode = None
        self.metadata = self.metadata | {"render_fps": task.control_rate}
        self.single_observation_space, self.single_action_space = spaces_of(self.contract)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._all = np.arange(num_envs)

    @property
    def observation_size(self) -> int:
        """Length of one observation."""
        return self.contract.observation_size

    @property
    def action_size(self) -> int:
        """Length of one action."""
        return self.contract.action_size

    @property
    def episodes(self) -> EpisodeStatistics:
        """Finished episodes since the last `drain()`."""
        return self.simulation.episodes

    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Begin new episodes everywhere; return the observations, (n, O): the environment's own buffer."""
        if seed is not None:
            self.simulation.seed(seed)
        self.simulation.episodes.begin(self._all)
        self.simulation.begin(self._all)
        return self.simulation.transition.observation

    def stagger(self) -> None:
        """Give every running episode a random age, so that their time limits do not all fall on the same step.

        Without it all environments show a learner the same phase of the task at a time.
        """
        self.simulation.stagger()

    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step; return the environment's own buffers, overwritten by the next step."""
        self._step_and_restart(actions)
        return self.simulation.transition

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Begin new episodes everywhere (Gymnasium)."""
        if isinstance(seed, list):
            raise ValueError("one seed serves all environments of the batch; give an int")
        super().reset(seed=seed, options=options)
        return self.reset_arrays(seed).copy(), {}

    def step(self, actions: Float32Array) -> tuple[Float32Array, Float64Array, BoolArray, BoolArray, dict[str, Any]]:
        """Advance one control step (Gymnasium); `info["final_obs"]` has the last observation of ended episodes."""
        ended = self._step_and_restart(np.asarray(actions, np.float32).reshape(self.num_envs, self.action_size))
        out = self.simulation.transition
        info: dict[str, Any] = {}
        if len(ended):
            final = np.full(self.num_envs, None, dtype=object)
            for index in ended:
                final[index] = out.final_observation[index].copy()
            mask = np.zeros(self.num_envs, np.bool_)
            mask[ended] = True
            info = {"final_obs": final, "_final_obs": mask, "final_info": {}, "_final_info": mask}
        reward = out.reward.astype(np.float64)
        return out.observation.copy(), reward, out.terminated.copy(), out.truncated.copy(), info

    def _step_and_restart(self, actions: Float32Array) -> np.ndarray:
        ended = self.simulation.step(actions)
        if len(ended):
            self.simulation.finish(ended)
            self.simulation.begin(ended)
        return ended

    def state_dict(self) -> dict[str, Any]:
        """Return everything that resuming bit for bit needs: arrays and plain data."""
        return self.simulation.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state that `state_dict` returned."""
        self.simulation.load_state_dict(state)

    def close_extras(self, **_kwargs: Any) -> None:  # noqa: ANN401 - Gymnasium's signature
        """Release nothing: the batch goes with the object."""
