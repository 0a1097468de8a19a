"""What a critic may see of the simulation beside the observation; no policy ever does."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim2real.configs.schema.task import PrivilegedTermName, TaskConfig
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.hardware.types import Float64Array
from sim2real.task.rewards import Need
from sim2real.task.state import Float32Array, TaskConstants, TaskState


@dataclass(frozen=True)
class Seen:
    """What privileged terms are computed from, for k robots."""

    state: TaskState
    constants: TaskConstants
    parameters: Float64Array
    """Drawn parameters, (k, C), in half widths of their limits from the calibrated values."""
    push: Float64Array
    """What is left of a push, (k, 2), m/s."""


def base_velocity(seen: Seen) -> list[Float64Array]:
    """Velocity of the base, forward, left, up, m/s, and its yaw rate, rad/s / 2."""
    return [seen.state.base.velocity, 0.5 * seen.state.base.yaw_rate[:, None]]


def base_height(seen: Seen) -> list[Float64Array]:
    """Height of the base above the ground, m · 5, and the direction of gravity in its frame."""
    return [5.0 * seen.state.base.height[:, None], seen.state.base.down]


def feet(seen: Seen) -> list[Float64Array]:
    """Heights of the feet and the heights the gait wants, m · 20, and their speeds, m/s."""
    own = seen.state.feet
    return [20.0 * own.height, 20.0 * own.wanted, own.speed]


def joint_state(seen: Seen) -> list[Float64Array]:
    """True joint positions from the default pose, rad, and velocities, rad/s / 5."""
    return [seen.state.position - seen.constants.default, 0.2 * seen.state.velocity]


def tip_offset(seen: Seen) -> list[Float64Array]:
    """From the tip to where it should be, m · 10, and its velocity, m/s."""
    return [10.0 * seen.state.tip_offset, seen.state.tip_velocity]


def rail(seen: Seen) -> list[Float64Array]:
    """Height on the rail, m · 5, and velocity, m/s."""
    return [5.0 * seen.state.rail_height[:, None], seen.state.rail_velocity[:, None]]


def travel(seen: Seen) -> list[Float64Array]:
    """Velocity along a boom, m/s."""
    return [seen.state.travel_velocity[:, None]]


def parameters(seen: Seen) -> list[Float64Array]:
    """What was drawn for the episode."""
    return [seen.parameters]


def disturbance(seen: Seen) -> list[Float64Array]:
    """What is left of a push, m/s."""
    return [seen.push]


PRIVILEGED: dict[str, Callable[[Seen], list[Float64Array]]] = {
    term.__name__: term
    for term in (base_velocity, base_height, feet, joint_state, tip_offset, rail, travel, parameters, disturbance)
}

PRIVILEGED_NEEDS: dict[str, tuple[Need, ...]] = {
    "base_velocity": ("base",),
    "base_height": ("base",),
    "feet": ("base", "feet", "gait"),
    "tip_offset": ("tip",),
    "rail": ("rail",),
    "travel": ("travel",),
}


class Privileged:
    """Puts the privileged terms of a task together.

    Args:
        task: Names them.
        space: The parameters that are drawn.
    """

    def __init__(self, task: TaskConfig, space: ParameterSpace) -> None:
        self._terms: tuple[PrivilegedTermName, ...] = task.privileged
        joints, feet_count = len(task.robot.joints), len(task.robot.feet)
        sizes = {
            "base_velocity": 4,
            "base_height": 4,
            "feet": 3 * feet_count,
            "joint_state": 2 * joints,
            "tip_offset": 6,
            "rail": 2,
            "travel": 1,
            "parameters": len(space.dimension_of_column),
            "disturbance": 2,
        }
        self.size = sum(sizes[term] for term in self._terms)
        """P"""
        limits, columns = space.limits, space.dimension_of_column
        self._calibrated = space.calibrated[columns]
        self._scale = 1.0 / np.maximum(0.5 * (limits[columns, 1] - limits[columns, 0]), 1e-9)

    def normalized(self, values: Float64Array) -> Float64Array:
        """Return drawn values, (k, C), in half widths of their limits from the calibrated values."""
        normalized: Float64Array = (values - self._calibrated) * self._scale
        return normalized

    def write(self, seen: Seen, out: Float32Array) -> None:
        """Compute all terms of k robots into `out`, (k, P)."""
        start = 0
        for term in self._terms:
            for block in PRIVILEGED[term](seen):
                out[:, start : start + block.shape[1]] = block
                start += block.shape[1]
