"""A fast sync read of many Dynamixel motors, for the emulator's benchmark."""

from collections.abc import Sequence

from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, encode

_BAUDRATE = 4_000_000
_RETURN_DELAY, _TORQUE_ENABLE = 9, 64
_ADDRESS, _BYTES = 126, 10  # present current, velocity, position
_GROUP = 4  # error, id and CRC around each motor's part of the reply
_PREFIX = 8  # header, id, length and instruction


def group_read(ids: Sequence[int]) -> GroupRead:
    """Return a fast sync read of current, velocity and position."""
    set_up = [(_RETURN_DELAY, 0), (_TORQUE_ENABLE, 1)]
    return GroupRead(
        _BAUDRATE,
        tuple(_sync_write(address, value, ids) for address, value in set_up),
        encode(BROADCAST, Instruction.FAST_SYNC_READ, bytes((_ADDRESS, 0, _BYTES, 0, *ids))),
        _PREFIX + len(ids) * (_GROUP + _BYTES),
    )


def _sync_write(address: int, value: int, ids: Sequence[int]) -> bytes:
    everyone = b"".join(bytes((motor, value)) for motor in ids)
    return encode(BROADCAST, Instruction.SYNC_WRITE, bytes((address, 0, 1, 0)) + everyone)
