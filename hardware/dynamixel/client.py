"""Requests to single Dynamixel motors."""

from dataclasses import dataclass
from math import inf

from sim2real.hardware.bus.request_line import BITS_PER_BYTE, TRIES, RequestLine
from sim2real.hardware.bus.shared_id import GARBLED_TRIES, answers_alone, several_answered
from sim2real.hardware.dynamixel.frame import (
    ALERT,
    BROADCAST,
    ID_MAX,
    Decoder,
    Instruction,
    Packet,
    StatusError,
    encode,
)
from sim2real.hardware.errors import HardwareError

# Motors answer a broadcast ping one after the other, by id; dynamixel-sdk waits for the same time.
_BROADCAST_PING_S_PER_ID = 0.003

NOBODY = 253  # no Dynamixel can have this id
_PROOF_BLOCKS = ((120, 15), (132, 15), (120, 27))
"""Blocks with Realtime Tick (120) or Present Position (132), and voltage and temperature: address and size."""

_PROBE_ADDRESS, _PROBE_SIZES = 0, (33, 35, 37, 39)
"""Longer than any block of a tick: a late reply to a probe must not be taken for a state, either."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The reply of a motor to a ping."""

    id: int
    model_number: int
    firmware: int


class Client(RequestLine[Packet]):
    """Requests to single motors on one bus."""

    STATUS_BYTES = 11

    def ping(self, motor: int, tries: int = TRIES) -> Identity | None:
        """Return the identity of the motor with this id; None if none answers. Raises PortLostError."""
        reply = self.request(motor, Instruction.PING, b"", reply_bytes=3, tries=tries)
        return None if reply is None else _identity(reply)

    def ping_all(self, limit_s: float = inf) -> list[Identity]:
        """Return the identities of all motors that answer a broadcast ping, by id, after 0.8 s or the limit."""
        wait_s = (ID_MAX + 1) * (_BROADCAST_PING_S_PER_ID + 14 * BITS_PER_BYTE / self.baudrate)
        found: dict[int, Identity] = {}
        wait_s = min(wait_s, limit_s)
        damaged = self._decoder.corrupt, self._decoder.discarded
        for packets in self._received(encode(BROADCAST, Instruction.PING), wait_s):
            for packet in packets:
                if packet.error is not None and len(packet.parameters) == 3:
                    found[packet.id] = _identity(packet)
        self.garbled = int((self._decoder.corrupt, self._decoder.discarded) != damaged)
        return [found[motor] for motor in sorted(found)]

    def read(self, motor: int, address: int, size: int) -> bytes:
        """Return the bytes of a block of the control table.

        Raises:
            HardwareError: No reply, or the motor refused.
            PortLostError: The port vanished.
        """
        parameters = address.to_bytes(2, "little") + size.to_bytes(2, "little")
        reply = self.request(motor, Instruction.READ, parameters, reply_bytes=size)
        return self._checked(reply, motor, f"reading {size} bytes at {address}").parameters

    def write(self, motor: int, address: int, data: bytes) -> None:
        """Write a block of the control table and wait for the motor's confirmation.

        Raises:
            HardwareError: No reply, or the motor refused.
            PortLostError: The port vanished.
        """
        reply = self.request(motor, Instruction.WRITE, address.to_bytes(2, "little") + data, reply_bytes=0)
        self._checked(reply, motor, f"writing {data.hex(' ')} at {address}")

    def write_once(self, motor: int, address: int, data: bytes) -> None:
        """Write a block once, for memory that wears out. A lost reply says nothing: the block must be read back.

        Raises:
            HardwareError: The motor refused.
            PortLostError: The port vanished.
        """
        reply = self.request(motor, Instruction.WRITE, address.to_bytes(2, "little") + data, reply_bytes=0, tries=1)
        if reply is not None:
            self._checked(reply, motor, f"writing {data.hex(' ')} at {address}")

    def several(self) -> bool:
        """Return whether the damaged bytes after the last request come from several motors. Raises PortLostError."""
        return several_answered(self, lambda: self.ping(NOBODY, GARBLED_TRIES))

    def alone(self, motor: int) -> bool:
        """Return whether one motor alone answers to an id, for a motor that answers pings. Raises PortLostError.

        Two motors that share an id answer at once. Their readings and clocks differ, so no two replies arrive intact.
        """

        def intact(number: int) -> bool:
            address, size = _PROOF_BLOCKS[number % len(_PROOF_BLOCKS)]
            parameters = address.to_bytes(2, "little") + size.to_bytes(2, "little")
            return self.request(motor, Instruction.READ, parameters, size, tries=1) is not None

        return answers_alone(intact)

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id, not even damaged. Raises PortLostError."""
        return self.ping(motor) is None and not self.garbled

    def request(
        self, motor: int, instruction: int, parameters: bytes, reply_bytes: int, tries: int = TRIES
    ) -> Packet | None:
        """Send an instruction; return the status packet, None if none arrived. Retries on a reported CRC error.

        Args:
            motor: Id.
            instruction: Instruction byte.
            parameters: Parameters of the instruction.
            reply_bytes: Size of the reply's parameters, bytes. A packet of another size is a late reply, unless it
                reports an error.
            tries: Largest number of attempts.

        Raises:
            PortLostError: The port vanished.
        """
        frame = encode(motor, instruction, parameters)
        for _ in range(tries):
            if instruction == Instruction.READ and not self._caught_up(motor, tries):
                continue
            reply = self._request(frame, reply_bytes, lambda packet: _is_reply(packet, motor, reply_bytes))
            self._note(motor, reply is not None)
            if reply is not None and (reply.error or 0) & ~ALERT != StatusError.CRC:
                return reply
        return None

    def _probe(self, motor: int, number: int) -> bool:
        size = _PROBE_SIZES[number % len(_PROBE_SIZES)]
        parameters = _PROBE_ADDRESS.to_bytes(2, "little") + size.to_bytes(2, "little")
        frame = encode(motor, Instruction.READ, parameters)
        return self._request(frame, size, lambda packet: _is_reply(packet, motor, size)) is not None

    def _make_decoder(self) -> Decoder:
        return Decoder()

    def _is_foreign(self, packet: Packet) -> bool:
        return packet.error is not None  # an echo of the request by the adapter is expected

    def _checked(self, reply: Packet | None, motor: int, doing: str) -> Packet:
        if reply is None:
            raise HardwareError(f"motor {motor} does not answer ({doing})")
        error = (reply.error or 0) & ~ALERT
        if error:
            raise HardwareError(f"motor {motor} refused: {error_name(error)} error ({doing})")
        return reply


def error_name(error: int) -> str:
    """Return the name of a status error; its number if it is unknown."""
    try:
        return StatusError(error).name.lower().replace("_", " ")
    except ValueError:
        return str(error)


def _is_reply(packet: Packet, motor: int, reply_bytes: int) -> bool:
    if packet.error is None or packet.id != motor:
        return False
    refused = bool(packet.error & ~ALERT)
    return len(packet.parameters) == reply_bytes or (refused and not packet.parameters)


def _identity(packet: Packet) -> Identity:
    return Identity(packet.id, int.from_bytes(packet.parameters[:2], "little"), packet.parameters[2])
