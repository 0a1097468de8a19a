"""A sync read of many STS motors, for the emulator's benchmark."""

from collections.abc import Sequence

from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.feetech.frame import BROADCAST, Instruction, encode

_BAUDRATE = 1_000_000
_TORQUE_ENABLE = 40
_ADDRESS, _BYTES = 56, 15  # present position to present current
_AROUND = 6  # header, id, length, error and checksum of each reply


def group_read(ids: Sequence[int]) -> GroupRead:
    """Return a sync read of the readings; the return delay is not changed."""
    everyone = b"".join(bytes((motor, 1)) for motor in ids)
    return GroupRead(
        _BAUDRATE,
        (encode(BROADCAST, Instruction.SYNC_WRITE, bytes((_TORQUE_ENABLE, 1)) + everyone),),
        encode(BROADCAST, Instruction.SYNC_READ, bytes((_ADDRESS, _BYTES, *ids))),
        len(ids) * (_AROUND + _BYTES),
    )
