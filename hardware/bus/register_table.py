"""The register table of a motor model, for families with byte-addressed memory."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class Entry(Protocol):
    """A register in a table; the family defines how its value is encoded."""

    @property
    def name(self) -> str:
        """Name, unique in the table."""

    @property
    def address(self) -> int:
        """Address of the first byte."""

    @property
    def end(self) -> int:
        """Address after the last byte."""


EntryT = TypeVar("EntryT", bound=Entry)


class RegisterTable(Generic[EntryT]):
    """The registers of one model, by name and by address."""

    def __init__(self, registers: Iterable[EntryT]) -> None:
        """Make a table of registers in any order. Raises ValueError if two overlap or share a name."""
        self._registers = tuple(sorted(registers, key=lambda register: register.address))
        self._by_name = {register.name: register for register in self._registers}
        self._by_address = {register.address: register for register in self._registers}
        if len(self._by_name) != len(self._registers):
            raise ValueError("two registers share a name")
        for before, after in zip(self._registers, self._registers[1:], strict=False):
            if after.address < before.end:
                raise ValueError(f"registers {before.name} and {after.name} overlap")

    def __iter__(self) -> Iterator[EntryT]:
        """Iterate over the registers by address."""
        return iter(self._registers)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> EntryT:
        """Return the register with this name. Raises KeyError, which lists the valid names."""
        if name not in self._by_name:
            raise KeyError(f"no register {name!r}; valid: {', '.join(self._by_name)}")
        return self._by_name[name]

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self._registers[-1].end

    def at(self, address: int) -> EntryT | None:
        """Return the register that starts at this address; None if there is none."""
        return self._by_address.get(address)

    def overlapping(self, address: int, length: int) -> tuple[EntryT, ...]:
        """Return the registers that overlap a block of memory, by address."""
        return tuple(r for r in self._registers if r.address < address + length and r.end > address)
