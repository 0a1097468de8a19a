"""The bus watchdog of an emulated X-series motor: it trips when no instruction was on the bus for its period."""

from typing import Final

_UNIT_NS: Final = 20_000_000  # Bus Watchdog (98), e-Manual
_NEVER: Final = 1 << 62


class BusWatchdog:
    """Bus Watchdog (98).

    Attributes:
        tripped: Whether it has stopped the motor; until it is set anew, or a boot.
        deadline_ns: Time after which it trips, ns.
    """

    def __init__(self) -> None:
        self._period_ns = 0
        self.tripped = False
        self.deadline_ns = _NEVER

    def reset(self) -> None:
        """Switch it off, as a boot does."""
        self._period_ns = 0
        self.tripped = False
        self.deadline_ns = _NEVER

    def set(self, value: int, now_ns: int, *, torque: bool) -> None:
        """Set its period, in units of 20 ms; 0 switches it off, and clears it."""
        self._period_ns = value * _UNIT_NS
        self.tripped = False
        self.restart(now_ns, torque=torque)

    def feed(self, now_ns: int, *, torque: bool) -> None:
        """Begin its period anew, while torque is on: an instruction to any motor was on the bus."""
        if self._period_ns and torque and not self.tripped:
            self.deadline_ns = now_ns + self._period_ns

    def restart(self, now_ns: int, *, torque: bool) -> None:
        """Begin its period anew, or wait for torque."""
        self.deadline_ns = _NEVER
        self.feed(now_ns, torque=torque)

    def rest(self) -> None:
        """Wait for torque: it is off."""
        self.deadline_ns = _NEVER

    def trip(self) -> None:
        """Take note that the motor is stopped."""
        self.tripped = True
        self.deadline_ns = _NEVER
