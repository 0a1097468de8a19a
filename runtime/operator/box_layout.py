"""The words of the memory that the operator process and the loop share; 64 bits each.

The values and their sequence number are covered by a checksum. It tells a whole set of values from a torn one whatever
order the stores of another processor arrive in, which a sequence number alone does not on every architecture.
"""

from collections.abc import Sequence
from typing import Final

BEAT_NS: Final = 0
"""When the operator process last ran its loop, monotonic ns."""
ALIVE_NS: Final = 1
"""Last sign of life of the device in command, monotonic ns; -1 while none is."""
STOP: Final = 2
EMERGENCIES: Final = 3
"""How many emergency stops were asked for."""
RESETS: Final = 4
STARTS: Final = 5
SEQUENCE: Final = 6
"""Odd while the values are being written."""
CHECKSUM: Final = 7
VALUES: Final = 8
"""The first of C values, as doubles."""

WORD_BYTES: Final = 8
_SALT: Final = 0x5349_4D32_5245_414C  # a memory full of zeros is no set of values


def box_bytes(commands: int) -> int:
    """Return the size of the memory for so many operator commands."""
    return WORD_BYTES * (VALUES + commands)


def checksum_of(sequence: int, words: Sequence[int]) -> int:
    """Return the checksum of a set of values, given as 64-bit words.

    Each word is rotated by its place, so that two values that changed places do not pass.
    """
    total = _SALT ^ sequence
    for place, word in enumerate(words, 1):
        bits, turn = word & _MASK, place % 64
        total ^= ((bits << turn) | (bits >> (64 - turn))) & _MASK
    return total - (1 << 64) if total >> 63 else total


_MASK: Final = (1 << 64) - 1
