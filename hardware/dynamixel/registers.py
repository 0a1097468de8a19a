"""Registers of a Dynamixel control table."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sim2real.hardware.bus.register_table import RegisterTable

Unit = Literal[
    "", "2us", "counts", "velocity", "acceleration", "pwm", "current", "load", "decivolt", "celsius", "watchdog", "ms"
]
"""Unit of a register; its SI value may depend on the model."""


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
    """Lowest writable value."""
    maximum: int
    """Highest writable value."""
    unit: Unit = ""
    since: int = 0
    """First firmware version with this register; older versions read zeros."""

    @property
    def end(self) -> int:
        """Address after the last byte."""
        return self.address + self.size

    def encode(self, value: int) -> bytes:
        """Encode a value. Raises OverflowError if it does not fit the size."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """Decode a value."""
        return int.from_bytes(data, "little", signed=self.signed)


ControlTable: TypeAlias = RegisterTable[Register]
"""The registers of one model."""
