"""A register of a control table, in the motor's own units."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sim2real.hardware.bus.register_table import RegisterTable

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


ControlTable: TypeAlias = RegisterTable[Register]
"""The registers of one model."""
