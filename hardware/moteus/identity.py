"""Identity of a controller: its model and firmware."""

from dataclasses import dataclass

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.errors import HardwareError, ProtocolError
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, subframes
from sim2real.hardware.moteus.schema import registers_of

_MODEL, _FIRMWARE = 0x100, 0x101

IDENTITY = encode_head(Kind.READ, _MODEL, 2, Resolution.INT32)
"""Query for model number and firmware version."""

_SERIAL_NUMBER, _WORDS = 0x120, 3

SERIAL_NUMBER = encode_head(Kind.READ, _SERIAL_NUMBER, _WORDS, Resolution.INT32)
"""Query for the serial number."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Model number and firmware version of a controller."""

    model_number: int
    firmware: int

    @property
    def firmware_text(self) -> str:
        """Firmware version as text: 0x010304 is 1.3.4."""
        return f"{self.firmware >> 16 & 0xFF}.{self.firmware >> 8 & 0xFF}.{self.firmware & 0xFF}"

    def check(self, joint: JointConfig, name: str) -> None:
        """Raise HardwareError if the controller is not the configured model."""
        expected = registers_of(joint.motor).model_number
        if expected is not None and self.model_number != expected:
            raise HardwareError(
                f"{name}: found model {self.model_number:#x}, but {joint.motor.name} is configured, model {expected:#x}"
            )


def decode_identity(data: bytes) -> Identity:
    """Decode a reply to `IDENTITY`. Raises HardwareError if it is invalid or incomplete."""
    values = _words(data)
    if _MODEL not in values or _FIRMWARE not in values:
        raise HardwareError("moteus reply without model and firmware")
    return Identity(values[_MODEL], values[_FIRMWARE])


def decode_serial_number(data: bytes) -> str:
    """Decode a reply to `SERIAL_NUMBER`, as hexadecimal text. Raises HardwareError if it is invalid or incomplete."""
    values = _words(data)
    words = [values.get(_SERIAL_NUMBER + word) for word in range(_WORDS)]
    if None in words:
        raise HardwareError("moteus reply without serial number")
    return "".join(f"{(word or 0) & 0xFFFFFFFF:08x}" for word in words)


def _words(data: bytes) -> dict[int, int]:
    """Return the 32-bit registers in a reply, by address. Raises HardwareError if it is invalid."""
    values: dict[int, int] = {}
    try:
        for subframe in subframes(data):
            if subframe.kind == Kind.REPLY and subframe.resolution == Resolution.INT32:
                values[subframe.register] = int(subframe.value)
    except ProtocolError as error:
        raise HardwareError(f"invalid moteus reply: {error}") from error
    return values
