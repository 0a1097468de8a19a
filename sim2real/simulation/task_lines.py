"""What a user has to know of a task before it is trained: its model, its starts, and its ends. One line each."""

import math
from collections.abc import Iterator
from typing import Final

from sim2real.configs.schema.task import TaskConfig
from sim2real.model.check_lines import model_lines
from sim2real.model.model import build_model
from sim2real.simulation.reset import reset_limits

_LEFT_MIN: Final = 0.5
"""Smallest share of a reset range within the position limits that is not worth a line."""


def task_lines(task: TaskConfig) -> Iterator[str]:
    """Yield the properties of a task that make its episodes unlike a robot, or senseless; none if all is well.

    Raises:
        UserError: The model does not fit the robot, or the robot cannot start.
    """
    reset_limits(task)
    robot = build_model(task)
    yield from model_lines(robot.model, robot.start, task.robot)
    yield from _starts(task)
    yield from _speed(task)


def _starts(task: TaskConfig) -> Iterator[str]:
    reset = task.reset
    cut = []
    for name, joint in task.robot.joints.items():
        around = joint.default_position if reset.around == "default" else 0.0
        low, high = (around + part for part in reset.position)
        left = min(high, joint.position_limits[1]) - max(low, joint.position_limits[0])
        if not left >= _LEFT_MIN * (high - low):
            cut.append(name)
    if cut:
        yield f"most of reset.position is beyond position_limits, and cut there: {', '.join(cut)}"


def _speed(task: TaskConfig) -> Iterator[str]:
    fastest = max(map(abs, task.reset.velocity))
    slow = [name for name, joint in task.robot.joints.items() if fastest > joint.velocity_limit]
    if slow:
        yield f"reset.velocity, up to {math.degrees(fastest):.4g} deg/s, is above velocity_limit: {', '.join(slow)}"
