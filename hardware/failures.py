"""What could not be done, of several things that are all tried: torque goes off on the other motors too."""

from collections.abc import Callable, Iterable

from sim2real.hardware.errors import HardwareError


def failures_of(acts: Iterable[Callable[[], None]]) -> list[str]:
    """Do everything; return why, for each that raised HardwareError."""
    reasons: list[str] = []
    for act in acts:
        try:
            act()
        except HardwareError as error:
            reasons.append(str(error))
    return reasons
