"""Looking for motors on a port: every family at every speed, or those that are asked for."""

from collections.abc import Callable, Iterator, Mapping

from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.change import find_motor
from sim2real.hardware.workbench.interface import BenchBus, FoundMotor

Advance = Callable[[str, int], None]
"""Called with protocol and speed before they are tried."""


def search(
    buses: Mapping[str, BenchBus], baudrate: int | None, advance: Advance = lambda protocol, baudrate: None
) -> Iterator[FoundMotor]:
    """Yield everybody who answers.

    Args:
        buses: The bench interfaces of one port, by protocol.
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
            except HardwareError:  # an adapter that cannot do this speed has nobody who talks at it
                if baudrate is not None:
                    raise
                continue
            yield from found


def find_on_port(buses: Mapping[str, BenchBus], motor: int, baudrate: int | None) -> tuple[BenchBus, FoundMotor]:
    """Return the motor with this id and the interface it answers to; the line stays at its speed.

    Raises:
        HardwareError: Nobody answers.
    """
    reasons: list[str] = []
    for bus in buses.values():
        try:
            return bus, find_motor(bus, motor, speeds(bus, baudrate))
        except PortLostError:
            raise
        except HardwareError as error:
            reasons.append(str(error))
    raise HardwareError("; ".join(reasons))


def speeds(bus: BenchBus, baudrate: int | None) -> tuple[int, ...]:
    """Return the speeds to try on a bus."""
    return bus.baudrates if baudrate is None else (baudrate,)
