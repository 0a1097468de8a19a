"""HalfCheetah and Swimmer: run along x, with little effort; nothing ends an episode but time."""

from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.reference.task import ReferenceTask, Rows
from sim2real.reference.travel import Travel
from sim2real.runtime.contract.observation import Float32Array


class Runner(ReferenceTask):
    """Reward: velocity of the first joint along x, less the squared actions."""

    terms: ClassVar[tuple[str, ...]] = ("forward", "control")
    control_weight: ClassVar[float]
    hidden: ClassVar[int]
    """Leading positions that are not observed: where on the ground it is."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._travel = Travel(batch.nsim)

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions and velocities."""
        return self.position[rows, self.hidden :], self.velocity[rows]

    def begin(self, rows: Indices) -> None:
        """Note where the new episodes start."""
        self._travel.begin(rows, self.position[rows, 0])

    def judge(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward speed and thrift."""
        rewards[0] = self._travel.velocity(self.position[:, 0], self.dt)
        rewards[1] = -self.control_weight * np.square(action).sum(axis=1)
        terminated[:] = False

    def state_dict(self) -> dict[str, Any]:
        """Return where everything was at the last step."""
        return {"x": self._travel.last.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state that `state_dict` returned."""
        self._travel.last[:] = state["x"]


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
