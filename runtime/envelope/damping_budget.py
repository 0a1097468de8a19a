"""The damping budget: how long a robot may be damped, all times together, before that is a fault."""

from typing import Final

RECOVERY_SHARE: Final = 1.0 / 30.0
"""Of the time without damping, how much is taken off what was spent: a robot that is damped for a larger share of its
time than this spends its budget, however the times are distributed."""


class DampingBudget:
    """Time spent in damping.

    A state that ends by itself must not go on for ever, nor come back for ever. So what was spent stays spent until
    the robot has not been damped for `recovery_ns`; only after that is it taken off, slowly.

    Args:
        budget_ns: The longest time; more is over.
        recovery_ns: Time without damping after which spent time is taken off.
    """

    def __init__(self, budget_ns: int, recovery_ns: int) -> None:
        self._budget_ns, self._recovery_ns = budget_ns, recovery_ns
        self._last_ns = self._undamped_ns = 0
        self._damping = False
        self.spent_ns = 0.0

    @property
    def over(self) -> bool:
        """Whether more was spent than there is."""
        return not self.spent_ns <= self._budget_ns

    def begin(self, now_ns: int) -> None:
        """Start with the whole budget."""
        self._last_ns, self.spent_ns, self._damping = now_ns, 0.0, False

    def note_damping(self) -> None:
        """Note that the robot is damped from the last `advance` on, until the next."""
        self._damping = True

    def advance(self, now_ns: int) -> None:
        """Account for the time since the last call."""
        elapsed_ns, self._last_ns = max(0, now_ns - self._last_ns), now_ns
        if self._damping:
            self._damping, self._undamped_ns = False, 0
            self.spent_ns += elapsed_ns
            return
        before_ns = max(self._undamped_ns, self._recovery_ns)
        self._undamped_ns += elapsed_ns
        self.spent_ns = max(0.0, self.spent_ns - max(0, self._undamped_ns - before_ns) * RECOVERY_SHARE)
