"""One request to one STS motor and its reply, with bounded waits and retries: for set-up and bench work, not ticks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hardware.clock import Clock, ns_from_s
from hardware.errors import HardwareError
from hardware.feetech.frame import BROADCAST, FRAME_BYTES_MAX, ID_MAX, Decoder, Instruction, Packet, encode
from hardware.transport import Transport
from hardware.types import BusCounters

TRIES = 5
"""A frame lost to noise is asked for again. Where one in five is lost, all five are lost once in 3000 times."""

MARGIN_S = 0.025
"""Wait beyond the time on the wire: 16 ms latency timer of an FTDI adapter as shipped, EEPROM writes, scheduling."""

_BITS_PER_BYTE = 10  # 8N1
_STATUS_BYTES = 6
_READS_MAX = 4096  # of one wait: a line that never falls silent must not hold the caller
_IDENTITY_BYTES = 5
_BROADCAST_PING_S_PER_ID = 0.003  # motors answer one after the other; LeRobot waits as long


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a motor is: registers 0 to 4."""

    id: int
    model_number: int
    firmware: tuple[int, int]


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
        self._buffer = memoryview(bytearray(2 * FRAME_BYTES_MAX))

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line. Raises PortLostError."""
        self.transport.set_baudrate(baudrate)
        self.baudrate = baudrate

    def identify(self, motor: int, tries: int = TRIES) -> Identity | None:
        """Return who answers with this id, None if nobody does. Raises PortLostError."""
        reply = self.request(motor, Instruction.READ, bytes((0, _IDENTITY_BYTES)), _IDENTITY_BYTES, tries)
        if reply is None:
            return None
        major, minor, _, low, high = reply.parameters
        return Identity(motor, low | high << 8, (major, minor))

    def ping_all(self) -> list[int]:
        """Return the ids of all who answer a broadcast ping. Takes 0.8 s and more. Raises PortLostError."""
        wait_s = (ID_MAX + 1) * (_BROADCAST_PING_S_PER_ID + _STATUS_BYTES * _BITS_PER_BYTE / self.baudrate)
        self.transport.drain()
        self._decoder.reset()
        self.transport.write(encode(BROADCAST, Instruction.PING))
        found: set[int] = set()
        for data in self._arriving(self.clock.now_ns() + ns_from_s(wait_s)):
            found.update(packet.id for packet in self._decoder.feed(data) if not packet.parameters)
        return sorted(found - {BROADCAST})

    def read(self, motor: int, address: int, size: int) -> bytes:
        """Return the bytes of a block of the table.

        Raises:
            HardwareError: No reply.
            PortLostError: The port vanished.
        """
        reply = self.request(motor, Instruction.READ, bytes((address, size)), size)
        if reply is None:
            raise HardwareError(f"motor {motor} does not answer (reading {size} bytes at {address})")
        return reply.parameters

    def write(self, motor: int, address: int, data: bytes) -> bool:
        """Write a block of the table; return whether the motor answered, which says nothing about what it did.

        Raises:
            PortLostError: The port vanished.
        """
        return self.request(motor, Instruction.WRITE, bytes((address,)) + data, reply_bytes=0) is not None

    def request(
        self, motor: int, instruction: int, parameters: bytes, reply_bytes: int, tries: int = TRIES
    ) -> Packet | None:
        """Send an instruction and return the status packet, None if none came.

        Args:
            motor: Id.
            instruction: Instruction byte.
            parameters: What goes with it.
            reply_bytes: Parameters of the reply; a packet of another length is a late one.
            tries: How often to send it.

        Raises:
            PortLostError: The port vanished.
        """
        frame = encode(motor, instruction, parameters)
        asked = Packet(motor, instruction, parameters)  # some adapters send it back
        echo = None if instruction == Instruction.PING else asked  # its echo looks like the reply with a voltage alarm
        wire_s = (len(frame) + 2 * (_STATUS_BYTES + reply_bytes)) * _BITS_PER_BYTE / self.baudrate
        for _ in range(tries):
            self.transport.drain()
            self._decoder.reset()
            self.transport.write(frame)
            deadline_ns = self.clock.now_ns() + ns_from_s(wire_s + self.margin_s)
            reply = self._receive(motor, reply_bytes, echo, deadline_ns)
            if reply is not None:
                return reply
        return None

    def send(self, frame: bytes) -> None:
        """Send a frame that nobody answers. Raises PortLostError."""
        self.transport.write(frame)

    def _receive(self, motor: int, reply_bytes: int, echo: Packet | None, deadline_ns: int) -> Packet | None:
        corrupt = self._decoder.corrupt
        found: Packet | None = None
        for data in self._arriving(deadline_ns):
            for packet in self._decoder.feed(data):
                if packet == echo:
                    echo = None
                elif found is None and packet.id == motor and len(packet.parameters) == reply_bytes:
                    found = packet
                else:
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
