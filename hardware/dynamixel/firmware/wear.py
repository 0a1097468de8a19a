"""Registers as an earlier owner's tools leave them: every one that a user's tool can write, with plausible values."""

from collections.abc import Mapping
from random import Random

from sim2real.hardware.dynamixel.firmware.motor import XSeriesMotor
from sim2real.hardware.firmware.motor import EmulatedMotor

_SHARE = 0.3  # of the registers
_KEPT = ("id", "baud_rate", "protocol_type")
_CHOICES: Mapping[str, tuple[int, ...]] = {
    "operating_mode": (0, 1, 3, 4, 5, 16),
    "drive_mode": (0, 1, 4, 5, 8, 9, 12, 13),
    "startup_configuration": (0, 1, 2, 3),
    "homing_offset": (-2048, -1100, -1024, -300, 300, 1024, 1100, 2048, 100_000),
    "secondary_id": (2, 17, 252, 255),
}
_RAM = (
    "status_return_level",
    "velocity_i_gain",
    "velocity_p_gain",
    "position_d_gain",
    "position_i_gain",
    "position_p_gain",
    "feedforward_2nd_gain",
    "feedforward_1st_gain",
    "goal_pwm",
    "goal_velocity",
    "profile_acceleration",
    "profile_velocity",
)


def wear(motor: EmulatedMotor, draw: Random) -> Mapping[str, float]:
    """Change a random choice of registers; return those that were changed. Raises TypeError for another family."""
    if not isinstance(motor, XSeriesMotor):
        raise TypeError("not an X-series motor")
    table = motor.memory.table
    changed: dict[str, float] = {}
    for name in motor.saved():
        if name in _KEPT or name.startswith("external") or draw.random() > _SHARE:
            continue
        register = table[name]
        value = draw.choice(_CHOICES.get(name, (register.minimum, register.maximum, register.initial)))
        if name not in _CHOICES and draw.random() < 0.5:
            value = draw.randint(register.minimum, register.maximum)
        if motor.write_register(name, value) is None:
            changed[name] = value
    motor.commit()
    motor.boot(0, 0)
    for name in _RAM:
        if name in table and draw.random() < _SHARE:
            register = table[name]
            value = draw.randint(register.minimum, register.maximum)
            if motor.write_register(name, value) is None:
                changed[name] = value
    if draw.random() < _SHARE and motor.write_register("torque_enable", 1) is None:
        changed["torque_enable"] = 1
    return changed
