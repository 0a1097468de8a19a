"""The lines of an fdcanusb adapter: encodes and decodes them, with and without checksums; pure.

Host to adapter `can send ID HEX FLAGS`, adapter to host `rcv ID HEX FLAGS`, `OK` and `ERR REASON`. A line may end in a
space and `*CC`, where CC is the CRC-8 of everything before the star. Source: moteus documentation, integration over
UART, and the fdcanusb README.
"""

from binascii import Error as HexError
from binascii import unhexlify
from dataclasses import dataclass

from sim2real.hardware.errors import ProtocolError

LINE_BYTES_MAX = 256
"""Longest line: size of the controller's line buffer (uart_fdcanusb_micro_server.h). 64 data bytes need 156."""

DATA_BYTES_MAX = 64
"""Payload of the largest CAN-FD frame."""

BROADCAST = 0x7F
REPLY_WANTED = 0x80
"""Bit of the source that requests a reply."""

CRLF = b"\r\n"
"""Line end of an adapter."""

_POLYNOMIAL = 0x97
_SIZES: tuple[int, ...] = (*range(9), 12, 16, 20, 24, 32, 48, 64)  # ISO 11898-1: payload sizes of CAN-FD frames
_PADDING = b"\x50"  # a NOP subframe
_SEND, _RECEIVED = b"can send ", b"rcv "
_ID_DIGITS_MAX = 8
_CHECKSUM_BYTES = 3  # "*CC"


class ChecksumError(ProtocolError):
    """A line with a wrong checksum."""


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1) ^ (_POLYNOMIAL if byte & 0x80 else 0)
    return byte & 0xFF


_CRC = bytes(_remainder(byte) for byte in range(256))


def crc8(data: bytes | memoryview) -> int:
    """Return the CRC-8 of a line up to its star: polynomial 0x97, start 0, not reflected."""
    crc = 0
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc


@dataclass(frozen=True, slots=True)
class CanFrame:
    """One CAN-FD frame. Its id is source << 8 | destination; the driver uses source 0."""

    can_id: int
    data: bytes

    @property
    def source(self) -> int:
        """Source, 0 to 127."""
        return self.can_id >> 8 & 0x7F

    @property
    def destination(self) -> int:
        """Destination, 0 to 127; 127 is broadcast."""
        return self.can_id & 0x7F

    @property
    def prefix(self) -> int:
        """The 13 bits above; controllers answer to one prefix, by default 0."""
        return self.can_id >> 16

    @property
    def reply_wanted(self) -> bool:
        """Whether the sender requests a reply."""
        return bool(self.can_id >> 8 & REPLY_WANTED)


@dataclass(frozen=True, slots=True)
class Line:
    """One line from an adapter."""

    frame: CanFrame | None
    """Frame received on CAN; None for `OK` and `ERR`."""
    error: str | None = None
    """Reason of an `ERR`."""
    checked: bool = False
    """Whether it had a checksum."""


def pad(data: bytes) -> bytes:
    """Pad to the next CAN-FD payload size. Raises ProtocolError above 64 bytes."""
    size = next((size for size in _SIZES if size >= len(data)), None)
    if size is None:
        raise ProtocolError(f"{len(data)} bytes do not fit in a CAN-FD frame of {DATA_BYTES_MAX}")
    return data + _PADDING * (size - len(data))


def seal(text: bytes, checksum: bool, end: bytes = b"\n") -> bytes:
    """Add the line end, and the checksum if wanted."""
    if checksum:
        text += b" "
        text += f"*{crc8(text):02X}".encode()
    return text + end


def encode_send(can_id: int, data: bytes, checksum: bool) -> bytes:
    """Return the line that makes the adapter send a frame; data is padded. Raises ProtocolError above 64 bytes."""
    return seal(f"can send {can_id:04x} {pad(data).hex().upper()} BF".encode(), checksum)


def encode_received(can_id: int, data: bytes, checksum: bool) -> bytes:
    """Return the adapter's line for a received frame; data is padded. Raises ProtocolError above 64 bytes."""
    return seal(f"rcv {can_id:X} {pad(data).hex().upper()} E B F".encode(), checksum, CRLF)


def encode_answer(text: str, checksum: bool) -> bytes:
    """Return a line from the adapter itself, such as `OK`."""
    return seal(text.encode("ascii"), checksum, CRLF)


def strip_checksum(line: bytes) -> tuple[bytes, bool]:
    """Return a line without its checksum, and whether it had one. Raises ChecksumError if it is wrong."""
    if line[-_CHECKSUM_BYTES : -_CHECKSUM_BYTES + 1] != b"*":
        return line, False
    content = line[:-_CHECKSUM_BYTES]
    try:
        claimed = unhexlify(line[-_CHECKSUM_BYTES + 1 :])
    except HexError:
        return line, False  # as in the controller: a star without hex digits is text
    if claimed[0] != crc8(content):
        raise ChecksumError("checksum")
    return content.rstrip(b" "), True


def decode_send(content: bytes) -> CanFrame | None:
    """Return the frame of a `can send` line without its checksum; None for another command.

    Raises:
        ProtocolError: The line is invalid; the message is the controller's.
    """
    if not content.startswith(_SEND):
        return None
    return _frame(content[len(_SEND) :])


def decode_line(line: bytes) -> Line:
    """Decode a line from an adapter.

    Raises:
        ProtocolError: Wrong checksum, or not a line of an adapter.
    """
    content, checked = strip_checksum(line)
    if content.startswith(_RECEIVED):
        return Line(_frame(content[len(_RECEIVED) :]), checked=checked)
    if content == b"OK":
        return Line(None, checked=checked)
    if content.startswith(b"ERR"):
        return Line(None, content[len(b"ERR") :].strip().decode("ascii", "replace"), checked)
    raise ProtocolError("not a line of an adapter")


class LineBuffer:
    """Splits received bytes into lines. Holds at most one line; resynchronises at the next line end.

    Attributes:
        overlong: Number of lines that were discarded because they were too long.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self.overlong = 0

    @property
    def pending(self) -> int:
        """Number of buffered bytes of an incomplete line."""
        return len(self._rest)

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Feed received bytes; return the non-empty lines they complete, without line ends."""
        *complete, self._rest = (self._rest + bytes(data)).replace(b"\r", b"\n").split(b"\n")
        if self._skipping and complete:
            del complete[0]
            self._skipping = False
        lines = [line for line in complete if line and len(line) <= LINE_BYTES_MAX]
        self.overlong += sum(len(line) > LINE_BYTES_MAX for line in complete)
        if len(self._rest) > LINE_BYTES_MAX:
            self.overlong += not self._skipping
            self._skipping = True
        if self._skipping:
            self._rest = b""
        return lines

    def reset(self) -> None:
        """Discard an incomplete line."""
        self._rest = b""
        self._skipping = False


def _frame(text: bytes) -> CanFrame:
    """Parse `ID HEX FLAGS`."""
    number, _, rest = text.partition(b" ")
    digits = rest.partition(b" ")[0]
    if not 1 <= len(number) <= _ID_DIGITS_MAX:
        raise ProtocolError("invalid hex in id")
    try:
        can_id = int.from_bytes(unhexlify(number.rjust(_ID_DIGITS_MAX, b"0")), "big")
    except HexError as error:
        raise ProtocolError("invalid hex in id") from error
    if not rest:
        raise ProtocolError("missing data")
    try:
        data = unhexlify(digits)
    except HexError as error:
        raise ProtocolError("malformed data") from error
    if len(data) > DATA_BYTES_MAX:
        raise ProtocolError("malformed data")
    return CanFrame(can_id, data)
