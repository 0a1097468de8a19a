"""The vector environment of a task: Gymnasium's API, and arrays without copies for our own learners."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Space

from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.requests import refuse_other_process
from sim2real.envs.vector_env import SameStepVectorEnv
from sim2real.hardware.types import BoolArray
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract
from sim2real.simulation.mirror import TaskMirror
from sim2real.simulation.simulation import WHOLE_RANGE, Simulation
from sim2real.task.episodes import EpisodeStatistics
from sim2real.task.transition import Transition


def spaces_of(contract: Contract) -> tuple[Space[Float32Array], Space[Float32Array]]:
    """Return the observation and action spaces of one robot."""
    observation: Any = Box(-np.inf, np.inf, (contract.observation_size,), np.float32)
    action: Any = Box(-contract.action.clip, contract.action.clip, (contract.action_size,), np.float32)
    return observation, action


class BatchEnv(SameStepVectorEnv):
    """n environments of one task, stepped on native threads; an ended episode is reset in the same step.

    Args:
        task: The task.
        randomization: Distribution of the episodes' parameters.
        num_envs: Number of environments.
        seed: Seed until the next `reset(seed=…)`.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
        curriculum: Which part of the randomisation episodes draw from.
        diverged: Folder for states before a divergence; None saves nothing.
        render_mode: None or `rgb_array`.
        first: Number of the first environment, where others run in other processes; it decides its episodes.
    """

    def __init__(
        self,
        task: TaskConfig,
        randomization: RandomizationConfig,
        num_envs: int,
        *,
        seed: int = 0,
        threads: int = 0,
        curriculum: CurriculumConfig = WHOLE_RANGE,
        diverged: Path | None = None,
        render_mode: str | None = None,
        first: int = 0,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode: {render_mode!r}; valid: None, 'rgb_array'")
        self.simulation = Simulation(
            task, randomization, num_envs, seed=seed, threads=threads, curriculum=curriculum, first=first
        )
        self.simulation.divergence.folder = diverged
        self.contract = self.simulation.contract
        super().__init__(num_envs, *spaces_of(self.contract), task.control_rate)
        self._all, self._process = np.arange(num_envs), os.getpid()
        self.render_mode = render_mode
        self._camera: Any = None

    metadata: dict[str, Any] = SameStepVectorEnv.metadata | {"render_modes": ["rgb_array"]}

    def render(self) -> tuple[Any, ...] | None:
        """Return an RGB image of each environment, (height, width, 3) uint8, or None without a render mode."""
        if self.render_mode is None:
            return None
        refuse_other_process(self._process)
        if self._camera is None:
            from sim2real.rendering.camera import Camera

            self._camera = Camera(self.simulation.batch.model)
        return tuple(self._camera.frame(self.simulation.batch.get_data(index)).copy() for index in range(self.num_envs))

    def close_extras(self, **_kwargs: Any) -> None:  # noqa: ANN401 - Gymnasium's signature
        """Release the renderer; the batch is freed with the object."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    @property
    def episodes(self) -> EpisodeStatistics:
        """Finished episodes since the last `drain()`."""
        return self.simulation.episodes

    @property
    def privileged_size(self) -> int:
        """P, the number of privileged values."""
        return int(self.privileged.shape[1])

    @property
    def privileged(self) -> Float32Array:
        """Privileged values of the current observation, (n, P), for the critic; the environment's own buffer."""
        return self.simulation.transition.privileged

    @property
    def privileged_scaled(self) -> BoolArray:
        """Which privileged values come scaled to about ±1, (P,): a learner uses them as they are."""
        return self.simulation.privileged_scaled

    @property
    def cost_budgets(self) -> dict[str, float]:
        """Highest mean of every cost of the task over control steps, by name."""
        return {name: cost.budget for name, cost in self.simulation.task.costs.items()}

    @property
    def costs(self) -> Float32Array:
        """Costs of the last step, (n, C), in the order of `cost_budgets`; the environment's own buffer."""
        return self.simulation.costs

    @cached_property
    def mirror(self) -> TaskMirror:
        """What observations, privileged values and actions are when left and right are exchanged.

        Raises:
            ConfigError: The robot is not symmetrical, or something of the task has no image.
        """
        return self.simulation.mirror()

    def curriculum_figures(self) -> dict[str, float]:
        """Return the curriculum's figures for the log."""
        return self.simulation.parameters.curriculum.figures()

    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Start new episodes in all environments; return the observations, (n, O), the environment's own buffer."""
        refuse_other_process(self._process)
        if seed is not None:
            self.simulation.seed(seed)
        self._restart(self._all)
        return self.simulation.transition.observation

    def _restart(self, ids: Indices) -> None:
        refuse_other_process(self._process)
        self.simulation.episodes.begin(ids)
        self.simulation.begin(ids)

    def stagger(self) -> None:
        """Give every running episode a random age, so that they do not all time out in the same step.

        Otherwise all environments show a learner the same phase of the task at the same time.
        """
        self.simulation.stagger()

    def step_arrays(self, actions: Float32Array) -> Transition:
        """Advance one control step; return the environment's own buffers, overwritten by the next step."""
        self._step_and_restart(actions)
        return self.simulation.transition

    def _step_and_restart(self, actions: Float32Array) -> Indices:
        refuse_other_process(self._process)
        ended = self.simulation.step(actions)
        if len(ended):
            self.simulation.finish(ended)
            self.simulation.begin(ended)
        return ended

    def _result(self) -> Transition:
        return self.simulation.transition

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: arrays and plain data."""
        return self.simulation.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.simulation.load_state_dict(state)
