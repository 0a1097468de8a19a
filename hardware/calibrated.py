"""Whether a joint's calibration still holds: the registers that gave its position a meaning are as they were."""

from collections.abc import Collection, Mapping

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.errors import HardwareError

_RELATIVE = 1e-6  # floats are printed with six digits


def check_calibration(name: str, joint: JointConfig, found: Mapping[str, float], own: Collection[str] = ()) -> None:
    """Compare the registers of a motor with those in the joint's calibration; nothing without one.

    Args:
        name: Joint and motor in messages.
        joint: The joint.
        found: The registers that decide what a position means, as the motor has them now.
        own: Registers that the driver has just set itself, by the robot YAML of today; they are not compared.

    Raises:
        HardwareError: A register differs: `zero` and `direction` no longer hold.
    """
    if joint.calibration is None:
        return
    stored = joint.calibration.registers
    changed = [
        f"{register.replace('_', ' ')} was {_text(stored.get(register))} and is {_text(found.get(register))}"
        for register in {**stored, **found}
        if register not in own and not _same(stored.get(register), found.get(register))
    ]
    if changed:
        raise HardwareError(
            f"{name}: its calibration no longer holds, because another program has changed what a position means: "
            f"{', '.join(changed)}; calibrate it again (`sim2real motors calibrate ROBOT --joint JOINT`), or set them "
            "back with the program that changed them"
        )


def check_serial_number(name: str, joint: JointConfig, found: str) -> None:
    """Compare the serial number of a motor with that in the joint's calibration; nothing without one.

    Raises:
        HardwareError: It is another motor, so `zero` and `direction` are not its own.
    """
    stored = "" if joint.calibration is None else joint.calibration.serial_number
    if stored and stored != found:
        raise HardwareError(
            f"{name}: it was calibrated with the motor of serial number {stored}, and this is {found}: calibrate it "
            "(`sim2real motors calibrate ROBOT --joint JOINT`)"
        )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    return one == other or abs(one - other) <= _RELATIVE * max(abs(one), abs(other))


def _text(value: float | None) -> str:
    return "absent" if value is None else f"{value:g}"
