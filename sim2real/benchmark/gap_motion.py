"""Targets that both sides of the gap play: the same smooth motion of every joint, from a seed."""

import math
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array

SETTLE: Final = 1.0
"""s at the beginning in which nothing is asked for, so that both sides come to rest."""
_LOW_HZ, _HIGH_HZ = 0.2, 1.5  # from one end of the chirp to the other
_HOLD = 0.7  # s between steps
_LIMIT_SHARE = 0.8  # of the way to a position limit, and of the velocity limit
_EFFORT_SHARE = 0.5  # of the effort limit
_RAMP = 0.5  # s in which the motion swells


def targets(robot: RobotConfig, rate: float, seconds: float, amplitude: float, seed: int) -> Float64Array:
    """Return what is asked of every joint at every tick, (T, J): rad, or N·m of robots in current mode.

    The first half is a chirp, each joint in a phase of its own; the second half goes to random places, one after the
    other, no faster than most of the velocity limit. All stay around the default pose and within the position limits.

    Args:
        robot: The robot.
        rate: Ticks a second.
        seconds: Length.
        amplitude: Furthest from the default pose, rad; joints whose limits are nearer go less far.
        seed: Of the phases and places.
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
        columns.append(joint.default_position + _slowed(size * shape, _LIMIT_SHARE * joint.velocity_limit / rate))
    return np.stack(columns, 1)


def by_effort(robot: RobotConfig) -> bool:
    """Tell whether the robot's joints take efforts."""
    return all(joint.mode == "current" for joint in robot.joints.values())


def _joint(time: Float64Array, seconds: float, rng: np.random.Generator) -> Float64Array:
    """Return a motion between -1 and 1 that is 0 while it settles, (T,)."""
    half = SETTLE + 0.5 * (seconds - SETTLE)
    phase = rng.uniform(0.0, math.tau)
    since = time - SETTLE
    sweep = (_HIGH_HZ - _LOW_HZ) / max(half - SETTLE, 1e-9)
    chirp = np.sin(math.tau * (_LOW_HZ + 0.5 * sweep * since) * since + phase)
    places = rng.uniform(-1.0, 1.0, 1 + math.ceil(max(seconds - half, 0.0) / _HOLD))
    place = places[np.clip((time - half) / _HOLD, 0, len(places) - 1).astype(np.intp)]
    shape = np.where(time < half, chirp, place)
    return np.asarray(shape * np.clip(since / _RAMP, 0.0, 1.0), np.float64)


def _slowed(wanted: Float64Array, step: float) -> Float64Array:
    """Follow with at most `step` a tick."""
    position = np.empty_like(wanted)
    last = 0.0
    for index, value in enumerate(wanted):
        last += float(np.clip(value - last, -step, step))
        position[index] = last
    return position
