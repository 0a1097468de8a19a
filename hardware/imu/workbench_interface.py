"""The workbench of IMUs: what `sim2real imu` does with a unit of any family on an open port."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.interface import Between, nothing


@dataclass(frozen=True, slots=True)
class FoundImu:
    """A unit that answered or sends; the fields are those of `imu scan --json`."""

    protocol: str
    """As in the robot YAML."""
    baudrate: int
    """Baud rate of its line, bit/s."""
    rate: float | None
    """Sample rate, Hz; 0 if it sends nothing by itself, None if it does not tell."""
    content: tuple[str, ...]
    """What it sends; empty if it does not tell."""


class ImuWorkbench(Protocol):
    """Access to one unit on an open port, which the caller closes. Waits are bounded.

    `between` is called before every wait; what it raises ends the step.
    """

    @property
    def baudrates(self) -> tuple[int, ...]:
        """Baud rates that a unit may have, bit/s; the likely ones first."""
        ...

    def find(self, baudrate: int, between: Between = nothing) -> FoundImu | None:
        """Return the unit at a baud rate, None if there is none; the line stays at that baud rate. Writes no setting.

        Raises:
            HardwareError: The port does not support this baud rate.
            PortLostError: The port vanished.
        """
        ...

    def change_baudrate(self, unit: FoundImu, new: int, between: Between = nothing) -> FoundImu | None:
        """Set and save another baud rate, and prove that it is saved; the line follows.

        Persistent memory is written only if the saved baud rate is known to differ. Interrupted at any moment, the unit
        is at its old or at its new baud rate. It can be repeated.

        Args:
            unit: The unit, as found on this line.
            new: bit/s
            between: Called before every wait.

        Returns:
            The unit at its new baud rate; None if that was saved before, and nothing was written.

        Raises:
            HardwareError: The unit does not support the baud rate or needs a higher one, does not accept or save it, or
                is not heard afterwards; says where it is.
            PortLostError: The port vanished.
        """
        ...


def find_unit(bench: ImuWorkbench, baudrates: Iterable[int], between: Between = nothing) -> FoundImu | None:
    """Return the unit at the first of these baud rates at which there is one; the port need not support all.

    Raises:
        PortLostError: The port vanished.
    """
    for baudrate in baudrates:
        try:
            found = bench.find(baudrate, between)
        except PortLostError:
            raise
        except HardwareError:
            continue  # the adapter does not support this baud rate
        if found is not None:
            return found
    return None


def find_imu(benches: Mapping[str, ImuWorkbench], baudrate: int | None = None) -> FoundImu | None:
    """Return the unit on a port, of any of these families; None if there is none.

    Args:
        benches: The workbenches of the port, by protocol.
        baudrate: The only baud rate to try, bit/s; all of the family if None.

    Raises:
        PortLostError: The port vanished.
    """
    for bench in benches.values():
        found = find_unit(bench, bench.baudrates if baudrate is None else (baudrate,))
        if found is not None:
            return found
    return None
