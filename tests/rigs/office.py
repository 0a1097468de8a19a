"""The operator's desk and the loop's end of its box, on one clock, for tests."""

from math import isnan

from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.box import OperatorBox
from sim2real.runtime.operator.box_writer import BoxWriter
from sim2real.runtime.operator.desk import OperatorDesk

MS = 1_000_000
COMMANDS = (
    CommandSpec(name="forward", low=-0.5, high=0.5, default=0.0),
    CommandSpec(name="turn", low=-1.0, high=1.0, default=0.0),
)


class Office:
    """A desk, and the loop's end of its box, on one clock."""

    def __init__(self, commands=COMMANDS):
        self.now_ns = 1_000 * MS
        count = len(commands)
        self.box = OperatorBox(commands, [0.0] * count, [1e9] * count, self.now)
        self.desk = OperatorDesk(commands, BoxWriter(self.box.descriptor, count, self.now), self.now)

    def now(self):
        return self.now_ns

    def polled(self, after_ms=20, *, beat=True):
        self.now_ns += after_ms * MS
        if beat:
            self.desk.beat()
        self.box.poll()
        return self.box

    def values(self):
        return [None if isnan(value) else value for value in self.polled().values.tolist()]
