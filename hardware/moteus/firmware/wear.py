"""Configuration values as an earlier owner's tools leave them: every one that the emulation has."""

from collections.abc import Mapping
from math import nan
from random import Random

from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.moteus.firmware.controller import MoteusMotor

_SHARE = 0.3  # of the values


def wear(motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
    """Change a random choice of values; return those that were changed. Raises TypeError for another family."""
    if not isinstance(motor, MoteusMotor):
        raise TypeError("not a moteus controller")
    choices = {
        "servo.pid_position.kp": (0.0, 4.0, draw.uniform(0.1, 500.0)),
        "servo.pid_position.kd": (0.0, 0.05, draw.uniform(0.01, 20.0)),
        "servopos.position_min": (nan, -0.01, draw.uniform(-2.0, 0.0)),
        "servopos.position_max": (nan, 0.01, draw.uniform(0.0, 2.0)),
        "motor_position.output.sign": (1.0, -1.0),
        "motor_position.output.offset": (0.0, draw.uniform(-1.5, 1.5)),
    }
    changed = {name: draw.choice(values) for name, values in choices.items() if draw.random() < _SHARE}
    motor.restore(motor.saved() | changed)
    motor.boot(0, 0)
    return changed
