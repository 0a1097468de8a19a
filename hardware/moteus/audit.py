"""Where a moteus controller is not as the robot YAML wants it; nothing is written."""

import math
from collections.abc import Iterator, Mapping
from typing import Final

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.moteus.console import MEANING, Console
from sim2real.hardware.moteus.schema import registers_of
from sim2real.hardware.workbench.interface import Difference

GAIN_ERROR: Final = 1e-3
"""Relative error of a gain that is no difference: its printing is rounded, and so is tuning by hand."""

_RELATIVE = 1e-6  # floats are printed with six digits

EFFECTS: Final[Mapping[str, str]] = {
    "servo.pid_position.kp": "every stiffness is sent as a share of it",
    "servo.pid_position.kd": "every damping is sent as a share of it",
    "servopos.position_min": "it faults within the joint's range",
    "servopos.position_max": "it faults within the joint's range",
    "motor_position.output.sign": "its calibration was made with the other sense",
    "motor_position.output.offset": "its calibration was made with another offset",
}
"""What a setting does that is not as wanted."""

COMPARED: Final = len(EFFECTS)


def differences(console: Console, joint: JointConfig, turns: int) -> Iterator[Difference]:
    """Yield the settings that differ, at these turns of the output. Raises HardwareError if it does not answer."""
    if joint.calibration is not None:
        for key in MEANING:
            stored, found = joint.calibration.registers.get(key), console.value(joint.id, key)
            if stored is not None and not math.isclose(found, stored, rel_tol=_RELATIVE):
                yield Difference(key, found, stored, EFFECTS[key])
    registers = registers_of(joint.motor)
    for key, wanted in (("servo.pid_position.kp", registers.kp), ("servo.pid_position.kd", registers.kd)):
        found = console.value(joint.id, key)
        if not math.isclose(found, wanted, rel_tol=GAIN_ERROR):
            yield Difference(key, found, wanted, EFFECTS[key])
    bounds = [console.value(joint.id, f"servopos.position_{end}") for end in ("min", "max")]
    low, high = range_of(joint, turns)
    if not (math.isnan(bounds[0]) or bounds[0] <= low):
        yield Difference("servopos.position_min", bounds[0], math.nan, EFFECTS["servopos.position_min"])
    if not (math.isnan(bounds[1]) or bounds[1] >= high):
        yield Difference("servopos.position_max", bounds[1], math.nan, EFFECTS["servopos.position_max"])


def range_of(joint: JointConfig, turns: int) -> tuple[float, float]:
    """Return the ends of the joint's range at the output, rev, at these turns."""
    low, high = sorted((joint.direction * angle + joint.zero) / math.tau - turns for angle in joint.position_limits)
    return low, high
