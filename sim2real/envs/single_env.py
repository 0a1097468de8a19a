"""A single environment for `gymnasium.make`: the simulation of the vector environment with one robot."""

import os
from typing import Any

import gymnasium
import numpy as np

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import spaces_of
from sim2real.envs.requests import checked_action, refuse_long_seed, refuse_options
from sim2real.runtime.contract.observation import Float32Array
from sim2real.simulation.simulation import Simulation
from sim2real.task.episodes import EpisodeStatistics


class SingleEnv(gymnasium.Env[Float32Array, Float32Array]):
    """A single environment of a task; as in Gymnasium, episodes start with `reset`.

    Args:
        task: The task.
        randomization: Distribution of the episodes' parameters.
        render_mode: None or `rgb_array`.
        seed: Seed until the first `reset(seed=…)`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - Gymnasium's form

    def __init__(
        self,
        task: TaskConfig,
        randomization: RandomizationConfig,
        *,
        render_mode: str | None = None,
        seed: int = 0,
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r} is not one of {self.metadata['render_modes']}")
        self._given = task, randomization, seed
        self._process = os.getpid()
        self.simulation = Simulation(task, randomization, 1, seed=seed, threads=1)
        self.contract = self.simulation.contract
        self.render_mode = render_mode
        self.metadata = self.metadata | {"render_fps": round(task.control_rate)}
        self.observation_space, self.action_space = spaces_of(self.contract)
        self._camera: Any = None
        self._row = np.zeros(1, np.intp)

    @property
    def episodes(self) -> EpisodeStatistics:
        """Finished episodes since the last `drain()`."""
        return self.simulation.episodes

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Start a new episode. Raises ValueError for options, and for a seed of more than 64 bits."""
        refuse_options(options)
        refuse_long_seed(seed)
        self._own_process()
        super().reset(seed=seed, options=options)
        if seed is not None:
            self.simulation.seed(seed)
        self.simulation.episodes.begin(self._row)
        self.simulation.begin(self._row)
        return self.simulation.transition.observation[0].copy(), {}

    def step(self, action: Float32Array) -> tuple[Float32Array, float, bool, bool, dict[str, Any]]:
        """Advance one control step. Raises ValueError for an action that is not of shape (A,), or not finite."""
        self._own_process()
        ended = self.simulation.step(checked_action(action, (self.contract.action_size,))[None, :])
        out = self.simulation.transition
        info: dict[str, Any] = {}
        if len(ended):
            self.simulation.finish(ended)
            info["success"] = bool(self.episodes.drain()["success"][-1])
        return out.observation[0].copy(), float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0]), info

    def __reduce__(self) -> tuple[Any, ...]:
        """Be pickled and copied as the task, its randomisation and the state: a copy goes on as the original would."""
        task, randomization, seed = self._given
        state = {"simulation": self.simulation.state_dict(), "random": (self._np_random, self._np_random_seed)}
        return _rebuilt, (task, randomization, self.render_mode, seed), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Continue from the state of another environment."""
        self.simulation.load_state_dict(state["simulation"])
        self._np_random, self._np_random_seed = state["random"]

    def _own_process(self) -> None:
        """Build the simulation anew, in the same state, in a process that was forked since."""
        if os.getpid() == self._process:
            return
        state = self.simulation.state_dict()
        task, randomization, seed = self._given
        self.simulation = Simulation(task, randomization, 1, seed=seed, threads=1)
        self.simulation.load_state_dict(state)
        self._camera, self._process = None, os.getpid()

    def render(self) -> np.ndarray | None:
        """Return an RGB image, (height, width, 3) uint8, or None without a render mode.

        Raises:
            UserError: No OpenGL, or this process was forked from one that had rendered.
        """
        if self.render_mode is None:
            return None
        self._own_process()
        if self._camera is None:
            from sim2real.rendering.camera import Camera

            self._camera = Camera(self.simulation.batch.model)
        frame: np.ndarray = self._camera.frame(self.simulation.batch.get_data(0))
        return frame

    def close(self) -> None:
        """Release the renderer."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None


def _rebuilt(task: TaskConfig, randomization: RandomizationConfig, render_mode: str | None, seed: int) -> SingleEnv:
    return SingleEnv(task, randomization, render_mode=render_mode, seed=seed)
