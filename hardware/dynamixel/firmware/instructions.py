"""Executes one instruction on one emulated X-series motor and returns its status packet."""

from collections.abc import Callable

from sim2real.hardware.dynamixel.firmware.motor import XSeriesMotor
from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, Packet, StatusError

Answer = tuple[int, bytes]
"""Error byte and parameters of a status packet."""

_CLEAR_TURNS = bytes((0x01, 0x44, 0x58, 0x4C, 0x22))  # e-Manual, Protocol 2.0, Clear
_KEPT_BY_RESET: dict[int, tuple[str, ...]] = {0xFF: (), 0x01: ("id",), 0x02: ("id", "baud_rate")}
_BACKUP_KEY = b"CTRL"  # e-Manual, Protocol 2.0, Control Table Backup, P2 to P5
_BACKUP_STORE, _BACKUP_RESTORE = 0x01, 0x02
_NO_ERROR = 0


def execute(motor: XSeriesMotor, packet: Packet, now_ns: int) -> Answer | None:
    """Execute an instruction; return the answer, None if the motor does not reply.

    It does not reply to a broadcast (except ping) or to its secondary id, nor below the Status Return Level (68) for
    this instruction.
    """
    broadcast = packet.id == BROADCAST
    own = packet.id == motor.id  # before execution, which may change the id
    handler = _HANDLERS.get(packet.instruction)
    if handler is None:
        error, data = int(StatusError.INSTRUCTION), b""
    else:
        error, data = handler(motor, packet.parameters, now_ns, broadcast)
    if packet.instruction != Instruction.PING:
        level = motor.memory.get("status_return_level")
        needed = 1 if packet.instruction == Instruction.READ else 2
        if broadcast or level < needed:
            return None
    if not (broadcast or own):
        return None
    return error | motor.alert, data


def _ping(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    return _NO_ERROR, bytes(motor.memory.bytes[0:2] + motor.memory.bytes[6:7])


def _read(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    if len(parameters) != 4:
        return StatusError.DATA_LENGTH, b""
    if broadcast:  # no motor replies
        return _NO_ERROR, b""
    data = motor.read(parameters[0] | parameters[1] << 8, parameters[2] | parameters[3] << 8, now_ns)
    return (data, b"") if isinstance(data, StatusError) else (_NO_ERROR, data)


def _write(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    if len(parameters) < 3:
        return StatusError.DATA_LENGTH, b""
    error = motor.write(parameters[0] | parameters[1] << 8, parameters[2:], now_ns)
    return error or _NO_ERROR, b""


def _reg_write(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    if len(parameters) < 3:
        return StatusError.DATA_LENGTH, b""
    changes = motor.check_write(parameters[0] | parameters[1] << 8, parameters[2:])
    if not isinstance(changes, list):
        return changes, b""
    motor.register_write(changes)
    return _NO_ERROR, b""


def _action(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    changes = motor.pending
    if changes is None:
        return StatusError.INSTRUCTION, b""  # e-Manual: Action without Reg Write
    motor.register_write(None)
    # Torque or a limit may have changed since the write was registered, so it is checked again.
    for register, value in changes:
        checked = motor.check_write(register.address, register.encode(value))
        if not isinstance(checked, list):
            return checked, b""
    motor.execute(changes, now_ns)
    return _NO_ERROR, b""


def _factory_reset(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    keep = _KEPT_BY_RESET.get(parameters[0]) if len(parameters) == 1 else None
    if keep is None or (broadcast and not keep):  # since firmware 42, a reset of all ids at once is refused
        return StatusError.DATA_RANGE, b""
    motor.factory_reset(keep, now_ns)
    return _NO_ERROR, b""


def _reboot(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    motor.boot(now_ns)
    return _NO_ERROR, b""


def _clear(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    if parameters != _CLEAR_TURNS:
        return StatusError.DATA_RANGE, b""
    return (_NO_ERROR if motor.clear_turns() else StatusError.RESULT_FAIL), b""


def _backup(motor: XSeriesMotor, parameters: bytes, now_ns: int, broadcast: bool) -> Answer:
    if not motor.memory.implements("backup_ready"):  # an older firmware
        return StatusError.INSTRUCTION, b""
    if len(parameters) != 1 + len(_BACKUP_KEY):
        return StatusError.DATA_LENGTH, b""
    option = parameters[0]
    if parameters[1:] != _BACKUP_KEY or option not in (_BACKUP_STORE, _BACKUP_RESTORE):
        return StatusError.DATA_RANGE, b""
    done = motor.store_backup() if option == _BACKUP_STORE else motor.restore_backup(now_ns)
    return (_NO_ERROR if done else StatusError.RESULT_FAIL), b""


_HANDLERS: dict[int, Callable[[XSeriesMotor, bytes, int, bool], Answer]] = {
    Instruction.PING: _ping,
    Instruction.READ: _read,
    Instruction.WRITE: _write,
    Instruction.REG_WRITE: _reg_write,
    Instruction.ACTION: _action,
    Instruction.FACTORY_RESET: _factory_reset,
    Instruction.REBOOT: _reboot,
    Instruction.CLEAR: _clear,
    Instruction.BACKUP: _backup,
}
