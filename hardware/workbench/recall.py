"""Motors that a command which was cut off has left between two states: only what is saved stays in force."""

from sim2real.hardware.held_signals import signals_held
from sim2real.hardware.workbench.interface import FoundMotor, Recalling, Workbench


def recall(bus: Workbench, motor: FoundMotor) -> bool:
    """Leave in force only what a motor has saved, so that what differs then is known. Torque must be off.

    Args:
        bus: The workbench of its bus.
        motor: The motor.

    Returns:
        Whether it still answers to its id: one that was set and not saved is gone.

    Raises:
        HardwareError: It does not do so.
    """
    if not isinstance(bus, Recalling):
        return True
    with signals_held():
        bus.recall(motor.id)
    return bus.find(motor.id, motor.baudrate) is not None
