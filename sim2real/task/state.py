"""The state of robots for rewards, terminations, metrics and critics: buffers that are filled in place.

In simulation and on the emulator that is the ground truth, without latency or noise; of a recorded run it is what the
robot measured.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, read_only
from sim2real.model.addresses import Indices, columns_of

Float32Array = npt.NDArray[np.float32]

COMMAND_MIN = 0.05
"""Velocity commands that are all smaller, m/s or rad/s, mean standing still."""

_UPRIGHT = (1.0, 0.0, 0.0, 0.0)


def _none() -> Float64Array:
    return np.zeros((0, 0))


@dataclass(frozen=True, slots=True)
class BaseState:
    """State of the free bases of n robots."""

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

    @classmethod
    def zeros(cls, n: int) -> "BaseState":
        """Return buffers of n robots."""
        return cls(np.zeros(n), np.zeros((n, 3)), np.zeros((n, 3)), np.zeros(n), np.zeros((n, 3)))


@dataclass(frozen=True, slots=True)
class FeetState:
    """State of the F feet of n robots."""

    height: Float64Array = field(default_factory=_none)
    """Of the lowest point above the ground under it, (n, F), m."""
    speed: Float64Array = field(default_factory=_none)
    """Along the ground, (n, F), m/s."""
    target: Float64Array = field(default_factory=_none)
    """Target height by the gait, (n, F), m; 0 where the command is to stand still."""

    @classmethod
    def zeros(cls, n: int, feet: int) -> "FeetState":
        """Return buffers of n robots."""
        return cls(np.zeros((n, feet)), np.zeros((n, feet)), np.zeros((n, feet)))


@dataclass(frozen=True, slots=True)
class TaskState:
    """The state of n robots, for terms; parts that the robot does not have, or that no term needs, are empty.

    Every array is a buffer of the state's own, never a view of the simulator's: it keeps its place for good and is
    filled in place, so views of it stay valid, and what happens to the simulation later does not change it.
    """

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
    """Distance from the goal at the last evaluation, (n,), in its unit; never negative."""
    previous_velocity: Float64Array = field(default_factory=_none)
    """Joint velocities of the step before, (n, J), rad/s."""
    command: Float64Array = field(default_factory=_none)
    """(n, C), SI units."""
    attitude: Float64Array = field(default_factory=_none)
    """Of the first IMU's body against the vertical, (n, 4), unit quaternion w x y z; empty unless that is the goal."""
    base: BaseState = field(default_factory=BaseState)
    feet: FeetState = field(default_factory=FeetState)
    tip_offset: Float64Array = field(default_factory=_none)
    """From the tip to its commanded position, (n, 3), m."""
    tip_velocity: Float64Array = field(default_factory=_none)
    """(n, 3), m/s."""
    rail_height: Float64Array = field(default_factory=_none)
    """Height above its zero of a robot on a rail, its first vertical slide joint, (n,), m."""
    rail_velocity: Float64Array = field(default_factory=_none)
    """(n,), m/s"""
    travel_velocity: Float64Array = field(default_factory=_none)
    """Of a robot on a boom along its first level slide joint, (n,), m/s."""
    contact_force: Float64Array = field(default_factory=_none)
    """Size of the net force of all contacts on each of B bodies of the robot, (n, B), N: of the last physics step."""

    @classmethod
    def zeros(cls, task: TaskConfig, n: int, needs: frozenset[str], bodies: int = 0) -> "TaskState":
        """Return buffers of n robots with the parts that a task's terms need.

        Args:
            task: The task.
            n: Number of robots.
            needs: What its terms need.
            bodies: B
        """

        def rows(need: str) -> int:
            return n if need in needs else 0

        joints, feet = len(task.robot.joints), len(task.robot.feet)
        return cls(
            position=np.zeros((n, joints)),
            velocity=np.zeros((n, joints)),
            effort=np.zeros((n, joints)),
            action=np.zeros((n, joints), np.float32),
            previous_action=np.zeros((n, joints), np.float32),
            goal_error=np.zeros(n),
            previous_velocity=np.zeros((n, joints)),
            command=np.zeros((n, len(task.commands))),
            attitude=np.tile(_UPRIGHT, (n if task.goal.kind == "upright" else 0, 1)),
            base=BaseState.zeros(rows("base")),
            feet=FeetState.zeros(rows("feet"), feet),
            tip_offset=np.zeros((rows("tip"), 3)),
            tip_velocity=np.zeros((rows("tip"), 3)),
            rail_height=np.zeros(rows("rail")),
            rail_velocity=np.zeros(rows("rail")),
            travel_velocity=np.zeros(rows("travel")),
            contact_force=np.zeros((rows("contact"), bodies)),
        )

    def begin(self, rows: Indices, command: Float64Array) -> None:
        """Clear the actions of k robots that begin new episodes; set their commands, (k, C)."""
        for values in (self.action, self.previous_action, self.effort):
            values[rows] = 0.0
        self.command[rows] = command

    def clear(self, rows: Indices) -> None:
        """Set everything about some robots to zero, and their attitudes to upright."""
        for part in (self, self.base, self.feet):
            for values in _arrays(part).values():
                if len(values):
                    values[rows] = 0.0
        if len(self.attitude):
            self.attitude[rows] = _UPRIGHT

    def copy_of(self, rows: Indices) -> "TaskState":
        """Return the present state of some robots as a state of its own."""
        return self._with(lambda values: values[rows] if len(values) else values)

    def read_only(self) -> "TaskState":
        """Return views of the same buffers that cannot be written to: what terms are given."""
        return self._with(read_only)

    def _with(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> "TaskState":
        """Return a state of changed arrays."""
        own, base, feet = (
            {name: change(values) for name, values in _arrays(part).items()} for part in (self, self.base, self.feet)
        )
        return TaskState(**own, base=BaseState(**base), feet=FeetState(**feet))


def _arrays(part: TaskState | BaseState | FeetState) -> dict[str, npt.NDArray[Any]]:
    values = ((name, getattr(part, name)) for name in part.__slots__)
    return {name: value for name, value in values if isinstance(value, np.ndarray)}


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
    heat_rise: Float64Array = field(default_factory=_none)
    """(J,), K/(N·m)²: how much hotter than the air the motor's winding ends for the square of a steady effort."""
    pose: tuple[Indices, Indices] = (np.zeros(0, np.intp), np.zeros(0, np.intp))
    """Joints that have a command of their name, and the columns of these commands, (P,) each."""

    def columns(self, names: tuple[str, ...]) -> slice | Indices:
        """Return the columns of some commands; consecutive ones as a slice, which copies nothing."""
        places = tuple(self.commands[name] for name in names)
        return _columns(places)

    @classmethod
    def of(cls, task: TaskConfig) -> "TaskConstants":
        """Collect the constants of a task."""
        joints, commands = list(task.robot.joints.values()), list(task.commands)
        pose = [(joint, commands.index(name)) for joint, name in enumerate(task.robot.joints) if name in commands]
        of_pose = np.array(pose, dtype=np.intp).reshape(-1, 2)
        return cls(
            effort_max=np.array([joint.effort_limit for joint in joints]),
            position_min=np.array([joint.position_limits[0] for joint in joints]),
            position_max=np.array([joint.position_limits[1] for joint in joints]),
            default=np.array([joint.default_position for joint in joints]),
            control_rate=task.control_rate,
            commands={name: column for column, name in enumerate(task.commands)},
            feet=len(task.robot.feet),
            heat_rise=np.array([joint.motor.heat_rise for joint in joints]),
            pose=(of_pose[:, 0], of_pose[:, 1]),
        )


@cache
def _columns(places: tuple[int, ...]) -> slice | Indices:
    return columns_of(np.array(places, dtype=np.intp))


def commanded(state: TaskState, constants: TaskConstants, *names: str) -> Float64Array:
    """Return the commands of these names, (n, len(names)): a view where their columns are consecutive."""
    values: Float64Array = state.command[:, constants.columns(names)]
    return values


def pose_error(state: TaskState, constants: TaskConstants) -> Float64Array:
    """Return how far the joints are from the commands of their names, (n, P), rad."""
    joints, columns = constants.pose
    error: Float64Array = state.position[:, joints] - state.command[:, columns]
    return error


def stands_still(command: Float64Array) -> BoolArray:
    """Return which commands, (n, C), mean standing still, (n,)."""
    still: BoolArray = np.all(np.abs(command) < COMMAND_MIN, axis=1)
    return still
