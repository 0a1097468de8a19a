"""Sloping ground: gravity is tilted instead, which is the same for the robot and keeps the ground a plane."""

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
    """How the ground of n simulations slopes, towards a heading drawn for each episode.

    The world's z axis is the ground's normal; attitudes that an IMU reads are turned to count from the vertical.

    Args:
        batch: The simulations.
        parameters: `ground_slope` is the angle.
    """

    def __init__(self, batch: Batch, parameters: EpisodeParameters) -> None:
        self._slope = parameters.array("ground_slope")
        self._gravity: Float64Array | None = batch.expand("opt.gravity") if self._slope is not None else None
        self._drawn = "opt.gravity" in parameters.field_names
        self._own = np.array(batch.model.opt.gravity)
        self._vertical = np.tile([1.0, 0.0, 0.0, 0.0], (batch.nsim, 1))
        """Quaternions that turn the ground's frame into one that stands upright, (n, 4)."""

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that are expanded."""
        return [] if self._gravity is None else ["opt.gravity"]

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Tilt gravity, as drawn, for new episodes."""
        if self._slope is None or self._gravity is None:
            return
        heading = 2.0 * math.pi * streams.uniform(ids, 1)[:, 0]
        angle = self._slope[ids, 0]
        sine, cosine = np.sin(angle), np.cos(angle)
        # Gravity turns about (-sin h, cos h, 0): what points down gets a part downhill, towards the heading.
        ahead, left = np.cos(heading), np.sin(heading)
        x, y, z = (self._gravity[ids] if self._drawn else np.tile(self._own, (len(ids), 1))).T
        along, across = ahead * x + left * y, ahead * y - left * x
        downhill, down = cosine * along - sine * z, cosine * z + sine * along
        self._gravity[ids] = np.stack(
            (ahead * downhill - left * across, left * downhill + ahead * across, down), axis=1
        )
        # The turn about the same axis that brings this gravity back.
        half = 0.5 * angle
        zero = np.zeros(len(ids))
        self._vertical[ids] = np.stack(
            (np.cos(half), -np.sin(half) * np.sin(heading), np.sin(half) * np.cos(heading), zero), axis=1
        )

    @property
    def vertical(self) -> Float64Array | None:
        """Quaternions that turn the ground's frame into one that stands upright, (n, 4), live; None on level ground."""
        return None if self._slope is None else self._vertical

    def turn(self, orientation: Float64Array, ids: Indices | None = None) -> None:
        """Turn orientations to the ground, (k, 4K), into orientations to the vertical, in place."""
        if self._slope is None:
            return
        vertical = self._vertical if ids is None else self._vertical[ids]
        quaternion = orientation.reshape(len(orientation), -1, 4)
        quaternion[...] = turned(vertical, quaternion)

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {"vertical": self._vertical.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._vertical[...] = state["vertical"]
