"""Policy decimation: the policy runs at its own rate, the bus at a whole multiple of it."""

from sim2real.configs.errors import UserError
from sim2real.hardware.clock import NS_PER_S

RATIO_MAX = 100
"""Ticks of the bus to one of the policy; a robot's bus has no use for more."""

_WHOLE = 1e-6  # a rate of 33.3333 Hz is a third of 100 Hz


class Decimation:
    """Which ticks of the loop are ticks of the policy.

    The policy is due every `ratio` ticks of the loop, on a grid that begins with its first run. What was due in a tick
    that was missed, or in which a joint did not answer, is made up for in the next tick; runs are never made up for, as
    the policy has one only for each time it is due.

    Args:
        control_rate: Rate of the policy, Hz: its contract's.
        bus_rate: Rate of the loop, Hz; that of the policy when None.

    Raises:
        UserError: The bus's rate is no whole multiple of the policy's.
    """

    def __init__(self, control_rate: float, bus_rate: float | None = None) -> None:
        rate = control_rate if bus_rate is None else bus_rate
        ratio = rate / control_rate
        self.ratio = round(ratio) if 0.5 <= ratio <= RATIO_MAX else 0
        """Ticks of the loop to one of the policy."""
        if self.ratio < 1 or not abs(ratio - self.ratio) <= _WHOLE * self.ratio:
            valid = ", ".join(f"{factor * control_rate:g}" for factor in range(1, 5))
            raise UserError(
                f"a bus rate of {rate:g} Hz does not fit the policy's {control_rate:g} Hz; valid: whole multiples of "
                f"it, {valid} … Hz"
            )
        self.rate = control_rate * self.ratio
        """Rate of the loop, Hz."""
        self.period_ns = round(NS_PER_S / self.rate)
        self._ticks = 0
        self._due = 0

    def begin(self) -> None:
        """Let the policy be due in this tick, and count from it."""
        self._ticks = self._due = 0

    def count(self, ticks: int) -> None:
        """Let ticks of the loop pass, missed ones included."""
        self._ticks += ticks

    @property
    def due(self) -> bool:
        """Whether the policy is to run in this tick."""
        return self._ticks >= self._due

    @property
    def policy_ticks(self) -> int:
        """Ticks of the policy that have passed since `begin`: its clock."""
        return self._ticks // self.ratio

    @property
    def step(self) -> int:
        """Ticks of the loop since the last run was due, from 1 in that tick to `ratio`."""
        return min(self.ratio, self._ticks - (self._due - self.ratio) + 1)

    def ran(self) -> None:
        """Note that the policy ran: it is due again at the next point of the grid."""
        self._due = (self._ticks // self.ratio + 1) * self.ratio
