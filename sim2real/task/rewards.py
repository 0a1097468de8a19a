"""Reward and termination terms: pure functions of the batched state, chosen and weighted by the task YAML.

A term is a function here and a line in the table at the end, with what it needs of the robot and of the task.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.task.state import TaskConstants, TaskState, asked

# A reward term returns (n,) values for the weight 1; `scale` is the term's width from the YAML.
RewardTerm = Callable[[TaskState, TaskConstants, float], Float64Array]
# A termination term returns who ends, (n,); `limit` is the term's own.
TerminationTerm = Callable[[TaskState, TaskConstants, float], BoolArray]

Need = Literal[
    "base", "feet", "gait", "tip", "rail", "travel", "velocity_commands", "height_command", "forward_command"
]
"""What a term may need: a free base, feet, a gait, a tip with its commands, a rail to rise on or one to travel on, the
commands `forward`, `left` and `turn`, the command `height`, the command `forward`."""

VELOCITY_COMMANDS = ("forward", "left", "turn")
"""Commands of a walking robot: m/s, m/s, rad/s."""

# How far ahead a moving joint is looked at when it is asked to be still: velocity times this counts as distance.
_STILL_HORIZON = 0.1
_GRAVITY = 9.81


def alive(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """One, as long as the episode lasts."""
    return np.ones(len(state.position))


def goal_cosine(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """Cosine of the distance from the goal: 1 at the goal, -1 half a turn away. Scale is not used."""
    cosine: Float64Array = np.cos(state.goal_error)
    return cosine


def goal_still(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(error² + (0.1 s · speed)²) / scale²): 1 at rest at the goal; speed is that of all joints; scale in rad."""
    distance = np.square(state.goal_error) + _STILL_HORIZON**2 * _sum_of_squares(state.velocity)
    still: Float64Array = np.exp(distance / -(scale**2))
    return still


