"""Changes the id or baud rate of a motor of any family: checks, writes, verifies."""

from sim2real.hardware.bus.shared_id import prove_alone
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.interface import FoundMotor, Workbench
from sim2real.hardware.workbench.written import Written


def find_motor(bus: Workbench, motor: int, baudrates: tuple[int, ...]) -> FoundMotor:
    """Return the motor with this id, at the first baud rate at which it answers; the line stays at that baud rate.

    Raises:
        HardwareError: It answers at none of them.
    """
    for baudrate in baudrates:
        found = bus.find(motor, baudrate)
        if found is not None:
            return found
    raise HardwareError(f"no motor answers to id {motor} at {_listed(baudrates)} baud ({bus.protocol})")


def change_id(bus: Workbench, motor: FoundMotor, new: int, written: Written | None = None) -> None:
    """Change the id of a motor.

    Args:
        bus: The workbench of its bus, at its baud rate.
        motor: The motor.
        new: The new id.
        written: Takes note of the write.

    Raises:
        HardwareError: The id is invalid or taken, torque is on, or the motor does not answer to the new id.
    """
    if new not in bus.ids:
        raise HardwareError(f"id {new} is not valid; valid: {bus.ids[0]} to {bus.ids[-1]}")
    if new == motor.id:
        raise HardwareError(f"the motor already has id {new}")
    taken = bus.find(new, motor.baudrate)
    if taken is not None:
        raise HardwareError(f"id {new} is taken by {_kind(taken)} on this bus")
    prove_alone(bus, motor.id)
    _refuse_torque(bus, motor)
    with (written or Written()).writing(f"motor {motor.id}: id set from {motor.id} to {new}"):
        bus.write_id(motor.id, new)
        if bus.find(new, motor.baudrate) is None:
            raise HardwareError(f"motor {motor.id} does not answer to id {new} after the change")


def change_baudrate(bus: Workbench, motor: FoundMotor, new: int, written: Written | None = None) -> None:
    """Change the baud rate of a motor; the line follows.

    Args:
        bus: The workbench of its bus, at its baud rate.
        motor: The motor.
        new: The new baud rate, bit/s.
        written: Takes note of the write.

    Raises:
        HardwareError: The motor does not support this baud rate, torque is on, its id is taken at the new baud rate, or
            it does not answer there.
    """
    if new not in bus.baudrates:
        raise HardwareError(f"{new} baud is not valid; valid: {_listed(bus.baudrates)}")
    if new == motor.baudrate:
        raise HardwareError(f"motor {motor.id} is already at {new} baud")
    taken = bus.find(motor.id, new)
    if taken is not None:
        raise HardwareError(f"id {motor.id} is taken by {_kind(taken)} at {new} baud")
    if bus.find(motor.id, motor.baudrate) is None:
        raise HardwareError(f"motor {motor.id} stopped answering at {motor.baudrate} baud")
    prove_alone(bus, motor.id)
    _refuse_torque(bus, motor)
    with (written or Written()).writing(f"motor {motor.id}: baud rate set from {motor.baudrate} to {new}"):
        bus.write_baudrate(motor.id, new)
        if bus.find(motor.id, new) is None:
            raise HardwareError(f"motor {motor.id} does not answer at {new} baud after the change")


def _refuse_torque(bus: Workbench, motor: FoundMotor) -> None:
    if bus.torque_enabled(motor.id):
        raise HardwareError(f"motor {motor.id} has torque on: stop the program that holds it, then write its EEPROM")


def _listed(baudrates: tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(baudrates)))


def _kind(motor: FoundMotor) -> str:
    return motor.model or "a motor of an unknown model"
