"""The motors on one bus: which of them answer an instruction, and in which order."""

from collections.abc import Callable, Sequence

from sim2real.hardware.feetech.firmware.motor import StsMotor
from sim2real.hardware.feetech.frame import BROADCAST, Decoder, Instruction, Packet, encode
from sim2real.hardware.firmware.device_protocol import Reply
from sim2real.hardware.firmware.packet_protocol import PacketProtocol


class StsProtocol(PacketProtocol[Packet]):
    """FT-SCS at the motors' end of a line; it has no byte stuffing. Implements `DeviceProtocol`."""

    def __init__(self) -> None:
        super().__init__(Decoder())

    def replies_to(self, instruction: Packet, motors: Sequence[StsMotor], now_ns: int) -> list[Reply]:
        """Execute an instruction on the motors that received it; return their status packets, in order."""
        if instruction.code == Instruction.SYNC_READ:
            return _read_group(instruction, motors)
        if instruction.code == Instruction.SYNC_WRITE:
            _write_group(instruction, motors)
            return []
        return _answer(instruction, motors, now_ns)


def _answer(packet: Packet, motors: Sequence[StsMotor], now_ns: int) -> list[Reply]:
    """Execute an instruction to one motor or to all. All motors reply only to a ping, ordered by id."""
    handler = _HANDLERS.get(packet.code)
    if handler is None:
        return []
    replies: list[Reply] = []
    for motor in sorted(motors, key=lambda motor: motor.id):
        if packet.id not in (motor.id, BROADCAST):
            continue
        reads = packet.code in (Instruction.PING, Instruction.READ)
        replies_now = packet.code == Instruction.PING or (packet.id != BROADCAST and (reads or motor.answers_all))
        motor_id, baudrate, delay_ns = motor.id, motor.baudrate, motor.return_delay_ns
        parameters = handler(motor, packet.parameters, now_ns)
        if replies_now and parameters is not None:
            replies.append(Reply(delay_ns, baudrate, encode(motor_id, motor.faults, parameters)))
    for motor in motors:
        motor.commit()
    return replies


def _read_group(packet: Packet, motors: Sequence[StsMotor]) -> list[Reply]:
    """Answer a sync read in the order of the request.

    Each motor waits for the reply of the motor before it, so the motors after a silent one do not reply either. This is
    an assumption: it is the harder case for a client.
    """
    if len(packet.parameters) < 2:
        return []
    address, length = packet.parameters[:2]
    by_id = {motor.id: motor for motor in motors}
    replies: list[Reply] = []
    for motor_id in packet.parameters[2:]:
        motor = by_id.get(motor_id)
        if motor is None or not 0 < length <= 253:
            break
        frame = encode(motor_id, motor.faults, motor.read(address, length))
        replies.append(Reply(motor.return_delay_ns, motor.baudrate, frame))
    return replies


def _write_group(packet: Packet, motors: Sequence[StsMotor]) -> None:
    if len(packet.parameters) < 2:
        return
    address, length = packet.parameters[:2]
    for start in range(2, len(packet.parameters) - length, length + 1):
        for motor in motors:
            if motor.id == packet.parameters[start] and length:
                motor.write(address, packet.parameters[start + 1 : start + 1 + length])
    for motor in motors:
        motor.commit()


def _ping(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    return b""


def _read(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    if len(parameters) != 2 or not 0 < parameters[1] <= 253:
        return None
    return motor.read(parameters[0], parameters[1])


def _write(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    if len(parameters) < 2:
        return None
    motor.write(parameters[0], parameters[1:])
    return b""


def _reg_write(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    if len(parameters) < 2:
        return None
    motor.register_write((parameters[0], parameters[1:]))
    return b""


def _action(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    if motor.pending is not None:
        pending = motor.pending
        motor.register_write(None)
        motor.write(*pending)
    return b""


def _recover(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    motor.recover(now_ns)
    return b""


def _reboot(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    motor.boot(now_ns)
    return b""


def _clear_turns(motor: StsMotor, parameters: bytes, now_ns: int) -> bytes | None:
    motor.clear_turns()
    return b""


_HANDLERS: dict[int, Callable[[StsMotor, bytes, int], bytes | None]] = {
    Instruction.PING: _ping,
    Instruction.READ: _read,
    Instruction.WRITE: _write,
    Instruction.REG_WRITE: _reg_write,
    Instruction.ACTION: _action,
    Instruction.RECOVERY: _recover,
    Instruction.REBOOT: _reboot,
    Instruction.CLEAR_TURNS: _clear_turns,
}
