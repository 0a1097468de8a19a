"""Ant: run along x on four legs, with gentle contacts, without falling or jumping."""

from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.reference.contact_force import ContactForces
from sim2real.reference.forward_velocity import ForwardVelocity
from sim2real.reference.task import ReferenceTask, Rows
from sim2real.runtime.contract.observation import Float32Array

_TORSO = 1


class Ant(ReferenceTask):
    """`Ant-v5`; as in Gymnasium, the torso position is that of the last physics evaluation."""

    file, frame_skip, terms = "ant.xml", 5, ("forward", "control", "contact", "healthy")
    measured = ("x_velocity",)
    reset_noise, gaussian_velocity = 0.1, True
    control_weight: ClassVar[float] = 0.5
    contact_weight: ClassVar[float] = 5e-4
    contact_max: ClassVar[float] = 1.0
    """Clip of each component of the contact forces."""
    height: ClassVar[tuple[float, float]] = (0.2, 1.0)
    """Healthy heights of the torso, m, inclusive."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._bodies: Float64Array = batch.bind("xpos")
        self._forward = ForwardVelocity(batch.nsim)
        self.contacts = ContactForces(batch, self.file)
        """Contact forces before clipping."""
        self._clipped = np.zeros((batch.nsim, 6 * (batch.model.nbody - 1)))

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions, velocities and clipped contact forces."""
        return self.position[rows, 2:], self.velocity[rows], self._clipped[rows]

    def measure(self, name: str) -> Float64Array:
        """Return the velocity along x of the last step, m/s, (n,)."""
        return self._forward.velocity if name in self.measured else super().measure(name)

    def begin(self, rows: Indices) -> None:
        """Store the start positions; contact forces are zero before the first step."""
        self._forward.begin(rows, self.position[rows, 0])
        self._clipped[rows] = 0.0

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward speed, small actions, gentle contacts and a healthy height."""
        self.contacts.update()
        np.clip(
            self.contacts.values.reshape(self._clipped.shape), -self.contact_max, self.contact_max, out=self._clipped
        )
        rewards[0] = self._forward.update(self._bodies[:, _TORSO, 0], self.dt)
        rewards[1] = -self.control_weight * np.square(action).sum(axis=1)
        np.einsum("ij,ij->i", self._clipped, self._clipped, out=rewards[2])
        rewards[2] *= -self.contact_weight
        height = self.position[:, 2]
        healthy = (self.height[0] <= height) & (height <= self.height[1])
        healthy &= np.isfinite(self.position.sum(axis=1) + self.velocity.sum(axis=1))
        rewards[3] = healthy
        np.logical_not(healthy, out=terminated)

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"x": self._forward.last.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._forward.last[:] = state["x"]
