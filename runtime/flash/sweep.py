"""The inputs of a policy from all over their ranges: what a dry run feeds it."""

from collections.abc import Callable, Iterator
from math import radians
from typing import Final

import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.safety import EFFORT_FACTOR_MAX

_SEED: Final = 20261120
_RANDOM: Final = 16  # episodes each of corners and of the inside: enough to meet a NaN that is not hidden on purpose
_RATE_MAX: Final = radians(2000.0)  # rad/s: the widest range of MEMS gyroscopes (InvenSense MPU-6000)
_CLOCK_MAX: Final = 86_400.0  # s: a run of a day
_REACH: Final = 1.0  # m, about the base: tips that a camera may report

_ORIENTATIONS: Final = {
    "upright": (1.0, 0.0, 0.0, 0.0),
    "upside down": (0.0, 1.0, 0.0, 0.0),
    "on its left side": (0.5**0.5, -(0.5**0.5), 0.0, 0.0),
    "on its nose": (0.5**0.5, 0.0, 0.5**0.5, 0.0),
    "turned by half a turn": (0.0, 0.0, 0.0, 1.0),
}
"""w x y z."""

Box = tuple[Float64Array, Float64Array]
"""Lowest and highest values of an array, of its shape."""


def sweep(contract: Contract) -> Iterator[tuple[str, Float32Array]]:
    """Yield observations, (1, O), each with where the robot is in it: the pipeline's own buffer.

    Readings go as far as safety lets them through, operator commands as far as the contract does. Every case is an
    episode: the pipeline is reset, and the inputs change from tick to tick until every history has been filled.
    """
    random = np.random.default_rng(_SEED)
    boxes, actions = signal_ranges(contract), _action_range(contract)
    pipeline, signals = ObservationPipeline(contract, 1), Signals.of(contract, 1)
    ticks = 1 + max(term.history for term in contract.observation)

    def episode(
        place: str, draw: Callable[[Box], Float64Array], orientation: tuple[float, ...] | None = None
    ) -> Iterator[tuple[str, Float32Array]]:
        pipeline.reset()
        for _ in range(ticks):
            for name, box in boxes.items():
                getattr(signals, name)[...] = draw(box)
            signals.orientation[...] = _rotations(random, signals.orientation.shape, orientation)
            yield place, pipeline.observe(signals, draw(actions).astype(np.float32))

    def anywhere(box: Box) -> Float64Array:
        return random.uniform(*box)

    def corner(box: Box) -> Float64Array:
        return np.where(random.random(box[0].shape) < 0.5, *box)

    at_rest = _at_rest(contract)
    for name, values in at_rest.items():
        getattr(signals, name)[...] = values
    yield "in the default pose", pipeline.observe(signals, np.zeros((1, contract.action_size), np.float32))
    yield from episode("at the lower limits", lambda box: box[0], _ORIENTATIONS["upright"])
    yield from episode("at the upper limits", lambda box: box[1], _ORIENTATIONS["upright"])
    for words, orientation in _ORIENTATIONS.items() if contract.robot.imus else ():
        yield from episode(f"{words} within the limits", anywhere, orientation)
    for _ in range(_RANDOM):
        yield from episode("at a corner of the limits", corner)
        yield from episode("within the limits", anywhere)


def signal_ranges(contract: Contract) -> dict[str, Box]:
    """Return the range of every array of `Signals` but the orientations, (1, …) each."""
    robot, safety = contract.robot, contract.robot.safety
    low, high = (np.array([[getattr(joint, f"position_{side}") for joint in robot.joints]]) for side in ("min", "max"))
    velocity = np.array([[joint.velocity_max + safety.velocity_margin for joint in robot.joints]])
    effort = np.array([[joint.effort_max * EFFORT_FACTOR_MAX for joint in robot.joints]])
    rate, tip = np.full((1, len(robot.imus), 3), _RATE_MAX), np.full((1, 3), _REACH)
    commands = contract.commands
    return {
        "joint_position": (low - safety.position_margin, high + safety.position_margin),
        "joint_velocity": (-velocity, velocity),
        "joint_effort": (-effort, effort),
        "angular_velocity": (-rate, rate),
        "command": (
            np.array([[command.low for command in commands]]),
            np.array([[command.high for command in commands]]),
        ),
        "clock": (np.zeros((1, 1)), np.full((1, 1), _CLOCK_MAX)),
        "tip": (-tip, tip),
        "joint_target": (low, high),
    }


def _at_rest(contract: Contract) -> dict[str, Float64Array]:
    """Return the signals that are not zero in the default pose."""
    pose = np.array([[joint.default_position for joint in contract.robot.joints]])
    commands = np.array([[command.default for command in contract.commands]])
    return {"joint_position": pose, "joint_target": pose, "command": commands}


def _action_range(contract: Contract) -> Box:
    """Return the range of the last action, (1, A): clipped, or what the bounded target stands for."""
    spec, joints = contract.action, contract.robot.joints
    edges = [[-spec.clip] * len(joints), [spec.clip] * len(joints)]
    if spec.step and not spec.relative:
        scale, offset = np.array(spec.scale), np.array(spec.offset)
        edges += [((np.array([joint.position_min for joint in joints]) - offset) / scale).tolist()]
        edges += [((np.array([joint.position_max for joint in joints]) - offset) / scale).tolist()]
    values = np.array(edges)
    return values.min(axis=0)[None], values.max(axis=0)[None]


def _rotations(
    random: np.random.Generator, shape: tuple[int, ...], orientation: tuple[float, ...] | None
) -> Float64Array:
    """Return unit quaternions, of any direction where none is given."""
    if orientation is not None:
        return np.broadcast_to(np.array(orientation), shape)
    values = random.normal(size=shape)
    unit: Float64Array = values / np.linalg.norm(values, axis=-1, keepdims=True)
    return unit
