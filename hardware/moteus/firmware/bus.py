"""An emulated fdcanusb adapter and its controllers: lines in, lines out, CAN-FD in between.

The adapter acknowledges each frame with `OK` and forwards the controllers' replies. Checksums work as on a controller's
own UART: lines without one are accepted until the first line with a correct one; from then on every line in both
directions has one, until the client closes the port. Errors have the controller's texts (uart_fdcanusb_micro_server.h).
"""

from collections.abc import Iterator, Sequence

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.firmware.device_protocol import Reply
from sim2real.hardware.moteus.firmware.controller import MoteusMotor
from sim2real.hardware.moteus.firmware.server import Server
from sim2real.hardware.moteus.lines import (
    BROADCAST,
    CanFrame,
    ChecksumError,
    LineBuffer,
    decode_send,
    encode_answer,
    encode_received,
    pad,
    strip_checksum,
)

_ARBITRATION_NS = 1_000  # one bit at 1 Mbit/s, moteus documentation, CAN-FD
_DATA_NS = 200  # one bit at 5 Mbit/s
_ARBITRATION_BITS = 30 + 12  # extended id before the rate switches, acknowledge and end of frame after it
_DATA_BITS = 8 + 21 + 5  # control, CRC and its stuff bits of a long frame
_STUFFING = 1.1  # stuff bits in data that are not all zeros: an estimate
_TURNAROUND_NS = 50_000
"""Time from the end of a frame to the start of its reply; an assumption, the documentation gives no figure."""

_BAUDRATE = 1  # a USB adapter has none


class MoteusProtocol:
    """The adapter; implements `DeviceProtocol`. An instruction is a line."""

    half_duplex = False
    paced = False

    def __init__(self) -> None:
        self.unstuffed = 0
        self._lines = LineBuffer()
        self._servers: dict[MoteusMotor, Server] = {}
        self._checked = False
        self._wrong = 0
        self._free_ns = 0

    @property
    def damaged(self) -> int:
        """Number of lines that were too long or had a wrong checksum."""
        return self._lines.overlong + self._wrong

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Split after each line."""
        yield from data.splitlines(keepends=True)

    def feed(self, data: bytes) -> list[bytes]:
        """Feed received bytes; return the lines they complete."""
        return self._lines.feed(data)

    def reset(self) -> None:
        """Discard an incomplete line, and the client's use of checksums."""
        self._lines.reset()
        self._checked = False

    def replies_to(self, instruction: bytes, motors: Sequence[MoteusMotor], now_ns: int) -> list[Reply]:
        """Execute a line's frame on the controllers that receive it; return the adapter's lines."""
        try:
            content, checked = strip_checksum(instruction)
            if self._checked and not checked:
                raise ChecksumError("checksum")
            self._checked = checked
            frame = decode_send(content)
        except ProtocolError as error:
            self._wrong += isinstance(error, ChecksumError)
            return [self._reply(f"ERR {error}")]
        if frame is None:
            return [self._reply("ERR unknown command")]
        return self._send_on_can(frame, motors, now_ns)

    def _send_on_can(self, frame: CanFrame, motors: Sequence[MoteusMotor], now_ns: int) -> list[Reply]:
        """Send a frame on CAN and collect the replies, one after the other."""
        begin_ns = max(now_ns, self._free_ns)
        self._free_ns = begin_ns + _can_ns(len(frame.data))
        replies = [self._reply("OK", self._free_ns - now_ns)]
        for motor in motors:
            if frame.prefix or frame.destination not in (motor.id, BROADCAST):
                continue
            data = self._server(motor).execute(frame.data, now_ns, frame.reply_wanted)
            if data is not None and frame.reply_wanted:
                taken_ns = _TURNAROUND_NS + _can_ns(len(pad(data)))
                self._free_ns += taken_ns
                line = encode_received(motor.id << 8 | frame.source, data, self._checked)
                replies.append(Reply(taken_ns, _BAUDRATE, line))
            motor.commit()
        return replies

    def _server(self, motor: MoteusMotor) -> Server:
        server = self._servers.get(motor)
        if server is None:
            unit = sum(other.id == motor.id for other in self._servers)
            server = self._servers[motor] = Server(motor, unit)
        return server

    def _reply(self, text: str, delay_ns: int = 0) -> Reply:
        return Reply(delay_ns, _BAUDRATE, encode_answer(text, self._checked))


def _can_ns(size: int) -> int:
    """Return the time of a frame with `size` data bytes on the CAN bus, ns."""
    return _ARBITRATION_BITS * _ARBITRATION_NS + round((8 * size * _STUFFING + _DATA_BITS) * _DATA_NS)
