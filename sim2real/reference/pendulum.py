"""InvertedPendulum and InvertedDoublePendulum: keep poles upright on a cart."""

from typing import ClassVar

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.reference.task import ReferenceTask, Rows
from sim2real.runtime.contract.observation import Float32Array


class InvertedPendulum(ReferenceTask):
    """`InvertedPendulum-v5`."""

    file, frame_skip, terms = "inverted_pendulum.xml", 2, ("healthy",)
    reset_noise = 0.01
    tilt_max: ClassVar[float] = 0.2
    """Largest healthy angle of the pole, rad."""

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions and velocities."""
        return self.position[rows], self.velocity[rows]

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward every step upright."""
        healthy = np.isfinite(self.position.sum(axis=1) + self.velocity.sum(axis=1))
        healthy &= np.abs(self.position[:, 1]) <= self.tilt_max
        rewards[0] = healthy
        np.logical_not(healthy, out=terminated)


class InvertedDoublePendulum(ReferenceTask):
    """`InvertedDoublePendulum-v5`; the tip position is that of the last physics evaluation."""

    file, frame_skip, terms = "inverted_double_pendulum.xml", 5, ("healthy", "distance", "velocity")
    reset_noise, gaussian_velocity = 0.1, True
    first_observation_needs_forward = True
    healthy_reward: ClassVar[float] = 10.0
    height_min: ClassVar[float] = 1.0
    """A tip at or below this height ends the episode, m."""
    observed_max: ClassVar[float] = 10.0
    """Clip of observed velocities and constraint forces."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._sites: Float64Array = batch.bind("site_xpos")
        self._constraint: Float64Array = batch.bind("qfrc_constraint")

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return the cart's position, sines and cosines of the angles, velocities, and the rail's force on the cart."""
        angles, limit = self.position[rows, 1:], self.observed_max
        return (
            self.position[rows, :1],
            np.sin(angles),
            np.cos(angles),
            self.velocity[rows].clip(-limit, limit),
            self._constraint[rows, :1].clip(-limit, limit),
        )

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward an upright pole, a position near the middle and low velocities."""
        x, height = self._sites[:, 0, 0], self._sites[:, 0, 2]
        np.less_equal(height, self.height_min, out=terminated)
        np.multiply(~terminated, self.healthy_reward, out=rewards[0])
        rewards[1] = -(0.01 * x**2 + (height - 2.0) ** 2)
        rewards[2] = -(1e-3 * self.velocity[:, 1] ** 2 + 5e-3 * self.velocity[:, 2] ** 2)
