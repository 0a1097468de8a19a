"""What an operator asks the run for: stop, emergency stop, reset, start."""

from collections.abc import Callable

from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.stop import StopRequest


class OperatorRequests:
    """Passes on what the operator asks for; without an operator nobody asks for anything.

    Args:
        operator: The device, or None.
        stop: Gets the requests to stop.
        take: Called with the operator after each poll: takes its commands to the policy and its sign of life.
    """

    def __init__(self, operator: Operator | None, stop: StopRequest, take: Callable[[Operator], None]) -> None:
        self._operator, self._stop, self._take = operator, stop, take
        self._stopped = False
        self._resets = self._starts = 0

    @property
    def present(self) -> bool:
        """Whether there is an operator."""
        return self._operator is not None

    def poll(self) -> None:
        """Take what the operator asks for."""
        operator, stop = self._operator, self._stop
        if operator is None:
            return
        operator.poll()
        if operator.emergency and not stop.emergency:
            stop.emergency_stop("operator", ending=False)
        if operator.stop and not self._stopped:
            self._stopped = True
            stop.stop("operator")
        self._take(operator)

    def wake(self) -> None:
        """Poll for the first time: what was asked before the robot was there is not meant for it."""
        if self._operator is not None:
            self._operator.poll()
        self.forget()

    @property
    def reset(self) -> bool:
        """Whether a reset was asked for since the last call of `forget`."""
        return self._operator is not None and self._operator.resets > self._resets

    @property
    def start(self) -> bool:
        """Whether a start was asked for since the last call of `forget`."""
        return self._operator is not None and self._operator.starts > self._starts

    def forget(self) -> None:
        """Keep no reset and no start for later."""
        if self._operator is not None:
            self._resets, self._starts = self._operator.resets, self._operator.starts
