"""One request to one motor and its reply, with bounded waits and retries: for set-up and bench work, not the tick."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hardware.clock import Clock, ns_from_s
from hardware.dynamixel.frame import (
    ALERT,
    BROADCAST,
    FRAME_BYTES_MAX,
    ID_MAX,
    Decoder,
    Instruction,
    Packet,
    StatusError,
    encode,
)
from hardware.errors import HardwareError
from hardware.transport import Transport
from hardware.types import BusCounters

TRIES = 5
"""A frame lost to noise is asked for again. Where one in five is lost, all five are lost once in 3000 times."""

MARGIN_S = 0.025
"""Wait beyond the time on the wire: 16 ms latency timer of an FTDI adapter as shipped, EEPROM writes, scheduling."""

_BITS_PER_BYTE = 10  # 8N1
_STATUS_BYTES = 11
# Motors answer a broadcast ping one after the other, by id; dynamixel-sdk waits as long.
_BROADCAST_PING_S_PER_ID = 0.003
_READS_MAX = 4096  # of one wait: a line that never falls silent must not hold the caller


@dataclass(frozen=True, slots=True)
class Identity:
    """What a motor answers to a ping."""

    id: int
    model_number: int
    firmware: int


@dataclass
class Exchange:
    """Requests to single motors on one bus."""

    transport: Transport
    clock: Clock
    baudrate: int
    counters: BusCounters = field(default_factory=BusCounters)
    margin_s: float = MARGIN_S

    def __post_init__(self) -> None:
        self._decoder = Decoder()
        self._buffer = memoryview(bytearray(FRAME_BYTES_MAX))

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line. Raises PortLostError."""
        self.transport.set_baudrate(baudrate)
        self.baudrate = baudrate

    def ping(self, motor: int, tries: int = TRIES) -> Identity | None:
        """Return who answers with this id, None if nobody does. Raises PortLostError."""
        reply = self.request(motor, Instruction.PING, b"", reply_bytes=3, tries=tries)
        return None if reply is None else _identity(reply)

    def ping_all(self) -> list[Identity]:
        """Return everybody who answers a broadcast ping, by id. Takes 0.8 s and more. Raises PortLostError."""
        wait_s = (ID_MAX + 1) * (_BROADCAST_PING_S_PER_ID + 14 * _BITS_PER_BYTE / self.baudrate)
        self._send(encode(BROADCAST, Instruction.PING))
        deadline_ns = self.clock.now_ns() + ns_from_s(wait_s)
        found: dict[int, Identity] = {}
        for data in self._arriving(deadline_ns):
            for packet in self._decoder.feed(data):
                if packet.error is not None and len(packet.parameters) == 3:
                    found[packet.id] = _identity(packet)
        return [found[motor] for motor in sorted(found)]

    def read(self, motor: int, address: int, size: int) -> bytes:
        """Return the bytes of a block of the control table.

        Raises:
            HardwareError: No reply, or the motor refused.
            PortLostError: The port vanished.
        """
        parameters = address.to_bytes(2, "little") + size.to_bytes(2, "little")
        reply = self.request(motor, Instruction.READ, parameters, reply_bytes=size)
        return self._accepted(reply, motor, f"reading {size} bytes at {address}").parameters

    def write(self, motor: int, address: int, data: bytes) -> None:
        """Write a block of the control table and wait for the motor's word that it did.

        Raises:
            HardwareError: No reply, or the motor refused.
            PortLostError: The port vanished.
        """
        reply = self.request(motor, Instruction.WRITE, address.to_bytes(2, "little") + data, reply_bytes=0)
        self._accepted(reply, motor, f"writing {data.hex(' ')} at {address}")

    def request(
        self, motor: int, instruction: int, parameters: bytes, reply_bytes: int, tries: int = TRIES
    ) -> Packet | None:
        """Send an instruction and return the status packet, None if none came; one that arrived damaged is repeated.

        Args:
            motor: Id.
            instruction: Instruction byte.
            parameters: What goes with it.
            reply_bytes: Parameters of the reply; a packet of another length is a late one, unless it reports an error.
            tries: How often to send it.

        Raises:
            PortLostError: The port vanished.
        """
        frame = encode(motor, instruction, parameters)
        wire_s = (len(frame) + 2 * (_STATUS_BYTES + reply_bytes)) * _BITS_PER_BYTE / self.baudrate
        for _ in range(tries):
            self._send(frame)
            reply = self._receive(motor, reply_bytes, self.clock.now_ns() + ns_from_s(wire_s + self.margin_s))
            if reply is not None and (reply.error or 0) & ~ALERT != StatusError.CRC:
                return reply
        return None

    def send(self, frame: bytes) -> None:
        """Send a frame that nobody answers. Raises PortLostError."""
        self.transport.write(frame)

    def _send(self, frame: bytes) -> None:
        self.transport.drain()
        self._decoder.reset()
        self.transport.write(frame)

    def _receive(self, motor: int, reply_bytes: int, deadline_ns: int) -> Packet | None:
        corrupt = self._decoder.corrupt
        found: Packet | None = None
        for data in self._arriving(deadline_ns):
            for packet in self._decoder.feed(data):
                if found is None and _answers(packet, motor, reply_bytes):
                    found = packet
                elif packet.error is not None:  # not the echo of the request that some adapters send back
                    self.counters.unexpected += 1
            if found is not None:
                break
        self.counters.corrupt += self._decoder.corrupt - corrupt
        if found is None:
            self.counters.timeouts += 1
        return found

    def _arriving(self, deadline_ns: int) -> Iterator[memoryview]:
        """Yield what arrives until the deadline."""
        for _ in range(_READS_MAX):
            count = self.transport.read_into(self._buffer, deadline_ns)
            if count == 0:
                return
            yield self._buffer[:count]
            if self.clock.now_ns() >= deadline_ns:
                return

    def _accepted(self, reply: Packet | None, motor: int, doing: str) -> Packet:
        if reply is None:
            raise HardwareError(f"motor {motor} does not answer ({doing})")
        error = (reply.error or 0) & ~ALERT
        if error:
            raise HardwareError(f"motor {motor} refused: {error_name(error)} error ({doing})")
        return reply


def error_name(error: int) -> str:
    """Return the name of a status error, its number if it has none."""
    try:
        return StatusError(error).name.lower().replace("_", " ")
    except ValueError:
        return str(error)


def _answers(packet: Packet, motor: int, reply_bytes: int) -> bool:
    if packet.error is None or packet.id != motor:
        return False
    refused = bool(packet.error & ~ALERT)
    return len(packet.parameters) == reply_bytes or (refused and not packet.parameters)


def _identity(packet: Packet) -> Identity:
    return Identity(packet.id, int.from_bytes(packet.parameters[:2], "little"), packet.parameters[2])
