"""Checks the samples of one IMU for plausibility and age, and rotates valid ones into the frame of its body."""

import math

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.imu.mounting import Mounting
from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.types import ImuFault, ImuState

_NORM_TOLERANCE = 0.05
"""How far the length of a quaternion may be from 1: four roundings to 1/32768 are 1e-4, so this is no rounding."""

_RATE_SLACK = 1.0 - 1e-3
"""A gyro at the end of its range shows that end, not the rate: readings must be below it."""

_ACCELERATION_MAX = 1000.0  # m/s²; no unit for robots measures 100 g


class ImuWatch:
    """What is known of one unit over time. Pure: time is an argument.

    Args:
        config: Mounting, and how old a reading may be.
        rate_max: End of the gyro's range, rad/s.
    """

    def __init__(self, config: ImuConfig, rate_max: float) -> None:
        self._mounting = Mounting.of(config.mounting)
        self._stale_ns = ns_from_s(config.stale_after)
        self._rate_max = rate_max * _RATE_SLACK
        self._raw = b""
        self._changed_ns = 0
        self._implausible = False

    def note(self, state: ImuState, row: int, sample: ImuSample | None, now_ns: int) -> None:
        """Take over the newest sample that has arrived, or note that none has.

        Args:
            state: Readings of all units.
            row: The row of this one.
            sample: None when nothing has arrived.
            now_ns: Time of the read.
        """
        state.fresh[row] = False
        if sample is not None:
            if sample.raw != self._raw:
                self._raw, self._changed_ns = sample.raw, now_ns
            self._implausible = not self._plausible(sample)
            if not self._implausible:
                self._take(state, row, sample, now_ns)
        stamp_ns = int(state.stamp_ns[row])
        faults = ImuFault.IMPLAUSIBLE if self._implausible else ImuFault(0)
        if not (stamp_ns >= 0 and now_ns - stamp_ns <= self._stale_ns):
            faults |= ImuFault.STALE
        # What does not come at all is stale; frozen is what goes on coming, the same each time.
        elif not stamp_ns - self._changed_ns < self._stale_ns:
            faults |= ImuFault.FROZEN
        state.faults[row] = int(faults)

    def lose(self, state: ImuState, row: int) -> None:
        """Note that the unit's port has vanished."""
        state.fresh[row] = False
        state.faults[row] = int(ImuFault.STALE)

    def _plausible(self, sample: ImuSample) -> bool:
        """Tell whether a unit could have measured this; NaN is inside nothing."""
        limit = self._rate_max
        w, x, y, z = sample.orientation
        return (
            all(-limit <= rate <= limit for rate in sample.angular_velocity)
            and all(-_ACCELERATION_MAX <= value <= _ACCELERATION_MAX for value in sample.linear_acceleration)
            and abs(math.sqrt(w * w + x * x + y * y + z * z) - 1.0) <= _NORM_TOLERANCE
        )

    def _take(self, state: ImuState, row: int, sample: ImuSample, now_ns: int) -> None:
        mounting = self._mounting
        w, x, y, z = mounting.body_orientation(sample.orientation)
        norm = math.sqrt(w * w + x * x + y * y + z * z)
        state.angular_velocity[row] = mounting.to_body(sample.angular_velocity)
        state.linear_acceleration[row] = mounting.to_body(sample.linear_acceleration)
        state.orientation[row] = (w / norm, x / norm, y / norm, z / norm)
        state.stamp_ns[row] = now_ns
        state.fresh[row] = True
