"""What a control table is made of: registers, found by name and by address."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Unit = Literal[
    "", "2us", "counts", "velocity", "acceleration", "pwm", "current", "load", "decivolt", "celsius", "watchdog", "ms"
]
"""What one unit of a register is; how much that is in SI may depend on the model."""


@dataclass(frozen=True, slots=True)
class Register:
    """One entry of a control table; little-endian, in the motor's own units."""

    name: str
    address: int
    size: int
    """Bytes: 1, 2 or 4."""
    access: Literal["r", "rw"]
    area: Literal["eeprom", "ram"]
    signed: bool
    initial: int
    """Factory value in EEPROM, value after a reboot in RAM."""
    minimum: int
    """Lowest value that a write may set."""
    maximum: int
    unit: Unit = ""
    since: int = 0
    """Firmware version that brought it; a motor with an older one has zeros there."""

    @property
    def end(self) -> int:
        """Address after the last byte."""
        return self.address + self.size

    def encode(self, value: int) -> bytes:
        """Return the bytes of a value. Raises OverflowError if it does not fit the size."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """Return the value of its bytes."""
        return int.from_bytes(data, "little", signed=self.signed)


class ControlTable:
    """The registers of one model, by name and by address."""

    def __init__(self, registers: Iterable[Register]) -> None:
        """Take the registers in any order. Raises ValueError if two overlap or share a name."""
        self._registers = tuple(sorted(registers, key=lambda register: register.address))
        self._by_name = {register.name: register for register in self._registers}
        self._by_address = {register.address: register for register in self._registers}
        if len(self._by_name) != len(self._registers):
            raise ValueError("two registers share a name")
        for before, after in zip(self._registers, self._registers[1:], strict=False):
            if after.address < before.end:
                raise ValueError(f"registers {before.name} and {after.name} overlap")

    def __iter__(self) -> Iterator[Register]:
        """Go through the registers by address."""
        return iter(self._registers)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Register:
        """Return the register of this name. Raises KeyError, with the valid names."""
        if name not in self._by_name:
            raise KeyError(f"no register {name!r}; valid: {', '.join(self._by_name)}")
        return self._by_name[name]

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self._registers[-1].end

    def at(self, address: int) -> Register | None:
        """Return the register that begins at this address."""
        return self._by_address.get(address)

    def covering(self, address: int, length: int) -> tuple[Register, ...]:
        """Return the registers of which a block of memory holds at least one byte, by address."""
        return tuple(r for r in self._registers if r.address < address + length and r.end > address)
