"""Checks the samples of one IMU for plausibility and age; rotates valid ones into the frame of its body."""

import math

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.imu.mounting import Mounting
from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.types import ImuFault, ImuState

_NORM_TOLERANCE = 0.05
"""Allowed deviation of a quaternion's norm from 1. Rounding of four components to 1/32768 gives only 1e-4."""

_RATE_SLACK = 1.0 - 1e-3
"""Share of the gyro's range that counts as valid. A gyro beyond its range outputs the end of the range."""

_ACCELERATION_MAX = 1000.0  # m/s²; no IMU for robots measures 100 g

_STALE, _FROZEN, _IMPLAUSIBLE = (int(fault) for fault in (ImuFault.STALE, ImuFault.FROZEN, ImuFault.IMPLAUSIBLE))
# Plain integers: an enumeration's own operators take longer than all the rest.


class ImuWatch:
    """State of one unit over time. Pure: time is an argument.

    Args:
        config: Gives the mounting and the largest age of a reading.
        rate_max: Measuring range of the gyro, rad/s.
    """

    def __init__(self, config: ImuConfig, rate_max: float) -> None:
        self._mounting = Mounting.of(config.mounting)
        self._stale_ns = ns_from_s(config.stale_after)
        self._rate_max = rate_max * _RATE_SLACK
        self._raw = b""
        self._changed_ns = 0
        self._implausible = False

    def update(self, state: ImuState, row: int, sample: ImuSample | None, now_ns: int) -> None:
        """Store the newest sample, and update the faults.

        Args:
            state: Readings of all units; updated in place.
            row: Row of this unit.
            sample: The newest sample; None if none has arrived.
            now_ns: Time of the read, ns.
        """
        state.fresh[row] = False
        if sample is not None:
            if sample.raw != self._raw:
                self._raw, self._changed_ns = sample.raw, now_ns
            self._implausible = not self._plausible(sample)
            if not self._implausible:
                self._store(state, row, sample, now_ns)
        stamp_ns = state.stamp_ns.item(row)
        faults = _IMPLAUSIBLE if self._implausible else 0
        if not (stamp_ns >= 0 and now_ns - stamp_ns <= self._stale_ns):
            faults |= _STALE
        # No samples is stale; identical samples is frozen.
        elif not stamp_ns - self._changed_ns < self._stale_ns:
            faults |= _FROZEN
        state.faults[row] = faults

    def mark_lost(self, state: ImuState, row: int) -> None:
        """Mark the unit as stale because its port vanished."""
        state.fresh[row] = False
        state.faults[row] = _STALE

    def _plausible(self, sample: ImuSample) -> bool:
        """Return whether a sample is physically possible; False for NaN."""
        limit, a_max = self._rate_max, _ACCELERATION_MAX
        roll, pitch, yaw = sample.angular_velocity
        ahead, left, up = sample.linear_acceleration
        w, x, y, z = sample.orientation
        return (
            -limit <= roll <= limit
            and -limit <= pitch <= limit
            and -limit <= yaw <= limit
            and -a_max <= ahead <= a_max
            and -a_max <= left <= a_max
            and -a_max <= up <= a_max
            and abs(math.sqrt(w * w + x * x + y * y + z * z) - 1.0) <= _NORM_TOLERANCE
        )

    def _store(self, state: ImuState, row: int, sample: ImuSample, now_ns: int) -> None:
        mounting = self._mounting
        w, x, y, z = mounting.body_orientation(sample.orientation)
        norm = math.sqrt(w * w + x * x + y * y + z * z)
        state.angular_velocity[row] = mounting.to_body(sample.angular_velocity)
        state.linear_acceleration[row] = mounting.to_body(sample.linear_acceleration)
        state.orientation[row] = (w / norm, x / norm, y / norm, z / norm)
        state.stamp_ns[row] = now_ns
        state.fresh[row] = True
