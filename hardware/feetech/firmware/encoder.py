"""The encoder of an STS motor, as its registers show it."""

from sim2real.hardware.feetech.firmware.memory import Memory
from sim2real.hardware.feetech.tables import FULL_ANGLE, REVERSED
from sim2real.hardware.firmware.encoder import Encoder


class StsEncoder(Encoder):
    """Actual position minus Position Offset (31), within one turn or multi-turn."""

    def __init__(self, counts_per_revolution: int, memory: Memory) -> None:
        super().__init__(counts_per_revolution)
        self._memory = memory
        self.many_turns = False

    def load(self) -> None:
        """Load offset, direction and single-turn or multi-turn mode from the registers."""
        get = self._memory.get
        phase = get("phase")
        self.reversed = bool(phase & REVERSED)
        # Limits of 0 and 0 mean multi-turn control (manual, 9 and 11). That the reading then also counts turns without
        # the bit of Phase is an assumption.
        self.many_turns = bool(phase & FULL_ANGLE) or get("min_position_limit") == get("max_position_limit") == 0
        self.offset = -get("position_offset")

    def position(self, angle: float) -> int:
        """Return Present Position (56) at an angle of the output shaft, rad."""
        counts = self.counts(angle)
        return counts if self.many_turns else counts % self.turn

    def actual(self, angle: float) -> int:
        """Return the counts without the offset."""
        return self.counts(angle) - self.offset
