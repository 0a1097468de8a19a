"""What one tick was: the arrays that the loop works on, and the numbers beside them, handed to the log."""

from dataclasses import dataclass

import numpy as np

from sim2real.hardware.types import Float64Array, ImuState, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract


@dataclass(slots=True)
class TickRecord:
    """One tick. The arrays are the loop's own buffers, so whoever keeps them copies them."""

    joints: JointState
    observation: Float32Array
    """(O,), of the last tick in which the policy ran."""
    action: Float32Array
    """(A,), the policy's raw output of that tick."""
    target: Float64Array
    """(J,), effort or position target that the contract made of it, before any limit."""
    command: JointCommand
    """After limiting: what was sent."""
    bits: Int64Array
    """(J,), bits of `Intervention`."""
    imus: ImuState
    asked: Float64Array
    """(C,), what the operator asks of the policy."""
    clock: Float64Array
    """(1,), s since the policy began or its pipelines were reset: what the phase is counted from."""
    tick: int = 0
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
        """Return the record before the first tick."""
        joints = len(contract.robot.joints)
        return cls(
            joints=JointState.empty(joints),
            observation=np.zeros(contract.observation_size, np.float32),
            action=np.zeros(contract.action_size, np.float32),
            target=np.zeros(joints),
            command=JointCommand.zeros(joints),
            bits=np.zeros(joints, np.int64),
            imus=ImuState.empty(len(contract.robot.imus)),
            asked=np.array([command.default for command in contract.commands]),
            clock=np.zeros(1),
        )
