"""The record of one tick: the arrays that the loop works on, and the numbers beside them, for the log.

All that is logged lies in one row of memory, of which the arrays are views: another process gets the tick by one copy.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final

import numpy as np

from sim2real.hardware.types import Float64Array, ImuState, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.tick_fields import FIELDS, logged_fields, row_layout


@dataclass(slots=True)
class TickRecord:
    """One tick of a robot with J joints, O observations, A actions and C operator commands.

    The arrays are the loop's own buffers, the same objects in every tick: copy what is to be kept.
    `runtime/tick_fields.py` says which of it is logged, and how.
    """

    joints: JointState
    """Measured."""
    observation: Float32Array
    """(O,), of the last tick in which the policy ran."""
    action: Float32Array
    """(A,), the policy's raw output of that tick."""
    target: Float64Array
    """(J,), N·m or rad: the contract's target for that action, before any limit."""
    command: JointCommand
    """After limiting: what was sent."""
    interventions: Int64Array
    """(J,), bits of `Intervention`."""
    imus: ImuState
    """Measured."""
    operator_command: Float64Array
    """(C,), SI units."""
    clock: Float64Array
    """(1,), s since the policy began or its pipelines were reset: what the phase is counted from."""
    tick: int = 0
    """Number of the tick, from 1."""
    time_ns: int = 0
    """When the readings were in."""
    state: int = 0
    """Value of `State` in which the command was made."""
    ran: bool = False
    """Whether the policy ran; if not, observation, action and target are older."""
    reset: bool = False
    """Whether the contract's pipelines were reset before the policy ran."""
    missed: int = 0
    """Ticks skipped before this one."""
    reasons: int = 0
    """Bits of `Reason`."""
    missed_in_a_row: int = 0
    """Ticks skipped since the last one that was on time."""
    operator_alive_ns: int = -1
    """Time of the last sign of life from the operator's device, as safety saw it; -1 while none is in use."""
    events: int = 0
    """Bits of the `Event`s that were fired from outside the ticks since the last row: open, enable, reset, e-stop."""
    between: bool = False
    """Whether this is no tick, but what was read and done between two: opening, switching on, a reset, an exception."""
    policy: int = 0
    """Number of the policy in command, from 0; one more with each that takes over."""
    port_lost: int = 0
    """0, or 1 if reading found a port lost in this tick, or 2 if writing did."""
    lateness_ns: int = 0
    """How long after its deadline the tick began."""
    read_ns: int = 0
    """Duration of reading, and of safety's check."""
    policy_ns: int = 0
    """Duration of observation and inference, of the last tick in which the policy ran."""
    work_ns: int = 0
    """Duration of the tick, from waking to the end of writing."""
    row: bytearray = field(default_factory=bytearray, repr=False)
    """The memory of what is logged, in the layout of `row_layout`; the numbers in it are those of the last `pack`."""
    _numbers: struct.Struct = field(default=struct.Struct(""), repr=False)
    _values: Callable[["TickRecord"], tuple[Any, ...]] = field(default=lambda _record: (), repr=False)

    def pack(self) -> bytearray:
        """Bring the numbers into the row beside the arrays, and return it: the same memory in every tick."""
        self._numbers.pack_into(self.row, 0, *self._values(self))
        return self.row

    @classmethod
    def empty(cls, contract: Contract) -> "TickRecord":
        """Return the record before the first tick; operator commands have their defaults."""
        joints = len(contract.robot.joints)
        record = cls(
            joints=JointState.empty(joints),
            observation=np.zeros(contract.observation_size, np.float32),
            action=np.zeros(contract.action_size, np.float32),
            target=np.zeros(joints),
            command=JointCommand.zeros(joints),
            interventions=np.zeros(joints, np.int64),
            imus=ImuState.empty(len(contract.robot.imus)),
            operator_command=np.array([command.default for command in contract.commands]),
            clock=np.zeros(1),
        )
        record._lay_out(contract)
        return record

    def signals(self) -> dict[str, Float64Array]:
        """Return the arrays of `Signals` in this record, by name: views, (1, …), that follow it from tick to tick."""
        return {each.signal: attrgetter(each.source)(self)[None] for each in FIELDS if each.signal}

    def _lay_out(self, contract: Contract) -> None:
        """Replace the arrays that are logged by views of one row, with the same values."""
        logged, layout = logged_fields(contract), row_layout(contract)
        self.row = bytearray(layout.dtype.itemsize)
        views = layout.arrays(self.row)
        # One block of five rows, so that drivers can check a whole command at once.
        start = layout.offset("command_position")
        command = np.ndarray((5, len(contract.robot.joints)), np.float64, self.row, start)
        command[:] = [getattr(self.command, each.name) for each in fields(JointCommand)]
        self.command = JointCommand(*command)
        for each in logged:
            if each.axis != "tick" and not each.source.startswith("command."):
                view = views[each.name]
                view[...] = attrgetter(each.source)(self)
                owner, _, name = each.source.rpartition(".")
                setattr(getattr(self, owner) if owner else self, name, view)
        numbers = [each for each in logged if each.axis == "tick"]
        self._numbers = struct.Struct("@" + "".join(_FORMATS[each.dtype] for each in numbers))
        self._values = attrgetter(*(each.source for each in numbers))


_FORMATS: Final[dict[type[np.generic], str]] = {np.int64: "q", np.bool_: "?", np.float64: "d"}
"""As NumPy lays out an aligned row that begins with them."""
