"""Requests to single STS motors."""

from dataclasses import dataclass
from math import inf

from sim2real.hardware.bus.request_line import BITS_PER_BYTE, TRIES, RequestLine
from sim2real.hardware.bus.shared_id import GARBLED_TRIES, answers_alone, several_answered
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.frame import BROADCAST, ID_MAX, Decoder, Instruction, Packet, encode

_IDENTITY_BYTES = 5
_BROADCAST_PING_S_PER_ID = 0.003  # motors answer one after the other; LeRobot waits for the same time

NOBODY = 253  # the highest id; hardly anybody uses it
_PROOF_BLOCKS = ((56, 8), (56, 15), (60, 4))
"""Blocks with Present Position (56), load, voltage and temperature: address and size. Eight-bit checksums differ."""

_PROBE_ADDRESS, _PROBE_SIZES = 0, (33, 35, 37, 39)
"""Longer than any block of a tick: a late reply to a probe must not be taken for a state, either."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a motor, from registers 0 to 4."""

    id: int
    model_number: int
    firmware: tuple[int, int]


class Client(RequestLine[Packet]):
    """Requests to single motors on one bus."""

    STATUS_BYTES = 6

    def identify(self, motor: int, tries: int = TRIES) -> Identity | None:
        """Return the identity of the motor with this id; None if none answers. Raises PortLostError."""
        reply = self.request(motor, Instruction.READ, bytes((0, _IDENTITY_BYTES)), _IDENTITY_BYTES, tries)
        if reply is None:
            return None
        major, minor, _, low, high = reply.parameters
        return Identity(motor, low | high << 8, (major, minor))

    def ping_all(self, limit_s: float = inf) -> list[int]:
        """Return the ids of all motors that answer a broadcast ping, after 0.8 s or the limit. Raises PortLostError."""
        wait_s = (ID_MAX + 1) * (_BROADCAST_PING_S_PER_ID + self.STATUS_BYTES * BITS_PER_BYTE / self.baudrate)
        found: set[int] = set()
        wait_s = min(wait_s, limit_s)
        damaged = self._decoder.corrupt, self._decoder.discarded
        for packets in self._received(encode(BROADCAST, Instruction.PING), wait_s):
            found.update(packet.id for packet in packets if not packet.parameters)
        self.garbled = int((self._decoder.corrupt, self._decoder.discarded) != damaged)
        return sorted(found - {BROADCAST})

    def read(self, motor: int, address: int, size: int) -> bytes:
        """Return the bytes of a block of the memory table.

        Raises:
            HardwareError: No reply.
            PortLostError: The port vanished.
        """
        reply = self.request(motor, Instruction.READ, bytes((address, size)), size)
        if reply is None:
            raise HardwareError(f"motor {motor} does not answer (reading {size} bytes at {address})")
        return reply.parameters

    def write(self, motor: int, address: int, data: bytes) -> bool:
        """Write a block of the memory table; return whether the motor replied. A reply does not confirm the write.

        Raises:
            PortLostError: The port vanished.
        """
        return self.request(motor, Instruction.WRITE, bytes((address,)) + data, reply_bytes=0) is not None

    def several(self) -> bool:
        """Return whether the damaged bytes after the last request come from several motors. Raises PortLostError."""
        return several_answered(
            self, lambda: self.request(NOBODY, Instruction.PING, b"", reply_bytes=0, tries=GARBLED_TRIES)
        )

    def alone(self, motor: int) -> bool:
        """Return whether one motor alone answers to an id, for a motor that answers pings. Raises PortLostError.

        Two motors that share an id answer at once. Their readings differ, so no two replies arrive intact.
        """

        def intact(number: int) -> bool:
            address, size = _PROOF_BLOCKS[number % len(_PROOF_BLOCKS)]
            return self.request(motor, Instruction.READ, bytes((address, size)), size, tries=1) is not None

        return answers_alone(intact)

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id, not even damaged. Raises PortLostError."""
        return self.request(motor, Instruction.PING, b"", reply_bytes=0) is None and not self.garbled

    def request(
        self, motor: int, instruction: int, parameters: bytes, reply_bytes: int, tries: int = TRIES
    ) -> Packet | None:
        """Send an instruction; return the status packet, None if none arrived.

        Args:
            motor: Id.
            instruction: Instruction byte.
            parameters: Parameters of the instruction.
            reply_bytes: Size of the reply's parameters, bytes. A packet of another size is a late reply.
            tries: Largest number of attempts.

        Raises:
            PortLostError: The port vanished.
        """
        frame = encode(motor, instruction, parameters)
        sent = Packet(motor, instruction, parameters)  # some adapters echo it
        echo = None if instruction == Instruction.PING else sent  # the echo of a ping looks like a reply with an alarm
        for _ in range(tries):
            if instruction == Instruction.READ and not self._caught_up(motor, tries):
                continue
            reply = self._request(
                frame,
                reply_bytes,
                lambda packet: packet.id == motor and len(packet.parameters) == reply_bytes,
                echo,
            )
            self._note(motor, reply is not None)
            if reply is not None:
                return reply
        return None

    def _probe(self, motor: int, number: int) -> bool:
        size = _PROBE_SIZES[number % len(_PROBE_SIZES)]
        frame = encode(motor, Instruction.READ, bytes((_PROBE_ADDRESS, size)))
        is_reply = self._request(frame, size, lambda packet: packet.id == motor and len(packet.parameters) == size)
        return is_reply is not None

    def _make_decoder(self) -> Decoder:
        return Decoder()
