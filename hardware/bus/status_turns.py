"""Whose status is read after a group read: of motors that may have restarted first, else of one motor in turn."""

from collections.abc import Callable

from sim2real.hardware.types import BoolArray

_SUSPECTS_PER_READ = 3
"""Largest number of motors whose status is read after one group read, because they may have restarted."""


class StatusTurns:
    """The motors of a bus whose status has to be read, by index.

    Attributes:
        suspects: Motors that may have restarted; their status is read first.
        due: Motors whose turn has come.
    """

    def __init__(self, motors: int) -> None:
        self._motors = motors
        self.suspects: set[int] = set()
        self.due: set[int] = set()
        self._next = 0

    def next_is_due(self) -> None:
        """Add the motor whose turn it is."""
        self.due.add(self._next)
        self._next = (self._next + 1) % self._motors

    def suspect_all(self) -> None:
        """Take all motors for suspects."""
        self.suspects.update(range(self._motors))

    def read(self, fresh: BoolArray, read_status: Callable[[int], bool]) -> None:
        """Read the status of some motors that answered this tick.

        Args:
            fresh: (N,) whether each motor answered.
            read_status: Reads the status of one motor once; returns whether it answered.
        """
        suspects = [index for index in sorted(self.suspects) if fresh[index]][:_SUSPECTS_PER_READ]
        for index in suspects:
            if not read_status(index):
                return  # one wait for a lost reply is enough for a tick
            self.suspects.discard(index)
            self.due.discard(index)
        if suspects:
            return
        index = next((index for index in sorted(self.due) if fresh[index]), -1)
        if index >= 0 and read_status(index):
            self.due.discard(index)