def joint_velocity(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (velocity / scale)² over the joints; scale in rad/s."""
    return _sum_of_squares(state.velocity) / scale**2


def joint_acceleration(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (acceleration / scale)² over the joints, from one control step to the next; scale in rad/s²."""
    return _sum_of_squares(state.velocity - state.previous_velocity) * (constants.control_rate / scale) ** 2


def effort(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (effort / effort limit / scale)² over the joints."""
    return _sum_of_squares(state.effort / constants.effort_max) / scale**2


def action_rate(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (change of action / scale)² over the joints."""
    return _sum_of_squares(np.subtract(state.action, state.previous_action, dtype=np.float64)) / scale**2


def position_excess(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum over the joints of how far they are beyond ±scale, rad."""
    beyond: Float64Array = np.maximum(np.abs(state.position) - scale, 0.0).sum(axis=1)
    return beyond


def pose_deviation(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (distance from the default pose / scale)² over the joints; scale in rad."""
    return _sum_of_squares(state.position - constants.default) / scale**2


def velocity_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-|v - command|² / scale²) along the ground; scale in m/s."""
    error = state.base.velocity[:, :2] - asked(state, constants, "forward", "left")
    return _bell(_sum_of_squares(error), scale)


def yaw_rate_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(yaw rate - command)² / scale²); scale in rad/s."""
    return _bell(np.square(state.base.yaw_rate - asked(state, constants, "turn")[:, 0]), scale)


def upright(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Square of gravity's direction along the body's x and y, together, / scale²: 0 upright, 1 on the side."""
    return _sum_of_squares(state.base.down[:, :2]) / scale**2


def righted(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """1 with the body's z axis up, 0 with it down; scale is not used."""
    share: Float64Array = 0.5 - 0.5 * state.base.down[:, 2]
    return share


def vertical_velocity(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Vertical velocity / scale)²; scale in m/s."""
    return np.square(state.base.velocity[:, 2] / scale)


def roll_pitch_rate(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (angular velocity about the body's x and y / scale)²; scale in rad/s."""
    return _sum_of_squares(state.base.angular_velocity[:, :2]) / scale**2


def base_height(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Height of the base above the ground - scale)², m²; scale is the height it should have, m."""
    return np.square(state.base.height - scale)


def gait_tracking(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-Σ (height - wanted)² / (2 scale²)) over the feet; scale in m."""
    feet = state.feet
    return _bell(_sum_of_squares(feet.height - feet.wanted), scale * 2.0**0.5)


def foot_slip(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (speed / scale)² over the feet that the gait has on the ground; scale in m/s."""
    feet = state.feet
    return _sum_of_squares(feet.speed * (feet.wanted <= 0.0)) / scale**2


def tip_distance(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Distance of the tip from where it should be / scale; scale in m."""
    return np.sqrt(_sum_of_squares(state.tip_offset)) / scale


def tip_near(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """1 / (1 + (distance / scale)²): steep near the target, and still felt far from it; scale in m."""
    return 1.0 / (1.0 + _sum_of_squares(state.tip_offset) / scale**2)


def tip_speed(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Speed of the tip / scale)²; scale in m/s."""
    return _sum_of_squares(state.tip_velocity) / scale**2


def hop_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(apex - command)² / scale²), the apex of a flight from the present height and speed; scale in m."""
    apex = state.rail_height + np.square(state.rail_velocity) / (2.0 * _GRAVITY)
    return _bell(np.square(apex - asked(state, constants, "height")[:, 0]), scale)


def travel_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(v - command)² / scale²) of a robot that travels on a boom; scale in m/s."""
    return _bell(np.square(state.travel_velocity - asked(state, constants, "forward")[:, 0]), scale)


def position_limits(state: TaskState, constants: TaskConstants, limit: float) -> BoolArray:
    """Whether any joint is outside its position limits by more than `limit`, rad; one that is no number is outside."""
    inside = (state.position >= constants.position_min - limit) & (state.position <= constants.position_max + limit)
    outside: BoolArray = np.logical_not(inside.all(axis=1))
    return outside


def tilted(state: TaskState, _constants: TaskConstants, limit: float) -> BoolArray:
    """Whether the base is tilted by more than `limit`, rad."""
    over: BoolArray = np.logical_not(state.base.down[:, 2] <= -np.cos(limit))
    return over


def low(state: TaskState, _constants: TaskConstants, limit: float) -> BoolArray:
    """Whether the base is lower above the ground than `limit`, m."""
    under: BoolArray = np.logical_not(state.base.height >= limit)
    return under


def _bell(square: Float64Array, width: float) -> Float64Array:
    bell: Float64Array = np.exp(square / -(width**2))
    return bell


def _sum_of_squares(values: Float64Array) -> Float64Array:
    """Sum of squares of every row, (n, J) to (n,)."""
    sums: Float64Array = np.einsum("ij,ij->i", values, values)
    return sums


REWARDS: dict[str, RewardTerm] = {
    term.__name__: term
    for term in (
        alive,
        goal_cosine,
        goal_still,
        joint_velocity,
        joint_acceleration,
        effort,
        action_rate,
        position_excess,
        pose_deviation,
        velocity_tracking,
        yaw_rate_tracking,
        upright,
        righted,
        vertical_velocity,
        roll_pitch_rate,
        base_height,
        gait_tracking,
        foot_slip,
        tip_distance,
        tip_near,
        tip_speed,
        hop_tracking,
        travel_tracking,
    )
}
TERMINATIONS: dict[str, TerminationTerm] = {term.__name__: term for term in (position_limits, tilted, low)}

NEEDS: dict[str, tuple[Need, ...]] = {
    "velocity_tracking": ("base", "velocity_commands"),
    "yaw_rate_tracking": ("base", "velocity_commands"),
    "upright": ("base",),
    "righted": ("base",),
    "vertical_velocity": ("base",),
    "roll_pitch_rate": ("base",),
    "base_height": ("base",),
    "gait_tracking": ("base", "feet", "gait"),
    "foot_slip": ("base", "feet", "gait"),
    "tip_distance": ("tip",),
    "tip_near": ("tip",),
    "tip_speed": ("tip",),
    "hop_tracking": ("rail", "height_command"),
    "travel_tracking": ("travel", "forward_command"),
    "tilted": ("base",),
    "low": ("base",),
}
"""What terms, metrics and privileged terms need, by name; those that are not here need nothing."""


@dataclass(frozen=True)
class Requirements:
    """What the terms of a task need, all together."""

    needs: frozenset[str]

    @classmethod
    def of(cls, task: TaskConfig, more: dict[str, tuple[Need, ...]]) -> "Requirements":
        """Collect the needs of everything a task names; `more` has those of terms that are not in this module."""
        names: Iterable[str] = [
            *(entry.term for entry in task.rewards),
            *(entry.term for entry in task.terminations),
            *([task.performance.term] if task.performance else []),
            *task.metrics,
            *task.privileged,
        ]
        table = NEEDS | more
        return cls(frozenset(need for name in names for need in table.get(name, ())))

    def check(self, task: TaskConfig, has: dict[str, bool]) -> None:
        """Refuse a task whose terms need what its robot does not have.

        Raises:
            ConfigError: With what is missing.
        """
        commands = set(task.commands)
        has = has | {
            "feet": bool(task.robot.feet),
            "gait": task.gait is not None,
            "tip": task.robot.tip is not None and {"tip_x", "tip_y", "tip_z"} <= commands,
            "velocity_commands": set(VELOCITY_COMMANDS) <= commands,
            "height_command": "height" in commands,
            "forward_command": "forward" in commands,
        }
        words = {
            "base": "a free base (a body with a free joint)",
            "feet": "`feet` in the robot's YAML",
            "gait": "`gait`",
            "tip": "`tip` in the robot's YAML and the commands tip_x, tip_y, tip_z",
            "rail": "a vertical slide joint",
            "travel": "a level slide joint",
            "velocity_commands": f"the commands {', '.join(VELOCITY_COMMANDS)}",
            "height_command": "the command height",
            "forward_command": "the command forward",
        }
        missing = sorted(need for need in self.needs if not has.get(need, False))
        if missing:
            raise ConfigError(f"task {task.name!r}: its terms need {' and '.join(words[need] for need in missing)}")
