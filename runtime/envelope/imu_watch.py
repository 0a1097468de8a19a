"""The checks of IMU readings: age, what the hardware found wrong with them, and tilt."""

from math import acos, inf, isfinite

from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import ImuFault, ImuState
from sim2real.runtime.contract.robot import ImuSpec
from sim2real.runtime.verdict import Reason, Violation

_STALE, _FROZEN, _IMPLAUSIBLE = (int(fault) for fault in (ImuFault.STALE, ImuFault.FROZEN, ImuFault.IMPLAUSIBLE))
# Plain integers: an enumeration's own operators take longer than all the rest.


class ImuWatch:
    """Checks IMUs one by one, in plain scalar code: there are one or two.

    Args:
        imus: Those that are depended on, the robot's first ones.
        tilt_max: Largest angle between a body and upright, rad; infinite where it may lie.
    """

    def __init__(self, imus: tuple[ImuSpec, ...], tilt_max: float) -> None:
        self._imus = [(spec, ns_from_s(spec.stale_after)) for spec in imus]
        self._tilt_max = tilt_max

    def check(self, imus: ImuState | None, now_ns: int) -> list[Violation]:
        """Return what is wrong with the readings of a tick; without readings every IMU is stale."""
        found: list[Violation] = []
        for index, (spec, age_max_ns) in enumerate(self._imus):
            if imus is None:
                found.append(Violation(Reason.IMU_STALE, index, inf, spec.stale_after))
                continue
            stamp_ns, faults = imus.stamp_ns.item(index), imus.faults.item(index)
            orientation = imus.orientation[index].tolist()
            finite = all(map(isfinite, (*imus.angular_velocity[index].tolist(), *orientation)))
            age_ns = now_ns - stamp_ns
            if not (stamp_ns >= 0 and 0 <= age_ns <= age_max_ns and not faults & _STALE):
                found.append(Violation(Reason.IMU_STALE, index, age_ns / NS_PER_S, spec.stale_after))
            if faults & _FROZEN:
                found.append(Violation(Reason.IMU_FROZEN, index, spec.stale_after, spec.stale_after))
            if not finite or faults & _IMPLAUSIBLE:
                found.append(Violation(Reason.IMU_IMPLAUSIBLE, index, float(faults), 0.0))
            elif self._tilt_max < inf and not tilt(orientation) <= self._tilt_max:
                found.append(Violation(Reason.TILT, index, tilt(orientation), self._tilt_max))
        return found


def tilt(orientation: list[float]) -> float:
    """Return the angle between a body's z axis and upright, rad; the length of the quaternion w x y z does not matter.

    NaN for a quaternion of length zero.
    """
    w, x, y, z = orientation
    across, along = x * x + y * y, w * w + z * z
    length = across + along
    return acos((along - across) / length) if length > 0.0 else float("nan")
