"""Humanoid: run along x, upright, with small actions and gentle contacts."""

from typing import Any, ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.reference.contact_force import ContactForces
from sim2real.reference.forward_velocity import ForwardVelocity
from sim2real.reference.task import ReferenceTask, Rows
from sim2real.runtime.contract.observation import Float32Array

_FREE_JOINT = 6  # its degrees of freedom, which no actuator drives


class Humanoid(ReferenceTask):
    """`Humanoid-v5`; quantities beside the state are those of the last physics evaluation."""

    file, frame_skip, terms = "humanoid.xml", 5, ("forward", "control", "contact", "healthy")
    measured = ("x_velocity",)
    reset_noise = 1e-2
    first_observation_needs_forward = True
    # The model's solver (projected Gauss-Seidel) stops before convergence: forces depend on its start.
    separate_last_physics_step = True
    forward_weight: ClassVar[float] = 1.25
    control_weight: ClassVar[float] = 0.1
    contact_weight: ClassVar[float] = 5e-7
    contact_cost_max: ClassVar[float] = 10.0
    healthy_reward: ClassVar[float] = 5.0
    height: ClassVar[tuple[float, float]] = (1.0, 2.0)
    """Healthy heights of the torso, m, exclusive."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._mass_share: Float64Array = batch.model.body_mass / batch.model.body_mass.sum()
        self._centers: Float64Array = batch.bind("xipos")
        self._inertia, self._motion = batch.bind("cinert"), batch.bind("cvel")
        self._actuation, self._guess = batch.bind("qfrc_actuator"), batch.bind("qacc_warmstart")
        self._last_guess = np.zeros((batch.nsim, batch.model.nv))
        self._forward = ForwardVelocity(batch.nsim)
        self.contacts = ContactForces(batch, self.file)
        """Contact forces before clipping."""

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions, velocities, inertias and velocities of bodies, joint torques and contact forces."""
        count = len(self.position[rows])
        return (
            self.position[rows, 2:],
            self.velocity[rows],
            self._inertia[rows, 1:].reshape(count, -1),
            self._motion[rows, 1:].reshape(count, -1),
            self._actuation[rows, _FREE_JOINT:],
            self.contacts.values[rows].reshape(count, -1),
        )

    def measure(self, name: str) -> Float64Array:
        """Return the velocity along x of the last step, m/s, (n,)."""
        return self._forward.velocity if name in self.measured else super().measure(name)

    def begin(self, rows: Indices) -> None:
        """Store the start positions; contact forces are zero before the first step."""
        self._forward.begin(rows, self._center(rows))
        self.contacts.values[rows] = 0.0

    def before_last_physics_step(self) -> None:
        """Store the start of the solver."""
        np.copyto(self._last_guess, self._guess)

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward speed, small actions, gentle contacts and a healthy height."""
        self.contacts.update(self._last_guess)
        np.multiply(self._forward.update(self._center(slice(None)), self.dt), self.forward_weight, out=rewards[0])
        rewards[1] = -self.control_weight * np.square(action, dtype=np.float64).sum(axis=1)
        forces = self.contacts.values.reshape(len(terminated), -1)
        np.einsum("ij,ij->i", forces, forces, out=rewards[2])
        np.minimum(rewards[2] * self.contact_weight, self.contact_cost_max, out=rewards[2])
        np.negative(rewards[2], out=rewards[2])
        healthy = (self.height[0] < self.position[:, 2]) & (self.position[:, 2] < self.height[1])
        np.multiply(healthy, self.healthy_reward, out=rewards[3])
        np.logical_not(healthy, out=terminated)

    def _center(self, rows: Rows) -> Float64Array:
        """Return the centre of mass along x, m, (k,)."""
        center: Float64Array = self._centers[rows, :, 0] @ self._mass_share
        return center

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"x": self._forward.last.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._forward.last[:] = state["x"]
