"""The goal of a run as a figure: the joint's angle, or the distance where the goal is no joint's."""

from collections.abc import Mapping
from pathlib import Path

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.report.figures import goal_angle, goal_distance
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.goal_spec import JointGoal


def draw_goal(
    goal: Goal,
    time: Float64Array,
    position: Mapping[str, Float64Array],
    distance: Float64Array,
    running: BoolArray,
    path: Path,
) -> None:
    """Draw how a run did by its goal.

    Args:
        goal: The goal.
        time: s, (T,).
        position: Measured, by joint, (T,) each, rad.
        distance: From the goal, (T,), rad or m; NaN where it was not measured.
        running: Whether the policy was in command, (T,).
        path: The PNG file.
    """
    spec = goal.spec
    if isinstance(spec, JointGoal):
        goal_angle(time, position[spec.joint], running, spec.position, spec.tolerance, spec.wrap, path)
    else:
        goal_distance(time, distance * goal.factor, running, goal.tolerance * goal.factor, goal.unit, path)
