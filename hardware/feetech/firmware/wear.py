"""Registers as an earlier owner's tools leave them: every one that a user's tool can write, with plausible values."""

from collections.abc import Mapping
from random import Random

from sim2real.hardware.feetech.firmware.motor import StsMotor
from sim2real.hardware.firmware.motor import EmulatedMotor

_SHARE = 0.3  # of the registers
_KEPT = ("id", "baud_rate")
_RAM = ("acceleration", "goal_time", "goal_velocity", "torque_limit", "maximum_acceleration", "lock")


def wear(motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
    """Change a random choice of registers; return those that were changed. Raises TypeError for another family."""
    if not isinstance(motor, StsMotor):
        raise TypeError("not an STS motor")
    table = motor.memory.table
    changed: dict[str, float] = {}
    motor.write_register("lock", 0)
    for name in motor.saved():
        if name in _KEPT or draw.random() > _SHARE:
            continue
        register = table[name]
        changed[name] = draw.choice((register.minimum, register.maximum, register.initial))
        if draw.random() < 0.5:
            changed[name] = draw.randint(register.minimum, register.maximum)
        motor.write_register(name, int(changed[name]))
    motor.commit()
    motor.boot(0, 0)
    for name in _RAM:
        if draw.random() < _SHARE:
            register = table[name]
            changed[name] = draw.randint(register.minimum, register.maximum)
            motor.write_register(name, int(changed[name]))
    if draw.random() < _SHARE:
        changed["torque_enable"] = draw.choice((1, 2))
        motor.write_register("torque_enable", int(changed["torque_enable"]))
    return changed
