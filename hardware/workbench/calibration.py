"""Calibration of the joints of a robot by hand: where each joint is zero, and which way it counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.interface import Workbench

MOVE_MIN = 0.1
"""rad; a joint must be moved at least so far to tell its direction from the play of its gears."""

_TRIES = 5  # of moving one joint far enough

Pose = Literal["centre", "zero", "default"]
"""Where the joints are put by hand: the middle of their position limits, angle zero, or their default position."""


class Guide(Protocol):
    """Gives the instructions: to a person at a terminal, or in a test."""

    def ask(self, what: str) -> None:
        """Say what is to be done and return when it is."""
        ...

    def tell(self, what: str) -> None:
        """Say what was found."""
        ...


@dataclass(frozen=True, slots=True)
class JointCalibration:
    """What the robot YAML says of the mounting of a joint's motor."""

    zero: float
    """rad; motor angle at which the joint angle is zero."""
    direction: Literal[1, -1]


@dataclass(frozen=True, slots=True)
class WorkbenchJoint:
    """A joint and where its motor is; the speed of its line is set."""

    name: str
    config: JointConfig
    bus: Workbench

    def motor_angle(self) -> float:
        """Return the motor angle after a power cycle, rad.

        Raises:
            HardwareError: The motor does not answer, or holds torque.
        """
        if self.bus.torque_enabled(self.config.id):
            raise HardwareError(
                f"joint {self.name!r} (motor {self.config.id}) has torque on: it cannot be moved by hand; "
                "end the program that holds it"
            )
        return self.bus.power_up_position(self.config.id)

    def angle_in(self, pose: Pose) -> float:
        """Return the joint angle of a pose, rad."""
        if pose == "zero":
            return 0.0
        return self.config.default_position if pose == "default" else sum(self.config.position_limits) / 2


def calibrate_joints(joints: list[WorkbenchJoint], pose: Pose, guide: Guide) -> Mapping[str, JointCalibration]:
    """Calibrate joints that are moved by hand; nothing is written to the motors.

    Joint angle = direction * (motor angle - zero), so zero = motor angle - direction * joint angle in the pose.

    Args:
        joints: Joints in the order in which they are asked for.
        pose: Where all of them are put first.
        guide: Gives the instructions.

    Raises:
        HardwareError: A motor does not answer or holds torque, or a joint was not moved.
    """
    for joint in joints:
        joint.motor_angle()
    angles = ", ".join(f"{joint.name} {math.degrees(joint.angle_in(pose)):.1f}°" for joint in joints)
    guide.ask(f"Put every joint at its {pose} position by hand: {angles}")
    centred = {joint.name: joint.motor_angle() for joint in joints}
    found: dict[str, JointCalibration] = {}
    for joint in joints:
        direction = _direction(joint, guide)
        zero = centred[joint.name] - direction * joint.angle_in(pose)
        found[joint.name] = JointCalibration(zero, direction)
        sign = "as" if direction == 1 else "against"
        guide.tell(f"{joint.name}: counts {sign} its motor, zero at {math.degrees(zero):.2f}°")
    return found


def _direction(joint: WorkbenchJoint, guide: Guide) -> Literal[1, -1]:
    """Return which way the motor counts when the joint is moved in its positive direction."""
    for _ in range(_TRIES):
        before = joint.motor_angle()
        guide.ask(
            f"{joint.name}: move it by hand in its positive direction, by {math.degrees(MOVE_MIN):.0f}° to 150°, "
            "and leave it there"
        )
        moved = math.remainder(joint.motor_angle() - before, math.tau)
        if abs(moved) >= MOVE_MIN:
            return 1 if moved > 0.0 else -1
        guide.tell(f"{joint.name}: moved by {math.degrees(abs(moved)):.1f}° only")
    raise HardwareError(
        f"joint {joint.name!r} (motor {joint.config.id}) did not move in {_TRIES} tries: is it this one that was moved?"
    )
