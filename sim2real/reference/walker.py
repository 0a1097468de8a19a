"""Hopper and Walker2d: run along x and stay upright."""

from typing import ClassVar

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.reference.runner import Runner
from sim2real.reference.task import Rows
from sim2real.runtime.contract.observation import Float32Array

_OBSERVED_SPEED_MAX = 10.0


class Walker(Runner):
    """A runner with a reward for healthy height and pitch; leaving them ends the episode."""

    terms = ("forward", "control", "healthy")
    hidden = 1
    control_weight = 1e-3
    reset_noise = 5e-3
    height: ClassVar[tuple[float, float]]
    """Healthy heights, m, exclusive."""
    pitch: ClassVar[tuple[float, float]]
    """Healthy pitches, rad, exclusive."""

    def observe(self, rows: Rows) -> tuple[Float64Array, ...]:
        """Return positions and clipped velocities."""
        position, velocity = super().observe(rows)
        return position, velocity.clip(-_OBSERVED_SPEED_MAX, _OBSERVED_SPEED_MAX)

    def evaluate(self, action: Float32Array, rewards: Float64Array, terminated: BoolArray) -> None:
        """Reward speed, small actions and healthy states."""
        super().evaluate(action, rewards, terminated)
        healthy = self._healthy()
        rewards[2] = healthy
        np.logical_not(healthy, out=terminated)

    def _healthy(self) -> BoolArray:
        height, pitch = self.position[:, 1], self.position[:, 2]
        upright = (self.height[0] < height) & (height < self.height[1])
        return upright & (self.pitch[0] < pitch) & (pitch < self.pitch[1])


class Hopper(Walker):
    """`Hopper-v5`."""

    file, frame_skip = "hopper.xml", 4
    height, pitch = (0.7, np.inf), (-0.2, 0.2)
    state_max: ClassVar[float] = 100.0
    """Bound of healthy velocities, and of all positions but the first two."""

    def _healthy(self) -> BoolArray:
        small = (np.abs(self.position[:, 2:]) < self.state_max).all(axis=1)
        return super()._healthy() & small & (np.abs(self.velocity) < self.state_max).all(axis=1)


class Walker2d(Walker):
    """`Walker2d-v5`."""

    file, frame_skip = "walker2d_v5.xml", 4
    height, pitch = (0.8, 2.0), (-1.0, 1.0)
