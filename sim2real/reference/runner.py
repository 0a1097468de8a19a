"""HalfCheetah and Swimmer: run along x with small actions; episodes end only at the time limit."""

from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.reference.forward_velocity import ForwardVelocity
from sim2real.reference.task import ReferenceTask, Rows
from sim2real.runtime.contract.observation import Float32Array


class Runner(ReferenceTask):
    """Base class; reward: velocity of the first joint along x, minus weighted squared actions."""

    terms: ClassVar[tuple[str, ...]] = ("forward", "control")
    measured = ("x_velocity",)
    control_weight: ClassVar[float]
    hidden: ClassVar[int]
    """Number of leading positions that are not observed: the location on the ground."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._forward = ForwardVelocity(batch.nsim)

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions and velocities."""
        return self.position[rows, self.hidden :], self.velocity[rows]

    def measure(self, name: str) -> Float64Array:
        """Return the velocity along x of the last step, m/s, (n,)."""
        return self._forward.velocity if name in self.measured else super().measure(name)

    def begin(self, rows: Indices) -> None:
        """Store the start positions."""
        self._forward.begin(rows, self.position[rows, 0])

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward speed and small actions."""
        rewards[0] = self._forward.update(self.position[:, 0], self.dt)
        rewards[1] = -self.control_weight * np.square(action).sum(axis=1)
        terminated[:] = False

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"x": self._forward.last.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._forward.last[:] = state["x"]


class HalfCheetah(Runner):
    """`HalfCheetah-v5`."""

    file, frame_skip, hidden = "half_cheetah.xml", 5, 1
    reset_noise, gaussian_velocity = 0.1, True
    control_weight = 0.1


class Swimmer(Runner):
    """`Swimmer-v5`."""

    file, frame_skip, hidden = "swimmer.xml", 4, 2
    reset_noise = 0.1
    control_weight = 1e-4
