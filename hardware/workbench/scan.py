"""Scans a port for motors: likely baud rates first, and the families in turns."""

from collections.abc import Callable, Iterator, Mapping

from sim2real.hardware.bus.shared_id import Sharing
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.interface import FoundMotor, Hearing, Workbench

Advance = Callable[[str, int], None]
"""Progress callback; called with protocol and baud rate before each scan."""


def scan_port(
    buses: Mapping[str, Workbench],
    baudrate: int | None,
    advance: Advance = lambda protocol, baudrate: None,
    shared: list[int] | None = None,
    everything: bool = False,
) -> Iterator[FoundMotor]:
    """Yield the motors that answer on a port, each once.

    The families take turns, with their likely baud rates first. Motors on one bus speak one protocol at one baud rate,
    so the search ends with the first that is answered.

    Args:
        buses: The workbenches of one port, by protocol.
        baudrate: The only baud rate to try, bit/s; all of the family if None.
        advance: Progress callback.
        shared: Gets the ids that several motors share.
        everything: Whether to go on after the first motors, to every protocol and baud rate.

    Raises:
        PortLostError: The port vanished.
        HardwareError: The port does not support the given baud rate.
    """
    known: set[tuple[str, int, int | None, int | str]] = set()
    turns = list(_in_turns(buses, baudrate))
    quick = [] if everything or baudrate is not None else turns  # a look for low ids at each, before the whole scans
    for number, (protocol, speed) in enumerate([*quick, *turns]):
        bus = buses[protocol]
        advance(protocol, speed)
        try:
            if number < len(quick) and not (isinstance(bus, Hearing) and bus.hears(speed)):
                continue
            found = bus.scan(speed)
        except PortLostError:
            raise
        except HardwareError:  # the adapter does not support this baud rate
            if baudrate is not None:
                raise
            continue
        sharing = bus.shared if isinstance(bus, Sharing) else []
        if shared is not None:
            shared += sharing
        for motor in found:
            # A port without a baud rate of its own, as USB adapters have that are motors themselves, answers at each.
            identity = (protocol, motor.id, motor.model_number, motor.firmware)
            if identity not in known:
                known.add(identity)
                yield motor
        if (found or sharing) and not everything:
            return


def _in_turns(buses: Mapping[str, Workbench], baudrate: int | None) -> Iterator[tuple[str, int]]:
    """Yield protocols and baud rates: the first of each family, then the second of each, and so on."""
    lists = {protocol: baudrates_to_try(bus, baudrate) for protocol, bus in buses.items()}
    for turn in range(max(map(len, lists.values()), default=0)):
        for protocol, speeds in lists.items():
            if turn < len(speeds):
                yield protocol, speeds[turn]


def find_on_port(buses: Mapping[str, Workbench], motor: int, baudrate: int | None) -> tuple[Workbench, FoundMotor]:
    """Return the motor with this id and the workbench of its family; the line stays at the motor's baud rate.

    Raises:
        HardwareError: No motor answers, or the id is invalid in every family.
    """
    asked, reasons = [], []
    for bus in buses.values():
        if motor not in bus.ids:
            reasons.append(f"id {motor} is not valid ({bus.protocol}); valid: {bus.ids[0]} to {bus.ids[-1]}")
            continue
        try:
            found = next(filter(None, (bus.find(motor, rate) for rate in baudrates_to_try(bus, baudrate))), None)
        except PortLostError:
            raise
        except HardwareError as error:
            reasons.append(str(error))
        else:
            if found is not None:
                return bus, found
            asked.append(bus.protocol)
    if asked:
        at = "any baud rate" if baudrate is None else f"{baudrate} baud"
        reasons.insert(0, f"no motor answers to id {motor} at {at} ({', '.join(asked)})")
    raise HardwareError("; ".join(reasons))


def baudrates_to_try(bus: Workbench, baudrate: int | None) -> tuple[int, ...]:
    """Return the baud rates to try on a bus."""
    return bus.baudrates if baudrate is None else (baudrate,)
