"""`OperatorBox`: the loop's end of the memory that it shares with the operator process."""

import fcntl
import mmap
import os
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator import box_layout as layout

BEAT_AGE_MAX_NS: Final = NS_PER_S // 2  # the process beats every 20 ms; a busy machine may delay it by some of them
_ATTEMPTS: Final = 3  # the writer is done within microseconds; what is missed now is there in the next tick
_STEP_MAX_NS: Final = NS_PER_S // 10  # a poll after a stall moves no command farther than this much time allows


class OperatorBox:
    """Implements `Operator` on memory that an operator process writes.

    A poll is a few loads: no lock, no system call but the clock, no exception, whatever the process does, and also when
    it is stopped or killed in the middle of a write.

    Values move from what the run began with towards what was asked for, no faster than the rates, and stay within
    their ranges. When the process no longer runs they move back.

    Args:
        commands: The C operator commands of the policy.
        start: (C,) values that the run begins with, SI units.
        rates: (C,) largest change, SI units per second.
        now: Monotonic ns, the operator process's clock.
    """

    def __init__(
        self,
        commands: Sequence[CommandSpec],
        start: Sequence[float],
        rates: Sequence[float],
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        count = len(commands)
        size = layout.box_bytes(count)
        self.descriptor = os.memfd_create("sim2real-operator", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        """Of the memory; the operator process gets it."""
        os.ftruncate(self.descriptor, size)
        # A process that shortened it would kill the loop with SIGBUS.
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self._memory = mmap.mmap(self.descriptor, size)
        self._words = memoryview(self._memory).cast("q")
        self._words[layout.ALIVE_NS] = -1
        self._now = now
        self._low = np.array([command.low for command in commands])
        self._high = np.array([command.high for command in commands])
        self._start = np.clip(np.array(start, dtype=np.float64), self._low, self._high)
        self._rates = np.array(rates, dtype=np.float64) / NS_PER_S
        self._shared = np.frombuffer(self._memory, np.float64, count, layout.VALUES * layout.WORD_BYTES)
        self._copy = np.full(count, np.nan)
        self._bits = self._copy.view(np.int64)
        self._target = self._start.copy()
        self._step, self._size = np.zeros(count), np.zeros(count)
        self._missing, self._far = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        self._seen = self._emergencies = 0
        self._given = self._moving = False
        self._polled_ns = now()
        self.values: Float64Array = np.full(count, np.nan)
        self.alive_ns = -1
        self.stop = self.emergency = False
        self.resets = self.starts = 0

    @property
    def present(self) -> bool:
        """Whether the operator process runs."""
        return self._polled_ns - self._words[layout.BEAT_NS] <= BEAT_AGE_MAX_NS

    def poll(self) -> None:
        """Take what has arrived since the last call."""
        words, now_ns = self._words, self._now()
        elapsed_ns = now_ns - self._polled_ns
        self._polled_ns = now_ns
        self.alive_ns = words[layout.ALIVE_NS]
        self.stop = words[layout.STOP] != 0
        self.starts = words[layout.STARTS]
        self._take_emergency(words[layout.RESETS])
        if words[layout.SEQUENCE] != self._seen:
            self._take()
        if self._given and now_ns - words[layout.BEAT_NS] > BEAT_AGE_MAX_NS:
            self._withdraw()
        if self._moving:
            self._move(elapsed_ns)

    def close(self) -> None:
        """Give the memory back; values and flags stay as they are."""
        if self.descriptor < 0:
            return
        self._words.release()
        del self._shared
        self._memory.close()
        os.close(self.descriptor)
        self.descriptor = -1

    def _take_emergency(self, resets: int) -> None:
        """An emergency stop lasts until a later reset. One that arrives together with a reset is seen all the same."""
        emergencies = self._words[layout.EMERGENCIES]
        if emergencies != self._emergencies:
            self._emergencies = emergencies
            self.emergency = True
        elif resets != self.resets:
            self.emergency = False
        self.resets = resets

    def _take(self) -> None:
        words = self._words
        for _ in range(_ATTEMPTS):
            sequence = words[layout.SEQUENCE]
            if sequence % 2:
                continue
            self._copy[:] = self._shared
            if words[layout.CHECKSUM] == layout.checksum_of(sequence, self._bits.tolist()):
                self._seen = sequence
                break
        else:
            return
        np.clip(self._copy, self._low, self._high, out=self._target)  # NaN stays: not given
        np.isnan(self._target, out=self._missing)
        np.copyto(self.values, self._start, where=~self._missing & np.isnan(self.values))
        np.copyto(self._target, self._start, where=self._missing)
        self._given = self._moving = True

    def _withdraw(self) -> None:
        """Go back to the values that the run began with; a process that runs again has to give its values again."""
        self._target[:] = self._start
        self._given, self._moving = False, True

    def _move(self, elapsed_ns: int) -> None:
        """Move the values towards their targets. NaN, which is not given, stays NaN."""
        step, distance, target = self._step, self._copy, self._target
        np.multiply(self._rates, min(max(elapsed_ns, 0), _STEP_MAX_NS), out=step)
        np.subtract(target, self.values, out=distance)
        np.abs(distance, out=self._size)
        np.greater(self._size, step, out=self._far)
        np.copysign(step, distance, out=step)
        np.add(self.values, step, out=step)
        # The target itself when it is near, so that rounding leaves nothing outside the range; NaN stays.
        np.copyto(step, target, where=~self._far)
        np.copyto(self.values, step, where=~np.isnan(self.values))
        self._moving = bool(self._far.any())
