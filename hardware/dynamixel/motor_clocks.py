"""Tells from the clocks of motors, Realtime Tick (120), which of them have restarted."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import BoolArray

_WRAP: Final = 32_768  # ms
_NS_PER_MS: Final = 1_000_000
_SLACK_MS: Final = 60
"""Difference between the time that passed here and there which is not a restart: scheduling on a busy machine."""
_DRIFT: Final = 0.02
"""Largest error of a motor's clock, as a share; an assumption, the e-Manual gives no figure."""


class MotorClocks:
    """The last readings of the clocks of N motors. A clock starts from zero at power-up and counts milliseconds.

    A motor whose clock happens to have wrapped when it restarts is missed, about once in 300 restarts; its status is
    read in turn.
    """

    def __init__(self, motors: int) -> None:
        self._clock = np.zeros(motors, np.int64)
        self._asked_ns = np.full(motors, -1, np.int64)

    def restarted(
        self, clocks: npt.NDArray[np.integer[npt.NBitBase]], answered: BoolArray, asked_ns: int
    ) -> Sequence[int]:
        """Store new readings; return the indices of the motors that seem to have restarted since their last one.

        Args:
            clocks: (N,) clocks, ms.
            answered: (N,) whose readings are valid.
            asked_ns: Time of the request, ns.
        """
        passed_ms = (asked_ns - self._asked_ns) / _NS_PER_MS
        apart_ms = np.abs((clocks - self._clock - passed_ms + _WRAP / 2) % _WRAP - _WRAP / 2)
        known = answered & (self._asked_ns >= 0)
        found = known & ~(apart_ms <= _SLACK_MS + _DRIFT * passed_ms)
        np.copyto(self._clock, clocks, where=answered)
        np.copyto(self._asked_ns, asked_ns, where=answered)
        indices: list[int] = np.flatnonzero(found).tolist()
        return indices
