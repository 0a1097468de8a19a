"""The record of one tick: the arrays that the loop works on, and the numbers beside them, for the log."""

from dataclasses import dataclass

import numpy as np

from sim2real.hardware.types import Float64Array, ImuState, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract


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

    @classmethod
    def empty(cls, contract: Contract) -> "TickRecord":
        """Return the record before the first tick; operator commands have their defaults."""
        joints = len(contract.robot.joints)
        return cls(
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
