"""The device protocol: how motors decode the bytes on their line, and how they reply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sim2real.hardware.firmware.motor import EmulatedMotor


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; it is sent after the previous one has ended."""

    delay_ns: int
    """Return delay time, ns."""
    baudrate: int
    """bit/s"""
    data: bytes


InstructionT = TypeVar("InstructionT")
MotorT_contra = TypeVar("MotorT_contra", bound=EmulatedMotor, contravariant=True)


class DeviceProtocol(Protocol, Generic[InstructionT, MotorT_contra]):
    """A family's protocol at the motors' end of a line: a stream decoder, and the execution of instructions."""

    half_duplex: bool
    """Whether client and motors share one wire; the client's bytes then cut off a reply."""
    paced: bool
    """Whether bytes take time on the wire according to the baud rate; not so on a USB adapter."""

    @property
    def unstuffed(self) -> int:
        """Number of instructions without the byte stuffing of the protocol; they were executed nevertheless."""
        ...

    @property
    def damaged(self) -> int:
        """Number of instructions that were cut off or had a wrong checksum."""
        ...

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Split one write of the client before each possible instruction, so that each has its own time of arrival."""
        ...

    def feed(self, data: bytes) -> Sequence[InstructionT]:
        """Feed received bytes; return the instructions they complete."""
        ...

    def reset(self) -> None:
        """Discard an incomplete instruction."""
        ...

    def replies_to(self, instruction: InstructionT, motors: Sequence[MotorT_contra], now_ns: int) -> list[Reply]:
        """Execute an instruction on the motors that received it; return their replies, in order."""
        ...
