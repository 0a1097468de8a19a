"""Switches torque off on every motor of a port, whatever its id, and asks each for confirmation."""

from dataclasses import dataclass
from typing import Final

from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.interface import FoundMotor, Releasing
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.scan import scan_port

_SENT = 3
"""Broadcasts at each baud rate: a lost one costs nothing but a few bytes."""

TRIES: Final = 5
"""Times that torque off is sent to a motor that does not confirm it."""


@dataclass(frozen=True, slots=True)
class Released:
    """A motor that answered, and whether it confirmed that torque is off."""

    motor: FoundMotor
    confirmed: bool


def release_port(opened: WorkbenchPort) -> list[Released]:
    """Send torque off to all motors of all families at all baud rates, then have it confirmed by those that answer.

    Raises:
        PortLostError: The port vanished.
    """
    for bus in opened.buses.values():
        if isinstance(bus, Releasing):
            for baudrate in bus.baudrates:
                try:
                    bus.set_baudrate(baudrate)
                except PortLostError:
                    raise
                except HardwareError:  # the adapter does not support this baud rate
                    continue
                for _ in range(_SENT):
                    bus.torque_off()
    return [Released(motor, _confirmed(opened, motor)) for motor in list(scan_port(opened.buses, None))]


def _confirmed(opened: WorkbenchPort, motor: FoundMotor) -> bool:
    bus = opened.buses[motor.protocol]
    bus.set_baudrate(motor.baudrate)
    for _ in range(TRIES):
        try:
            if not bus.torque_enabled(motor.id):
                return True
        except PortLostError:
            raise
        except HardwareError:
            pass  # not confirmed
        if isinstance(bus, Releasing):
            bus.torque_off(motor.id)
    return False
