"""The rows of one bus's joints in the arrays of a robot."""

from collections.abc import Iterable

import numpy as np

from sim2real.hardware.types import Float64Array, Int64Array, JointCommand, JointState


class BusRows:
    """The rows of one bus's joints in the arrays of the robot.

    Rows that lie together are read in place, through views that are kept from call to call. Others are copied. Targets
    that are the rows of one block stay such, so that the driver checks all at once.
    """

    def __init__(self, names: tuple[str, ...], joints: Iterable[str]) -> None:
        rows = [names.index(name) for name in joints]
        self._index: Int64Array = np.array(rows, np.int64)
        self._rows = slice(rows[0], rows[0] + len(rows)) if rows == list(range(rows[0], rows[0] + len(rows))) else None
        self._state, self._part = JointState.empty(0), JointState.empty(len(rows))
        self._command, self._targets = JointCommand.zeros(0), JointCommand.zeros(len(rows))
        self._source: Float64Array | None = None
        self._copy = np.zeros((5, len(rows)))

    def state(self, whole: JointState) -> JointState:
        """Return what this bus reads into; `scatter` then brings it to the robot's readings."""
        if self._rows is not None and whole is not self._state:
            self._state = whole
            self._part = JointState(*(getattr(whole, name)[self._rows] for name in JointState.__slots__))
        return self._part

    def scatter(self, whole: JointState) -> None:
        """Copy the readings of this bus into those of the robot, unless they are there."""
        if self._rows is None:
            for name in JointState.__slots__:
                getattr(whole, name)[self._index] = getattr(self._part, name)

    def command(self, whole: JointCommand) -> JointCommand:
        """Return the targets of this bus."""
        if self._rows is None:
            index, own = self._index, self._targets
            # The indices are valid: the mode that checks them copies through a buffer, and takes four times as long.
            for name in JointCommand.__slots__:
                getattr(whole, name).take(index, None, getattr(own, name), "clip")
        else:
            if whole is not self._command:
                self._command = whole
                self._use(whole, self._rows)
            if self._source is not None:
                self._copy[:] = self._source
        return self._targets

    def _use(self, whole: JointCommand, rows: slice) -> None:
        """Take the targets from this command from now on."""
        block = whole.block
        if block is None:
            self._source = None
            self._targets = JointCommand(*(getattr(whole, name)[rows] for name in JointCommand.__slots__))
        else:
            self._source = block[:, rows]
            self._targets = JointCommand(*self._copy)
