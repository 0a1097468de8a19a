"""The encoder of an STS motor: absolute within one turn; turns are counted while it has power."""

from math import floor, pi

from hardware.feetech.firmware_memory import Memory
from hardware.feetech.tables import FULL_ANGLE, REVERSED


class Encoder:
    """Counts of one motor from the angle of its output shaft: actual position less Position Offset (31)."""

    def __init__(self, counts_per_revolution: int, memory: Memory) -> None:
        self.turn = counts_per_revolution
        self._memory = memory
        self._counts_per_radian = counts_per_revolution / (2.0 * pi)
        self._base = 0
        self._stuck: int | None = None
        self.reversed = False
        self.many_turns = False
        self._offset = 0

    def load(self) -> None:
        """Take over offset, direction and kind of feedback from the registers."""
        get = self._memory.get
        phase = get("phase")
        self.reversed = bool(phase & REVERSED)
        # Limits of 0 and 0 mean control over many turns (manual, 9 and 11); that the reading then counts turns too even
        # without its bit of Phase is an assumption.
        self.many_turns = bool(phase & FULL_ANGLE) or get("min_position_limit") == get("max_position_limit") == 0
        self._offset = get("position_offset")

    def position(self, angle: float) -> int:
        """Return Present Position (56) at an angle of the output shaft, rad."""
        counts = self.actual(angle) - self._offset
        return counts if self.many_turns else counts % self.turn

    def actual(self, angle: float) -> int:
        """Return the counts before the offset."""
        return self._raw(angle) - self._base

    def forget_turns(self, angle: float) -> None:
        """Begin again in the first turn."""
        self._base = floor(self._raw(angle) / self.turn) * self.turn

    def freeze(self, angle: float) -> None:
        """Let the reading stick where it is: a fault."""
        self._stuck = self._raw(angle)

    def release(self) -> None:
        """End the fault."""
        self._stuck = None

    @property
    def stuck(self) -> bool:
        """Whether the reading sticks."""
        return self._stuck is not None

    def _raw(self, angle: float) -> int:
        if self._stuck is not None:
            return self._stuck
        raw = angle * self._counts_per_radian
        return floor((-raw if self.reversed else raw) + 0.5)
