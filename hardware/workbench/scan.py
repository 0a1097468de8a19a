"""Scans a port for motors: every family at every baud rate, or given ones."""

from collections.abc import Callable, Iterator, Mapping

from sim2real.hardware.bus.shared_id import Sharing
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.change import find_motor
from sim2real.hardware.workbench.interface import FoundMotor, Workbench

Advance = Callable[[str, int], None]
"""Progress callback; called with protocol and baud rate before each scan."""


def scan_port(
    buses: Mapping[str, Workbench],
    baudrate: int | None,
    advance: Advance = lambda protocol, baudrate: None,
    shared: list[int] | None = None,
) -> Iterator[FoundMotor]:
    """Yield every motor that answers on a port.

    Args:
        buses: The workbenches of one port, by protocol.
        baudrate: The only baud rate to try, bit/s; all of the family if None.
        advance: Progress callback.
        shared: Gets the ids that several motors share.

    Raises:
        PortLostError: The port vanished.
        HardwareError: The port does not support the given baud rate.
    """
    for protocol, bus in buses.items():
        for speed in baudrates_to_try(bus, baudrate):
            advance(protocol, speed)
            try:
                found = bus.scan(speed)
            except PortLostError:
                raise
            except HardwareError:  # the adapter does not support this baud rate
                if baudrate is not None:
                    raise
                continue
            if shared is not None and isinstance(bus, Sharing):
                shared += bus.shared
            yield from found


def find_on_port(buses: Mapping[str, Workbench], motor: int, baudrate: int | None) -> tuple[Workbench, FoundMotor]:
    """Return the motor with this id and the workbench of its family; the line stays at the motor's baud rate.

    Raises:
        HardwareError: No motor answers, or the id is invalid in every family.
    """
    reasons: list[str] = []
    for bus in buses.values():
        if motor not in bus.ids:
            reasons.append(f"id {motor} is not valid ({bus.protocol}); valid: {bus.ids[0]} to {bus.ids[-1]}")
            continue
        try:
            return bus, find_motor(bus, motor, baudrates_to_try(bus, baudrate))
        except PortLostError:
            raise
        except HardwareError as error:
            reasons.append(str(error))
    raise HardwareError("; ".join(reasons))


def baudrates_to_try(bus: Workbench, baudrate: int | None) -> tuple[int, ...]:
    """Return the baud rates to try on a bus."""
    return bus.baudrates if baudrate is None else (baudrate,)
