"""The robot of a replay: readings, times and failures come from the rows of a log; nothing is sent."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim2real.hardware.errors import PortLostError
from sim2real.hardware.types import BusCounters, ImuState, JointCommand, JointState, Supervision
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import Policy, RecurrentPolicy
from sim2real.runtime.tick_fields import FIELD, array_of


class ReplayClock:
    """The time of the row that is replayed."""

    def __init__(self) -> None:
        self.time_ns = 0

    def now_ns(self) -> int:
        """Return the time of the last reading."""
        return self.time_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Let the time pass."""
        self.time_ns = max(self.time_ns, deadline_ns)


class ReplayHardware:
    """Implements `JointInterface` and `WithImus` over a log.

    Args:
        joint_names: In joint order.
        clock: Set by every reading.
    """

    def __init__(self, joint_names: tuple[str, ...], clock: ReplayClock) -> None:
        self.row: dict[str, Any] = {}
        """The row that is replayed."""
        self._names = joint_names
        self._clock = clock

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """No messages."""
        return BusCounters()

    @property
    def supervision(self) -> Supervision:
        """Lost where the log says so."""
        return Supervision.LOST if "SUPERVISOR_LOST" in self.row["reasons"] else Supervision.NONE

    def read(self, state: JointState) -> None:
        """Give the reading of the row. Raises PortLostError where the log says so."""
        for name, source in _JOINTS.items():
            getattr(state, source)[:] = array_of(FIELD[name], self.row[name])
        self._clock.time_ns = self.row["time_ns"]
        if self.row["port_lost"] == 1:
            raise PortLostError("as logged")

    def read_imus(self, state: ImuState) -> None:
        """Give the reading of the row."""
        for name, source in _IMUS.items():
            getattr(state, source)[:] = array_of(FIELD[name], self.row[name])

    def write(self, command: JointCommand) -> None:
        """Send nothing. Raises PortLostError where the log says so."""
        if self.row["port_lost"] == 2:
            raise PortLostError("as logged")

    def open(self) -> None:
        """Do nothing."""

    def enable(self) -> None:
        """Do nothing."""

    def torque_off(self) -> None:
        """Do nothing."""

    def disable(self) -> None:
        """Do nothing."""

    def recover(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class ReplayPolicy:
    """Answers with the logged actions; also computes them again, where there is a policy.

    Args:
        contract: Of the log.
        policy: Computes the actions again.
    """

    def __init__(self, contract: Contract, policy: Policy | None) -> None:
        self.contract = contract
        self.provenance: Mapping[str, str] = {}
        self.digest = ""
        self.row: dict[str, Any] = {}
        """The row that is replayed."""
        self.in_command = True
        """Whether the policy that computes is the one in command."""
        self.computed: Float32Array | None = None
        """(1, A), the action of this row computed again; None where it was not."""
        self._policy = policy

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the logged action."""
        if self._policy is not None and self.in_command:
            self.computed = np.array(self._policy.act(observation))
        logged: Float32Array = array_of(FIELD["action"], [self.row["action"]])
        return logged

    def reset(self) -> None:
        """Let the policy forget."""
        if isinstance(self._policy, RecurrentPolicy):
            self._policy.reset()


_JOINTS = {
    field.name: field.source.removeprefix("joints.") for field in FIELD.values() if field.source.startswith("joints.")
}
_IMUS = {field.name: field.source.removeprefix("imus.") for field in FIELD.values() if field.source.startswith("imus.")}
