"""Figure of the goal of a run: the angle of the goal joint, or the distance from the goal for other goals."""

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
    """Plot the angle of the goal joint, or the distance from the goal for other goals.

    Args:
        goal: The goal.
        time: s, (T,).
        position: Measured positions by joint, (T,) each, rad.
        distance: Distance from the goal, (T,), rad or m; NaN where it was not measured.
        running: Ticks in state RUNNING, (T,).
        path: The file, .svg or .png.
    """
    spec = goal.spec
    if isinstance(spec, JointGoal):
        goal_angle(time, position[spec.joint], running, spec.position, spec.tolerance, spec.wrap, path)
    else:
        goal_distance(time, distance * goal.factor, running, goal.tolerance * goal.factor, goal.unit, path)
