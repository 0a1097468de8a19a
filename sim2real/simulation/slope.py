"""Sloping ground, simulated by tilting gravity: equivalent for the robot, and the ground stays a plane."""

import math
from typing import Any

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import RandomStreams
from sim2real.task.attitude import turned


class GroundSlope:
    """Ground slopes of n simulations, each towards a heading drawn per episode.

    The world's z axis is the ground's normal. `to_vertical` converts IMU orientations to a vertical z axis.

    Args:
        batch: The simulations.
        parameters: Source of `ground_slope`, the angle, rad.
    """

    def __init__(self, batch: Batch, parameters: EpisodeParameters) -> None:
        self._slope = parameters.array("ground_slope")
        self._gravity: Float64Array | None = batch.expand("opt.gravity") if self._slope is not None else None
        self._drawn = "opt.gravity" in parameters.field_names
        self._own = np.array(batch.model.opt.gravity)
        self._vertical = np.tile([1.0, 0.0, 0.0, 0.0], (batch.nsim, 1))
        """Rotations from the ground's frame to a frame with a vertical z axis, (n, 4)."""

    @property
    def field_names(self) -> list[str]:
        """Names of the expanded model fields."""
        return [] if self._gravity is None else ["opt.gravity"]

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Tilt gravity for new episodes."""
        if self._slope is None or self._gravity is None:
            return
        heading = 2.0 * math.pi * streams.uniform(ids, 1)[:, 0]
        angle = self._slope[ids, 0]
        sine, cosine = np.sin(angle), np.cos(angle)
        # Rotate gravity about (-sin h, cos h, 0): it gains a component downhill, towards the heading.
        ahead, left = np.cos(heading), np.sin(heading)
        x, y, z = (self._gravity[ids] if self._drawn else np.tile(self._own, (len(ids), 1))).T
        along, across = ahead * x + left * y, ahead * y - left * x
        downhill, down = cosine * along - sine * z, cosine * z + sine * along
        self._gravity[ids] = np.stack(
            (ahead * downhill - left * across, left * downhill + ahead * across, down), axis=1
        )
        # The inverse rotation, about the same axis.
        half = 0.5 * angle
        zero = np.zeros(len(ids))
        self._vertical[ids] = np.stack(
            (np.cos(half), -np.sin(half) * np.sin(heading), np.sin(half) * np.cos(heading), zero), axis=1
        )

    @property
    def vertical(self) -> Float64Array | None:
        """Rotations from the ground's frame to a frame with a vertical z axis, (n, 4), live; None on level ground."""
        return None if self._slope is None else self._vertical

    def to_vertical(self, orientation: Float64Array, ids: Indices | None = None) -> None:
        """Convert orientations in the ground's frame, (k, 4K), to a frame with a vertical z axis, in place."""
        if self._slope is None:
            return
        vertical = self._vertical if ids is None else self._vertical[ids]
        quaternion = orientation.reshape(len(orientation), -1, 4)
        quaternion[...] = turned(vertical, quaternion)

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"vertical": self._vertical.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._vertical[...] = state["vertical"]
