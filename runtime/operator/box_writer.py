"""`BoxWriter`: the operator process's end of the memory that it shares with the loop."""

import mmap
import time
from collections.abc import Callable, Sequence
from math import nan

import numpy as np

from sim2real.runtime.operator import box_layout as layout


class BoxWriter:
    """Writes what a person asks for where the loop polls it. One thread at a time.

    Args:
        descriptor: Of the memory.
        commands: How many operator commands the policy has.
        now: Monotonic ns, the loop's clock.
    """

    def __init__(self, descriptor: int, commands: int, now: Callable[[], int] = time.monotonic_ns) -> None:
        self._memory = mmap.mmap(descriptor, layout.box_bytes(commands))
        self._words = memoryview(self._memory).cast("q")
        self._now = now
        self._values = np.full(commands, nan)
        self._bits = self._values.view(np.int64)
        self.beat()

    def beat(self) -> None:
        """Say that the process runs."""
        self._words[layout.BEAT_NS] = self._now()

    def alive(self) -> None:
        """Pass on a sign of life of the device in command."""
        self._words[layout.ALIVE_NS] = self._now()

    def stop(self) -> None:
        """Ask for the end of the run."""
        self._words[layout.STOP] = 1

    def emergency_stop(self) -> None:
        """Ask for an emergency stop."""
        self._words[layout.EMERGENCIES] += 1

    def reset(self) -> None:
        """Ask for a reset."""
        self._words[layout.RESETS] += 1

    def start(self) -> None:
        """Ask for torque."""
        self._words[layout.STARTS] += 1

    def give(self, values: Sequence[float]) -> None:
        """Give all operator commands, SI units; NaN where there is none."""
        words, sequence = self._words, self._words[layout.SEQUENCE]
        sequence += sequence % 2  # a predecessor that was killed in the middle of a write
        words[layout.SEQUENCE] = sequence + 1
        self._values[:] = values
        bits = self._bits.tolist()
        for place, word in enumerate(bits, layout.VALUES):
            words[place] = word
        words[layout.CHECKSUM] = layout.checksum_of(sequence + 2, bits)
        words[layout.SEQUENCE] = sequence + 2

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._memory.close()
