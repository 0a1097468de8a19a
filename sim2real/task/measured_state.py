"""The task state of a robot, from its own readings."""

from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.task.metrics import METRIC_NEEDS
from sim2real.task.rewards import NEEDS, Need
from sim2real.task.state import TaskState

_UNMEASURED: Final[frozenset[Need]] = frozenset({"base", "feet", "rail", "travel"})
"""Not measured by any robot; the tip follows from the joint positions."""


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
    names = [
        *(entry.term for entry in task.rewards),
        *(entry.term for entry in task.terminations),
        *([task.performance.term] if task.performance else []),
        *task.metrics,
    ]
    table = NEEDS | METRIC_NEEDS
    unmeasured = dict.fromkeys(name for name in names if _UNMEASURED.intersection(table.get(name, ())))
    if unmeasured:
        raise UserError(
            f"task {task.name!r}: {', '.join(unmeasured)} cannot be evaluated on a robot, which measures neither where "
            "its base and feet are nor how they move"
        )
