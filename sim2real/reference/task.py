"""What makes one of Gymnasium's tasks: its model, what is observed and rewarded, and when an episode ends."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array

Rows = Indices | slice
"""Some simulations, or all of them as views without a copy."""


class ReferenceTask(ABC):
    """A task over the n simulations of a batch; a subclass for each of Gymnasium's, with the defaults of its v5.

    Args:
        batch: The simulations, of the model in `file`.
    """

    file: ClassVar[str]
    """The model among Gymnasium's assets."""
    frame_skip: ClassVar[int]
    """Physics steps per control step."""
    terms: ClassVar[tuple[str, ...]]
    """Names of the reward's parts."""
    reset_noise: ClassVar[float]
    """Half width of the uniform noise of the first positions, and of the velocities unless `gaussian_velocity`."""
    gaussian_velocity: ClassVar[bool] = False
    """The noise of the first velocities is normal, with `reset_noise` as standard deviation."""
    first_observation_derived: ClassVar[bool] = False
    """The first observation of an episode needs a forward pass: it shows more than the state."""
    last_physics_step_apart: ClassVar[bool] = False
    """`before_last_physics_step` is called in every step."""

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
    def judge(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Write the parts of the reward, (terms, n), and who is in a state without successor, (n,).

        Sums of squared actions are in single precision, as Gymnasium has them.
        """

    def begin(self, rows: Indices) -> None:  # noqa: B027 - most tasks remember nothing
        """Forget the episodes before; the new ones' states are in place."""

    def before_last_physics_step(self) -> None:  # noqa: B027 - most tasks need nothing of it
        """Note what the last physics step of a control step starts from."""

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
        """Draw the first positions, (k, nq), and velocities, (k, nv), of new episodes."""
        noise = self.reset_noise
        position = self.model.qpos0 + rng.uniform(-noise, noise, (count, self.model.nq))
        shape = (count, self.model.nv)
        velocity = noise * rng.standard_normal(shape) if self.gaussian_velocity else rng.uniform(-noise, noise, shape)
        return position, velocity

    def state_dict(self) -> dict[str, Any]:
        """Return what the task remembers from one step to the next."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most tasks remember nothing
        """Take over the state that `state_dict` returned."""
