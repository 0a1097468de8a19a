"""Calibration of a robot's joints, which the user moves by hand: zero and direction of each motor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.held_signals import signals_held
from sim2real.hardware.workbench.interface import Settled, Settling, Workbench
from sim2real.hardware.workbench.sweep import HALF_MIN, can_sweep, judge_sweep, seam_notice
from sim2real.hardware.workbench.written import Written

MOVE_MIN = HALF_MIN
"""Smallest move that shows a joint's direction, rad; more than the backlash of its gears."""

_TRIES = 5  # to move one joint far enough

Pose = Literal["centre", "zero", "default"]
"""Pose of the joints at the start: middle of their position limits, angle zero, or default position."""


class Guide(Protocol):
    """Gives instructions to the user at a terminal, or to a test."""

    def ask(self, instruction: str) -> None:
        """Give an instruction; return when it is done."""
        ...

    def tell(self, message: str) -> None:
        """Report a result."""
        ...


@dataclass(frozen=True, slots=True)
class JointCalibration:
    """How a joint's motor is mounted, as in the robot YAML."""

    zero: float
    """Motor angle at which the joint angle is zero, rad."""
    direction: Literal[1, -1]
    """1 if motor and joint have the same positive direction, else -1."""
    settled: Settled | None = None
    """The motor and its settings when this was measured; None if the family has no such registers."""


@dataclass(frozen=True, slots=True)
class WorkbenchJoint:
    """A joint and the workbench of its bus; the baud rate of the line is set."""

    name: str
    config: JointConfig
    bus: Workbench
    position_margin: float = 0.0
    """How far the joint may be outside its position limits, rad."""

    def settle(self) -> Settled | None:
        """Set the motor so that its positions mean what they will mean when the robot runs. Raises HardwareError."""
        if not isinstance(self.bus, Settling):
            return None
        return self.bus.settle(self.name, self.config, self.position_margin)

    def motor_angle(self) -> float:
        """Return the motor angle as read after a power cycle, rad.

        Raises:
            HardwareError: The motor does not answer, or has torque on.
        """
        if self.bus.torque_enabled(self.config.id):
            raise HardwareError(
                f"joint {self.name!r} (motor {self.config.id}) has torque on: it cannot be moved by hand; "
                "stop the program that holds it"
            )
        return self.bus.power_up_position(self.config.id)

    def angle_in(self, pose: Pose) -> float:
        """Return the joint angle in a pose, rad."""
        if pose == "zero":
            return 0.0
        return self.config.default_position if pose == "default" else sum(self.config.position_limits) / 2


def calibrate_joints(
    joints: list[WorkbenchJoint], pose: Pose, guide: Guide, sweep: bool = False, written: Written | None = None
) -> Mapping[str, JointCalibration]:
    """Calibrate joints that the user moves by hand.

    First the motors are set as the robot's driver sets them, because a mode or a direction decides what a position
    means; nothing else is written to them.

    Joint angle = direction * (motor angle - zero), so zero = motor angle - direction * joint angle in the pose.

    Args:
        joints: Joints in the order of the instructions.
        pose: The pose to start from.
        guide: Gives the instructions.
        sweep: Whether each joint is moved to both of its ends, which checks its limits; else a little way.
        written: Takes note of what is written to the motors.

    Raises:
        HardwareError: A motor does not answer or has torque on, a joint was not moved, or does not cover its limits.
    """
    for joint in joints:
        joint.motor_angle()
    settled = {joint.name: _settled(joint, guide, written or Written()) for joint in joints}
    angles = ", ".join(f"{joint.name} {math.degrees(joint.angle_in(pose)):.1f}°" for joint in joints)
    guide.ask(f"Move every joint to its {pose} position by hand: {angles}")
    in_pose = {joint.name: joint.motor_angle() for joint in joints}
    found: dict[str, JointCalibration] = {}
    for joint in joints:
        start = joint.angle_in(pose)
        if sweep and can_sweep(joint.config, start):
            direction = _swept(joint, start, in_pose[joint.name], guide)
        else:
            direction = _direction(joint, guide)
        zero = in_pose[joint.name] - direction * joint.angle_in(pose)
        found[joint.name] = JointCalibration(zero, direction, settled[joint.name])
        guide.tell(f"{joint.name}: direction {direction:+d}, zero at a motor angle of {math.degrees(zero):.2f}°")
        calibrated = joint.config.model_copy(update={"zero": zero, "direction": direction})
        if notice := seam_notice(calibrated, joint.position_margin):
            guide.tell(f"{joint.name}: {notice}")
    return found


def _settled(joint: WorkbenchJoint, guide: Guide, written: Written) -> Settled | None:
    """Set one motor; it is not left half-set by a signal, and what was written is told."""
    with signals_held():
        motor = joint.settle()
        for notice in motor.notices if motor else ():
            written.lines.append(notice)
            guide.tell(notice)
    return motor


def _swept(joint: WorkbenchJoint, start: float, motor_angle: float, guide: Guide) -> Literal[1, -1]:
    """Return the direction of a joint that is moved to both ends, which must cover its limits."""
    problem = ""
    low, high = joint.config.position_limits
    for _ in range(_TRIES):
        moves = []
        for end, limit in (("positive", high), ("negative", low)):
            guide.ask(
                f"{joint.name}: move it by hand to its end in the {end} direction, about "
                f"{math.degrees(abs(limit - start)):.0f}° from where it started, and leave it there"
            )
            moves.append(math.remainder(joint.motor_angle() - motor_angle, math.tau))
        found = judge_sweep(joint.config, start, *moves)
        if not found.problem:
            guide.tell(f"{joint.name}: reaches {math.degrees(found.low):.1f}° to {math.degrees(found.high):.1f}°")
            return found.direction
        problem = found.problem
        guide.tell(f"{joint.name}: {problem}")
    raise HardwareError(f"joint {joint.name!r} (motor {joint.config.id}), in {_TRIES} tries: {problem}")


def _direction(joint: WorkbenchJoint, guide: Guide) -> Literal[1, -1]:
    """Return the direction in which the motor angle changes when the joint moves in its positive direction."""
    for _ in range(_TRIES):
        before = joint.motor_angle()
        guide.ask(
            f"{joint.name}: move it by hand in its positive direction, {math.degrees(MOVE_MIN):.0f}° to 150°, "
            "and leave it there"
        )
        moved = math.remainder(joint.motor_angle() - before, math.tau)
        if abs(moved) >= MOVE_MIN:
            return 1 if moved > 0.0 else -1
        guide.tell(f"{joint.name}: moved only {math.degrees(abs(moved)):.1f}°")
    raise HardwareError(
        f"joint {joint.name!r} (motor {joint.config.id}) did not move in {_TRIES} tries; check that you moved this one"
    )
