"""The true state of simulated robots, as rewards, ends, metrics and critics see it: no latency, no noise."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array

Float32Array = npt.NDArray[np.float32]

COMMAND_MIN = 0.05
"""A command whose parts are all smaller, m/s or rad/s, asks to stand still."""


def _none() -> Float64Array:
    return np.zeros((0, 0))


@dataclass(slots=True)
class BaseState:
    """How the free bases of n robots stand and move."""

    height: Float64Array = field(default_factory=_none)
    """Of the base's origin above the ground under it, (n,), m."""
    velocity: Float64Array = field(default_factory=_none)
    """(n, 3), m/s, in the frame that turns with the heading alone: forward, left, up."""
    angular_velocity: Float64Array = field(default_factory=_none)
    """(n, 3), rad/s, about the body's own axes."""
    yaw_rate: Float64Array = field(default_factory=_none)
    """(n,), rad/s, about the vertical."""
    down: Float64Array = field(default_factory=_none)
    """(n, 3), direction of gravity in the body's frame; (0, 0, -1) upright."""


@dataclass(slots=True)
class FeetState:
    """What the F feet of n robots do."""

    height: Float64Array = field(default_factory=_none)
    """Of the lowest point above the ground under it, (n, F), m."""
    speed: Float64Array = field(default_factory=_none)
    """Along the ground, (n, F), m/s."""
    wanted: Float64Array = field(default_factory=_none)
    """Height that the gait asks for, (n, F), m; zero when the robot is to stand still."""


@dataclass(slots=True)
class TaskState:
    """What terms see of n simulations; parts that the robot does not have, or that no term needs, are empty."""

    position: Float64Array
    """Joint positions, (n, J), rad."""
    velocity: Float64Array
    """Joint velocities, (n, J), rad/s."""
    effort: Float64Array
    """Joint efforts, (n, J), N·m: commanded ones of joints that are driven by effort, else those that act."""
    action: Float32Array
    """Clipped, filtered action of this step, (n, A)."""
    previous_action: Float32Array
    """The same of the step before, (n, A)."""
    goal_error: Float64Array
    """Distance from the goal, (n,), in its unit; of a joint in [-π, π] when full turns count as the same."""
    previous_velocity: Float64Array = field(default_factory=_none)
    """Joint velocities of the step before, (n, J), rad/s."""
    command: Float64Array = field(default_factory=_none)
    """(n, C), SI units."""
    base: BaseState = field(default_factory=BaseState)
    feet: FeetState = field(default_factory=FeetState)
    tip_offset: Float64Array = field(default_factory=_none)
    """From the tip to where the command asks it to be, (n, 3), m."""
    tip_velocity: Float64Array = field(default_factory=_none)
    """(n, 3), m/s."""
    rail_height: Float64Array = field(default_factory=_none)
    """Height above its zero of a robot on a rail, its first vertical slide joint, (n,), m."""
    rail_velocity: Float64Array = field(default_factory=_none)
    """(n,), m/s"""
    travel_velocity: Float64Array = field(default_factory=_none)
    """Of a robot on a boom along its first level slide joint, (n,), m/s."""


@dataclass(frozen=True)
class TaskConstants:
    """What terms need to know of the task."""

    effort_max: Float64Array
    """(J,), N·m."""
    position_min: Float64Array
    """(J,), rad."""
    position_max: Float64Array
    """(J,), rad."""
    default: Float64Array
    """Default pose, (J,), rad."""
    control_rate: float
    """Hz"""
    commands: dict[str, int]
    """Columns of the commands."""
    feet: int = 0
    """How many feet the robot has."""

    @classmethod
    def of(cls, task: TaskConfig) -> "TaskConstants":
        """Collect the constants of a task."""
        joints = list(task.robot.joints.values())
        return cls(
            effort_max=np.array([joint.effort_limit for joint in joints]),
            position_min=np.array([joint.position_limits[0] for joint in joints]),
            position_max=np.array([joint.position_limits[1] for joint in joints]),
            default=np.array([joint.default_position for joint in joints]),
            control_rate=task.control_rate,
            commands={name: column for column, name in enumerate(task.commands)},
            feet=len(task.robot.feet),
        )


def asked(state: TaskState, constants: TaskConstants, *names: str) -> Float64Array:
    """Return the commands of these names, (n, len(names))."""
    values: Float64Array = state.command[:, [constants.commands[name] for name in names]]
    return values


def stands_still(command: Float64Array) -> BoolArray:
    """Tell which commands, (n, C), ask to stand still, (n,)."""
    still: BoolArray = np.all(np.abs(command) < COMMAND_MIN, axis=1)
    return still
