"""Requests on one bus, each with a sequence number that the replies repeat."""

from acme_motors.frame import REPLY, Decoder, Operation, Packet, encode
from acme_motors.registers import STATE, Register, State, pack, unpack
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import BusCounters

TRIES = 6
_MARGIN_S = 0.004
_READS_MAX = 256


class Client:
    def __init__(self, transport: Transport, clock: Clock, baudrate: int, counters: BusCounters) -> None:
        self.transport, self.clock, self.baudrate, self.counters = transport, clock, baudrate, counters
        self._decoder = Decoder()
        self._buffer = memoryview(bytearray(4096))
        self._number = self._deadline_ns = 0
        self.between: Between = nothing

    def set_baudrate(self, baudrate: int) -> None:
        self.transport.set_baudrate(baudrate)
        self.baudrate = baudrate

    def ask(self, motor: int, operation: int, payload: bytes, answers: int, size: int) -> dict[int, Packet]:
        """Send a request; return the replies by motor. Missing replies are counted."""
        self.between()
        self.send(motor, operation, payload, answers, size)
        return self.replies(operation, answers, size)

    def send(self, motor: int, operation: int, payload: bytes, answers: int, size: int) -> None:
        self._number = (self._number + 1) % 256
        frame = encode(Packet(motor, operation, self._number, payload))
        self.transport.drain()
        self._decoder.reset()
        wire_s = (len(frame) + answers * (8 + size)) * 10 / self.baudrate
        self._deadline_ns = self.clock.now_ns() + ns_from_s(wire_s + _MARGIN_S)
        self.transport.write(frame)

    def replies(self, operation: int, answers: int, size: int) -> dict[int, Packet]:
        corrupt, deadline_ns = self._decoder.corrupt, self._deadline_ns
        found: dict[int, Packet] = {}
        for _ in range(_READS_MAX):
            count = self.transport.read_into(self._buffer, deadline_ns)
            for packet in self._decoder.feed(self._buffer[:count]):
                mine = packet.operation == operation | REPLY and packet.number == self._number
                if mine and packet.id not in found and len(packet.payload) == size:
                    found[packet.id] = packet
                elif packet.operation & REPLY:
                    self.counters.unexpected += 1
            if count == 0 or len(found) == answers:
                break
        self.counters.corrupt += self._decoder.corrupt - corrupt
        self.counters.timeouts += answers - len(found)
        return found

    def several(self) -> bool:
        """Tell that replies of two motors with one id cannot be told from noise on this line."""
        return False

    def ping(self, motor: int, tries: int = TRIES, /) -> int | None:
        """Return the model number of the motor with this id; None if none answers."""
        for _ in range(tries):
            for packet in self.ask(motor, Operation.PING, b"", 1, 2).values():
                return int.from_bytes(packet.payload, "little")
        return None

    def flags(self, motor: int) -> int:
        for _ in range(TRIES):
            for packet in self.ask(motor, Operation.STATE, bytes((motor,)), 1, STATE.size).values():
                return State.of(packet.payload).flags
        raise HardwareError(f"motor {motor} does not answer")

    def restart(self, motor: int) -> None:
        self.transport.write(encode(Packet(motor, Operation.REBOOT, 0, b"")))
        deadline_ns = self.clock.now_ns() + ns_from_s(1.0)
        while self.ping(motor, 1) is None:
            if self.clock.now_ns() >= deadline_ns:
                raise HardwareError(f"motor {motor} does not answer after its restart")

    def get(self, motor: int, register: Register) -> float:
        for _ in range(TRIES):
            for packet in self.ask(motor, Operation.GET, bytes((register,)), 1, 5).values():
                return unpack(packet.payload)
        raise HardwareError(f"motor {motor} does not answer")

    def set(self, motor: int, register: Register, value: float) -> None:
        for _ in range(TRIES):
            if self.ask(motor, Operation.SET, pack(register, value), 1, 5):
                return
        raise HardwareError(f"motor {motor} does not answer")
