"""The motors on one bus: which of them answer an instruction, and in which order."""

from collections.abc import Iterator, Sequence

from sim2real.hardware.dynamixel.firmware.instructions import execute
from sim2real.hardware.dynamixel.firmware.motor import XSeriesMotor
from sim2real.hardware.dynamixel.frame import (
    BROADCAST,
    ID_MAX,
    Decoder,
    Instruction,
    Packet,
    StatusError,
    encode_fast_status,
    encode_status,
)
from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.firmware.device_protocol import Reply
from sim2real.hardware.firmware.packet_protocol import PacketProtocol

_FAST_PREFIX = 8  # header, id, length, instruction
_FAST_GROUP = 4  # error, id, CRC
_ANSWERS_ALL = 2  # Status Return Level (68)

Request = tuple[int, int, int]
"""Id, address and length of one motor's part of a group read."""


class XSeriesProtocol(PacketProtocol[Packet]):
    """Protocol 2.0 at the motors' end of a line; implements `DeviceProtocol`."""

    def __init__(self) -> None:
        super().__init__(Decoder(report_damage=True))

    def replies_to(self, instruction: Packet, motors: Sequence[XSeriesMotor], now_ns: int) -> list[Reply]:
        """Execute an instruction on the motors that received it; return their status packets, in order."""
        self.unstuffed += instruction.unstuffed
        return replies_to(instruction, motors, now_ns)


def replies_to(packet: Packet, motors: Sequence[XSeriesMotor], now_ns: int) -> list[Reply]:
    """Execute an instruction on the motors that received it; return their replies, in order."""
    if not packet.intact:
        return _answer_damage(packet, motors)
    for motor in motors:
        motor.feed_watchdog(now_ns)
    instruction = packet.instruction
    if instruction == Instruction.STATUS:
        return []
    if instruction in (Instruction.SYNC_READ, Instruction.BULK_READ):
        return _read_group(list(_requests(packet)), motors, now_ns)
    if instruction in (Instruction.FAST_SYNC_READ, Instruction.FAST_BULK_READ):
        return _read_fast(list(_requests(packet)), motors, now_ns)
    if instruction in (Instruction.SYNC_WRITE, Instruction.BULK_WRITE):
        for motor_id, address, data in _writes(packet):
            for motor in motors:
                if motor_id == motor.id or motor_id == _secondary(motor):
                    motor.write(address, data, now_ns)
        _commit(motors)
        return []
    return _answer_alone(packet, motors, now_ns)


def _answer_damage(packet: Packet, motors: Sequence[XSeriesMotor]) -> list[Reply]:
    """Answer an instruction with a wrong CRC: the addressed motor replies error 3 (e-Manual, Status Packet).

    If the id itself is damaged, another motor replies. Broadcast instructions get no reply.
    """
    replies = [
        Reply(motor.return_delay_ns, motor.baudrate, encode_status(motor.id, StatusError.CRC | motor.alert))
        for motor in motors
        if packet.id == motor.id and motor.memory.get("status_return_level") == _ANSWERS_ALL
    ]
    return [_collision(replies)] if len(replies) > 1 else replies


def _answer_alone(packet: Packet, motors: Sequence[XSeriesMotor], now_ns: int) -> list[Reply]:
    replies: list[Reply] = []
    for motor in sorted(motors, key=lambda motor: motor.id):
        if packet.id != BROADCAST and packet.id not in (motor.id, _secondary(motor)):
            continue
        motor_id, baudrate, delay_ns = motor.id, motor.baudrate, motor.return_delay_ns
        answer = execute(motor, packet, now_ns)
        if answer is not None:
            replies.append(Reply(delay_ns, baudrate, encode_status(motor_id, *answer)))
    _commit(motors)
    if packet.id != BROADCAST and len(replies) > 1:
        return [_collision(replies)]
    return replies


