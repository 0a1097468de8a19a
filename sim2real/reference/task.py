"""Base class of Gymnasium's tasks: model, observation, reward and termination."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array

Rows = Indices | slice
"""Indices of some simulations, or a slice of all, which gives views."""


class ReferenceTask(ABC):
    """A task over the n simulations of a batch; each subclass is a Gymnasium task with its v5 defaults.

    Args:
        batch: The simulations, of the model in `file`.
    """

    file: ClassVar[str]
    """File name of the model among Gymnasium's assets."""
    frame_skip: ClassVar[int]
    """Physics steps per control step."""
    terms: ClassVar[tuple[str, ...]]
    """Names of the reward terms."""
    measured: ClassVar[tuple[str, ...]] = ()
    """What can be asked of a step, by its name in Gymnasium's `info`."""
    reset_noise: ClassVar[float]
    """Half width of the uniform noise of initial positions, and of velocities unless `gaussian_velocity`."""
    gaussian_velocity: ClassVar[bool] = False
    """Noise of initial velocities is normal, with standard deviation `reset_noise`."""
    first_observation_needs_forward: ClassVar[bool] = False
    """The first observation needs a forward pass: it contains more than the state."""
    separate_last_physics_step: ClassVar[bool] = False
    """Step the last physics step separately, after a call of `before_last_physics_step`."""

    def __init__(self, batch: Batch) -> None:
        self.model = batch.model
        self.dt: float = batch.model.opt.timestep * self.frame_skip
        """Seconds per control step."""
        self.position: Float64Array = batch.bind("qpos")
        self.velocity: Float64Array = batch.bind("qvel")

    @abstractmethod
    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return the parts of the observation of some simulations, (k, …) each, in order."""

    @abstractmethod
    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Write the reward terms, (terms, n), and the terminal states, (n,).

        As in Gymnasium, sums of squared actions are in single precision.
        """

    def measure(self, name: str) -> Float64Array:
        """Return one of `measured` of the last step, (n,), in a buffer that the next step overwrites."""
        raise KeyError(name)

    def begin(self, rows: Indices) -> None:  # noqa: B027 - most tasks keep no state
        """Reset the task's own state for new episodes, whose simulation states are set."""

    def before_last_physics_step(self) -> None:  # noqa: B027 - most tasks do not need it
        """Store data from before the last physics step of a control step."""

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
        """Draw initial positions, (k, nq), and velocities, (k, nv), for new episodes."""
        noise = self.reset_noise
        position = self.model.qpos0 + rng.uniform(-noise, noise, (count, self.model.nq))
        shape = (count, self.model.nv)
        velocity = noise * rng.standard_normal(shape) if self.gaussian_velocity else rng.uniform(-noise, noise, shape)
        return position, velocity

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most tasks keep no state
        """Restore what `state_dict` returned."""
