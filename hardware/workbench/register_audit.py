"""Which persistent registers a rehearsed opening would leave with another value; for families with byte registers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from sim2real.hardware.bus.rehearsed import RehearsedMemory
from sim2real.hardware.workbench.interface import Difference


class StoredRegister(Protocol):
    """A register of a family's table."""

    @property
    def name(self) -> str:
        """Name, unique in the table."""

    @property
    def address(self) -> int:
        """Address of the first byte."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    @property
    def area(self) -> str:
        """Memory that it is in; `eeprom` lasts."""

    def decode(self, data: bytes) -> int:
        """Return the value of its bytes."""
        ...


def register_differences(
    motor: int,
    table: Iterable[StoredRegister],
    memory: RehearsedMemory,
    read: Callable[[int, int, int], bytes],
    effects: Mapping[str, str],
) -> tuple[int, tuple[Difference, ...]]:
    """Compare what a motor has with what it would have.

    Args:
        motor: Id.
        table: Its registers.
        memory: Of the rehearsal: what was read, and would be written.
        read: Returns bytes of a motor, by id, address and size, as they are. What it raises is raised.
        effects: What a register does that is not as wanted, by name.

    Returns:
        How many registers that last were looked at, and those that would change.
    """
    compared, differences = 0, list[Difference]()
    for register in table:
        if register.area == "eeprom" and memory.was_read(motor, register.address):
            compared += 1
            found = read(motor, register.address, register.size)
            wanted = memory.read(motor, register.address, found)
            if found != wanted:
                values = float(register.decode(found)), float(register.decode(wanted))
                differences.append(Difference(register.name, *values, effects.get(register.name, "")))
    return compared, tuple(differences)