def _collision(replies: list[Reply]) -> Reply:
    """Return the result of motors with the same id replying at once, on a line that each motor can pull low."""
    data = bytearray(replies[0].data)
    for reply in replies[1:]:
        for index, byte in enumerate(reply.data[: len(data)]):
            data[index] &= byte
    return Reply(replies[0].delay_ns, replies[0].baudrate, bytes(data))


def _read_group(requests: list[Request], motors: Sequence[XSeriesMotor], now_ns: int) -> list[Reply]:
    """Answer a sync or bulk read.

    Each motor waits for the reply of the motor before it in the request, so the motors after a silent one do not reply
    either (ROBOTIS in DynamixelSDK issue 364).
    """
    replies: list[Reply] = []
    for motor_id, address, length in requests:
        motor = _find(motors, motor_id)
        if motor is None or motor.memory.get("status_return_level") < 1:
            break
        data = motor.read(address, length, now_ns)
        error, parameters = (int(data), b"") if isinstance(data, StatusError) else (0, data)
        frame = encode_status(motor.id, error | motor.alert, parameters)
        replies.append(Reply(motor.return_delay_ns, motor.baudrate, frame))
    return replies


def _read_fast(requests: list[Request], motors: Sequence[XSeriesMotor], now_ns: int) -> list[Reply]:
    """Answer a fast sync or fast bulk read with one packet, which ends before the first silent motor."""
    groups: list[tuple[int, int, bytes]] = []
    sent_bytes = _FAST_PREFIX
    first: XSeriesMotor | None = None
    silent = False
    for motor_id, address, length in requests:
        motor = None if silent else _find(motors, motor_id)
        if motor is None or motor.memory.get("status_return_level") < 1:
            silent = True
            groups.append((motor_id, 0, bytes(length)))
            continue
        first = first or motor
        data = motor.read(address, length, now_ns)
        error, parameters = (int(data), bytes(length)) if isinstance(data, StatusError) else (0, data)
        groups.append((motor_id, error | motor.alert, parameters))
        sent_bytes += _FAST_GROUP + length
    if first is None:
        return []
    try:
        frame = encode_fast_status(groups)
    except ProtocolError:  # the reply does not fit in a packet
        return []
    return [Reply(first.return_delay_ns, first.baudrate, frame[:sent_bytes])]


def _requests(packet: Packet) -> Iterator[Request]:
    """Yield the parts of a group read, without a cut-off part."""
    parameters = packet.parameters
    if packet.instruction in (Instruction.SYNC_READ, Instruction.FAST_SYNC_READ):
        address, length = _words(parameters[:4])
        for motor_id in parameters[4:]:
            yield motor_id, address, length
        return
    for start in range(0, len(parameters) - 4, 5):
        yield parameters[start], *_words(parameters[start + 1 : start + 5])


def _writes(packet: Packet) -> Iterator[tuple[int, int, bytes]]:
    """Yield id, address and data of the parts of a group write, without a cut-off part."""
    parameters = packet.parameters
    if packet.instruction == Instruction.SYNC_WRITE:
        address, length = _words(parameters[:4])
        for start in range(4, len(parameters) - length, length + 1):
            yield parameters[start], address, parameters[start + 1 : start + 1 + length]
        return
    start = 0
    while start + 5 <= len(parameters):
        address, length = _words(parameters[start + 1 : start + 5])
        data = parameters[start + 5 : start + 5 + length]
        if len(data) == length:
            yield parameters[start], address, data
        start += 5 + length


def _words(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[0:2], "little"), int.from_bytes(data[2:4], "little")


def _find(motors: Sequence[XSeriesMotor], motor_id: int) -> XSeriesMotor | None:
    for motor in motors:
        if motor.id == motor_id:
            return motor
    return None


def _secondary(motor: XSeriesMotor) -> int | None:
    return motor.secondary_id if motor.secondary_id <= ID_MAX else None


def _commit(motors: Sequence[XSeriesMotor]) -> None:
    for motor in motors:
        motor.commit()
