"""The encoder of an emulated servo: absolute within one turn; counts turns while it has power."""

from math import floor, pi


class Encoder:
    """Converts the angle of the output shaft to counts.

    Attributes:
        turn: Counts per revolution.
        reversed: Whether the counting direction is reversed.
        offset: Counts added to the reading.
    """

    def __init__(self, counts_per_revolution: int) -> None:
        self.turn = counts_per_revolution
        self.reversed = False
        self.offset = 0
        self._counts_per_radian = counts_per_revolution / (2.0 * pi)
        self._base = 0
        self._stuck: int | None = None

    def counts(self, angle: float) -> int:
        """Return the reading at an angle of the output shaft, rad."""
        if self._stuck is None and not self.reversed:  # the usual case, once in each step of each motor
            return floor(angle * self._counts_per_radian + 0.5) - self._base + self.offset
        return self._raw(angle) - self._base + self.offset

    def angle(self, counts: float) -> float:
        """Return the angle of the output shaft at which a working encoder has this reading, rad."""
        raw = counts - self.offset + self._base
        return (-raw if self.reversed else raw) / self._counts_per_radian

    def forget_turns(self, angle: float) -> None:
        """Reset the turn counter: without the offset, the reading is that of the absolute encoder."""
        self._base = floor(self._raw(angle) / self.turn) * self.turn

    def freeze(self, angle: float) -> None:
        """Freeze the reading at its present value: a fault."""
        self._stuck = self._raw(angle)

    def release(self) -> None:
        """End the fault: the reading follows the shaft again."""
        self._stuck = None

    @property
    def stuck(self) -> bool:
        """Whether the reading is frozen."""
        return self._stuck is not None

    def _raw(self, angle: float) -> int:
        if self._stuck is not None:
            return self._stuck
        raw = angle * self._counts_per_radian
        return floor((-raw if self.reversed else raw) + 0.5)
