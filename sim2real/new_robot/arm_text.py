"""Makes the first task of joints that need no balance: bring the tip somewhere, follow a target, or move to angles."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from sim2real.new_robot.draft_robot import DraftRobot, task_head
from sim2real.new_robot.workspace import workspace

_NEAR: Final = ((2.0, 0.05), (2.0, 0.01), (3.0, 0.003))
"""Weights and scales, m, of the rewards for a tip near its target: the coarse one is felt from afar."""
_TURN: Final = 0.8  # rad, that commands of a pose ask of a joint, either way from its start


def tip_task(robot: DraftRobot, name: str, kind: str) -> Iterator[str]:
    """Yield a task of an arm: bring the tip to a commanded position, or follow a moving one."""
    low, high, middle = workspace(robot.config, robot.plant)
    moving = kind == "track"
    yield from task_head(
        robot, name, "Follow a moving target with the tip." if moving else "Move the tip to a commanded position.", 6.0
    )
    yield "commands: # m, in the frame of the base: a box in which the tip gets everywhere"
    # Outwards to whole millimetres: an axis along which the tip does not move keeps its place inside.
    low, high = np.floor(low * 1e3) * 1e-3, np.ceil(high * 1e3) * 1e-3
    for axis, first, last, default in zip("xyz", low, high, middle, strict=True):
        yield f"  tip_{axis}: {{range: [{first:.3f}, {last:.3f}], default: {default:.3f}}}"
    yield f"command_source: {{kind: tip, {'speed: [0 m/s, 0.1 m/s]' if moving else 'hold: [3 s, 3 s]'}}}"
    yield "observation:"
    yield "  - {term: tip_error, scale: 20.0, clip: 1.0, history: 2} # up to 50 mm"
    yield "  - {term: tip_error, scale: 100.0, clip: 1.0, history: 2} # the last 10 mm"
    yield "  - {term: command, scale: 4.0}"
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.3}"
    yield "  - {term: joint_position_error, scale: 10.0}"
    yield "  - {term: last_action, history: 4}"
    yield "privileged: [tip_offset, joint_state, parameters]"
    yield "action: {target: position, relative: true, scale: 2 deg} # actions are speeds"
    yield "reset: {around: default, position: [-25 deg, 25 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield from (f"  - {{term: tip_near, weight: {weight}, scale: {scale}}}" for weight, scale in _NEAR)
    yield "  - {term: tip_distance, weight: -2.0}"
    yield "  - {term: joint_velocity, weight: -0.02}"
    yield "  - {term: action_rate, weight: -0.5}"
    yield "  - {term: pose_deviation, weight: -0.005}"
    yield "performance: {term: tip_near, scale: 0.02}"
    yield "metrics: [tip_error]"
    yield f"goal: {{kind: tip, distance: {25 if moving else 12} mm, hold: 1 s}}"


def pose_task(robot: DraftRobot, name: str) -> Iterator[str]:
    """Yield a task of any robot: move every joint to a commanded position."""
    yield from task_head(robot, name, "Move the joints to commanded positions.", 6.0)
    yield "commands: # rad, of each joint's motor: around the start pose, within the limits"
    for joint, config in robot.config.joints.items():
        low, high = config.position_limits
        middle = config.default_position
        first, last = _inwards(max(low, middle - _TURN), up=True), _inwards(min(high, middle + _TURN), up=False)
        yield f"  {joint}: {{range: [{first:.6g}, {last:.6g}], default: {np.clip(middle, first, last):.6g}}}"
    yield "command_source: {kind: uniform, hold: [2 s, 4 s]}"
    yield "observation:"
    yield "  - {term: command}"
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.3}"
    yield "  - {term: last_action}"
    yield "privileged: [joint_state, parameters]"
    yield (
        "action: {target: effort}" if robot.by_effort else f"action: {{target: position, scale: {1.25 * _TURN:g} rad}}"
    )
    yield "reset: {around: default, position: [-10 deg, 10 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield "  - {term: pose_tracking, weight: 2.0, scale: 0.3}"
    yield "  - {term: pose_tracking, weight: 3.0, scale: 0.05}"
    yield f"  - {{term: joint_velocity, weight: {-0.02 / len(robot.config.joints):.2g}}}"
    yield f"  - {{term: action_rate, weight: {-0.3 / len(robot.config.joints):.2g}}}"
    yield "performance: {term: pose_tracking, scale: 0.1}"
    yield "metrics: [pose_error]"
    yield "goal: {kind: finish}"


def _inwards(angle: float, *, up: bool) -> float:
    """Return a limit rounded to 0.1 mrad, inwards."""
    steps = angle * 1e4
    return float(np.ceil(steps) if up else np.floor(steps)) * 1e-4
