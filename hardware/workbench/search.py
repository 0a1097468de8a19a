"""Searches a port for motors: every family at every speed, or the given ones."""

from collections.abc import Callable, Iterator, Mapping

from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.change import find_motor
from sim2real.hardware.workbench.interface import FoundMotor, Workbench

Advance = Callable[[str, int], None]
"""Called with protocol and speed before they are tried."""


def search(
    buses: Mapping[str, Workbench], baudrate: int | None, advance: Advance = lambda protocol, baudrate: None
) -> Iterator[FoundMotor]:
    """Yield every motor that answers.

    Args:
        buses: The workbenches of one port, by protocol.
        baudrate: The one speed to try; each family's own if there is none.
        advance: Told what is tried next.

    Raises:
        PortLostError: The port vanished.
        HardwareError: The port cannot do the one speed that was asked for.
    """
    for protocol, bus in buses.items():
        for speed in speeds(bus, baudrate):
            advance(protocol, speed)
            try:
                found = bus.scan(speed)
            except PortLostError:
                raise
            except HardwareError:  # no motor talks at a speed that the adapter cannot do
                if baudrate is not None:
                    raise
                continue
            yield from found


def find_on_port(buses: Mapping[str, Workbench], motor: int, baudrate: int | None) -> tuple[Workbench, FoundMotor]:
    """Return the motor with this id and the workbench of its family; the line stays at its speed.

    Raises:
        HardwareError: No motor answers, or no family has such an id.
    """
    reasons: list[str] = []
    for bus in buses.values():
        if motor not in bus.ids:
            reasons.append(f"id {motor} is not valid ({bus.protocol}); valid: {bus.ids[0]} to {bus.ids[-1]}")
            continue
        try:
            return bus, find_motor(bus, motor, speeds(bus, baudrate))
        except PortLostError:
            raise
        except HardwareError as error:
            reasons.append(str(error))
    raise HardwareError("; ".join(reasons))


def speeds(bus: Workbench, baudrate: int | None) -> tuple[int, ...]:
    """Return the speeds to try on a bus."""
    return bus.baudrates if baudrate is None else (baudrate,)
