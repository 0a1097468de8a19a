"""The registers, all 32-bit floats, and the reply to a state request."""

import struct
from enum import IntEnum, IntFlag
from typing import Literal, NamedTuple, Self

from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.registers import Registers


class AcmeRegisters(Registers):
    """What a motor YAML says of an ACME motor."""

    family: Literal["acme"]
    model_number: int
    stiffness: float = 20.0
    """N·m/rad from the factory."""
    damping: float = 0.5
    """N·m·s/rad"""

    def effort_unit(self, nominal: Nominal) -> float:
        """Efforts are floats."""
        return 1e-3


class Register(IntEnum):
    ID = 0
    MODEL = 1
    TORQUE = 2
    GOAL = 3
    STIFFNESS = 4
    DAMPING = 5
    WATCHDOG = 6


class Flag(IntFlag):
    TORQUE = 1
    OVERHEATED = 2
    OVERLOADED = 4
    WATCHDOG = 8


STATE = struct.Struct("<fffffB")


class State(NamedTuple):
    position: float
    velocity: float
    effort: float
    voltage: float
    temperature: float
    flags: int

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(*STATE.unpack(data))


def pack(index: int, value: float) -> bytes:
    return bytes((index,)) + struct.pack("<f", value)


def unpack(data: bytes) -> float:
    return float(struct.unpack("<f", data[1:])[0])
