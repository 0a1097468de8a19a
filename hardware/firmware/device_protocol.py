"""The device protocol: how motors decode the bytes on their line, and what they answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sim2real.hardware.firmware.motor import EmulatedMotor


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, to be sent when the one before it is over."""

    delay_ns: int
    """Return delay."""
    baudrate: int
    data: bytes


InstructionT = TypeVar("InstructionT")
MotorT_contra = TypeVar("MotorT_contra", bound=EmulatedMotor, contravariant=True)


class DeviceProtocol(Protocol, Generic[InstructionT, MotorT_contra]):
    """A family's protocol at the motors' end of one line: a streaming decoder, and what instructions do."""

    half_duplex: bool
    """Whether client and motors share one wire, so that the client's bytes cut off a reply."""
    paced: bool
    """Whether bytes take the time of the client's baud rate; a USB adapter's do not."""

    @property
    def unstuffed(self) -> int:
        """Instructions that were not escaped as the protocol asks and were carried out all the same."""
        ...

    @property
    def damaged(self) -> int:
        """Instructions that came cut off or with a wrong checksum."""
        ...

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Cut what a client sent at once where instructions may begin, so that each gets its own time of arrival."""
        ...

    def feed(self, data: bytes) -> Sequence[InstructionT]:
        """Take bytes; return the instructions that they complete."""
        ...

    def reset(self) -> None:
        """Forget an instruction that has begun."""
        ...

    def replies_to(self, instruction: InstructionT, motors: Sequence[MotorT_contra], now_ns: int) -> list[Reply]:
        """Let the motors that heard an instruction carry it out; return their replies, in order."""
        ...
