"""Joint targets for the gap measurement: a seeded smooth motion of every joint."""

import math
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array

SETTLE: Final = 1.0
"""Initial time with constant targets, s, in which both sides come to rest."""
_LOW_HZ, _HIGH_HZ = 0.2, 1.5  # start and end frequency of the chirp
_HOLD = 0.7  # s between steps
_LIMIT_SHARE = 0.8  # share of the distance to a position limit, and of the velocity limit
_EFFORT_SHARE = 0.5  # share of the effort limit
_RAMP = 0.5  # s, fade-in of the motion


def targets(robot: RobotConfig, rate: float, seconds: float, amplitude: float, seed: int) -> Float64Array:
    """Return the targets of all joints at every tick, (T, J): rad, or N·m for robots in current mode.

    The first half is a chirp with a random phase per joint; the second half is a sequence of random steps, limited to
    80 % of the velocity limit. Targets stay around the default pose and within the position limits.

    Args:
        robot: The robot.
        rate: Ticks per second.
        seconds: Length.
        amplitude: Largest distance from the default pose, rad; smaller for joints with closer limits.
        seed: Seed of phases and steps.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    motion = [_joint(time, seconds, rng) for _ in robot.joints]
    joints = list(robot.joints.values())
    if by_effort(robot):
        return np.stack([_EFFORT_SHARE * joint.effort_limit * m for joint, m in zip(joints, motion, strict=True)], 1)
    columns = []
    for joint, shape in zip(joints, motion, strict=True):
        low, high = (limit - joint.default_position for limit in joint.position_limits)
        size = min(amplitude, _LIMIT_SHARE * min(-low, high))
        if size <= 0.0:
            size = 0.0
        columns.append(joint.default_position + _rate_limited(size * shape, _LIMIT_SHARE * joint.velocity_limit / rate))
    return np.stack(columns, 1)


def by_effort(robot: RobotConfig) -> bool:
    """Return whether all joints of the robot are in current mode."""
    return all(joint.mode == "current" for joint in robot.joints.values())


def _joint(time: Float64Array, seconds: float, rng: np.random.Generator) -> Float64Array:
    """Return a motion between -1 and 1, 0 during `SETTLE`, (T,)."""
    half = SETTLE + 0.5 * (seconds - SETTLE)
    phase = rng.uniform(0.0, math.tau)
    since = time - SETTLE
    sweep = (_HIGH_HZ - _LOW_HZ) / max(half - SETTLE, 1e-9)
    chirp = np.sin(math.tau * (_LOW_HZ + 0.5 * sweep * since) * since + phase)
    levels = rng.uniform(-1.0, 1.0, 1 + math.ceil(max(seconds - half, 0.0) / _HOLD))
    steps = levels[np.clip((time - half) / _HOLD, 0, len(levels) - 1).astype(np.intp)]
    shape = np.where(time < half, chirp, steps)
    return np.asarray(shape * np.clip(since / _RAMP, 0.0, 1.0), np.float64)


def _rate_limited(motion: Float64Array, step: float) -> Float64Array:
    """Limit the change per tick to `step`."""
    position = np.empty_like(motion)
    last = 0.0
    for index, value in enumerate(motion):
        last += float(np.clip(value - last, -step, step))
        position[index] = last
    return position
