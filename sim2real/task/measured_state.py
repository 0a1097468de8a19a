"""The task state of a robot, from its own readings."""

from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.task.state import TaskState
from sim2real.task.term import Need
from sim2real.task.terms import Terms

_MEASURED: Final[frozenset[Need]] = frozenset({"effort", "tip"})
"""Needs that every robot's readings meet; the tip follows from the joint positions."""


class MeasuredState:
    """The state of one robot: joints as read, tip by forward kinematics, attitude from the first IMU.

    Args:
        task: The task.
        contract: Its contract.

    Raises:
        UserError: A term of the task needs a quantity that no robot measures.
    """

    def __init__(self, task: TaskConfig, contract: Contract) -> None:
        _refuse_unmeasured(task)
        knows_tip = contract.robot.tip is not None and bool(contract.tip_columns)
        self.state = TaskState.zeros(task, 1, frozenset({"tip"} if knows_tip else ()))
        """Updated by `read`, except command, actions and commanded efforts, which the caller sets."""
        self._by_effort = task.action.target == "effort"
        self._upright = task.goal.kind == "upright"
        self._control_rate = task.control_rate
        self._kinematics = Kinematics(contract.robot, 1) if knows_tip else None
        self._tip_columns = list(contract.tip_columns)
        self._tip_before = np.zeros((1, 3))
        self._read_before = False

    def read(self, signals: Signals, row: int) -> None:
        """Update the state, one control step after the last call; the first call assumes no motion before it.

        Args:
            signals: Readings.
            row: Row of the readings to use.
        """
        state, rows = self.state, slice(row, row + 1)
        position, velocity = signals.joint_position[rows], signals.joint_velocity[rows]
        np.copyto(state.previous_velocity, state.velocity if self._read_before else velocity)
        np.copyto(state.position, position)
        np.copyto(state.velocity, velocity)
        if not self._by_effort:
            np.copyto(state.effort, signals.joint_effort[rows])
        if self._upright:
            np.copyto(state.attitude, signals.orientation[rows, 0])
        if self._kinematics is not None:
            tip = self._kinematics.tip(state.position)
            np.subtract(state.command[:, self._tip_columns], tip, out=state.tip_offset)
            before = self._tip_before if self._read_before else tip
            np.multiply(tip - before, self._control_rate, out=state.tip_velocity)
            np.copyto(self._tip_before, tip)
        self._read_before = True


def _refuse_unmeasured(task: TaskConfig) -> None:
    terms = Terms.of(task)
    unseen = (terms.privileged, terms.commands)  # a robot has no critic, and its commands are the operator's
    named = [(name, table[name]) for _, name, table in terms.named_by(task) if not any(table is one for one in unseen)]
    unmeasured = dict.fromkeys(name for name, term in named if not _MEASURED.issuperset(term.needs))
    if unmeasured:
        raise UserError(
            f"task {task.name!r}: {', '.join(unmeasured)} cannot be evaluated on a robot, which measures neither where "
            "its base and feet are and how they move, nor what it touches"
        )
