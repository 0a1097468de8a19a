"""How far a robot is from its goal: one definition for verdict, reward and report."""

import math

import numpy as np

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.goal_spec import FinishGoal, GoalSpec, JointGoal, TipGoal, UprightGoal
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract


class Goal:
    """The goal of n robots. No policy sees it: it may allocate, and its last bits may differ between machines.

    Args:
        contract: Gives the goal, and what it is measured with.
        n: Number of robots, at most.
    """

    spec: GoalSpec
    tolerance: float
    """Largest distance that is within, rad or m."""
    hold: float
    """s at the end of a run in which it must be so; 0 where the end itself is the goal."""
    unit: str
    """Of distances, as people read them: deg, mm, or nothing."""
    factor: float
    """From rad or m to that unit."""

    def __init__(self, contract: Contract, n: int) -> None:
        self.spec = spec = contract.goal
        self.hold = 0.0 if isinstance(spec, FinishGoal) else spec.hold
        self.tolerance, self.unit, self.factor = 0.0, "", 1.0
        if isinstance(spec, TipGoal):
            self.tolerance, self.unit, self.factor = spec.distance, "mm", 1e3
        elif not isinstance(spec, FinishGoal):
            self.tolerance, self.unit, self.factor = spec.tolerance, "deg", 180.0 / math.pi
        self._joint = contract.joint_names.index(spec.joint) if isinstance(spec, JointGoal) else 0
        self._kinematics = Kinematics(contract.robot, n) if isinstance(spec, TipGoal) else None
        self._target = list(contract.tip_columns) if isinstance(spec, TipGoal) else []
        self._sine, self._angle = np.zeros(1), np.zeros(1)
        self._imu = contract.robot.imus[0].name if isinstance(spec, UprightGoal) else ""

    def distance(self, signals: Signals) -> Float64Array:
        """Return how far each of k ≤ n robots is from the goal, (k,), rad or m, never negative; 0 where it is the end.

        A joint's distance is |position - goal|, in [0, π] where full turns count as the same. A body's is its tilt: the
        angle between its z axis and the vertical, 2·asin √(x² + y²) of its orientation. A tip's is the
        length from the tip, computed from the joint positions, to the commanded position.
        """
        if isinstance(self.spec, JointGoal):
            error = goal_error(signals.joint_position[:, self._joint], self.spec.position, self.spec.wrap)
            return np.abs(error, out=error)
        if isinstance(self.spec, UprightGoal):
            if len(signals.orientation) == 1:  # the same doubles, without a call of numpy for each operation
                _, x1, y1, _ = signals.orientation[0, 0].tolist()
                self._sine[0] = min(math.sqrt(x1 * x1 + y1 * y1), 1.0)
                return 2.0 * np.arcsin(self._sine, self._angle)
            x, y = signals.orientation[:, 0, 1], signals.orientation[:, 0, 2]
            tilt: Float64Array = 2.0 * np.arcsin(np.minimum(np.sqrt(x * x + y * y), 1.0))
            return tilt
        if self._kinematics is not None:
            offset = self._kinematics.tip(signals.joint_position) - signals.command[:, self._target]
            length: Float64Array = np.sqrt(np.square(offset).sum(axis=1))
            return length
        return np.zeros(len(signals.joint_position))

    def within(self, distance: Float64Array) -> BoolArray:
        """Return which distances are within tolerance, of the same shape; NaN is not."""
        return distance <= self.tolerance

    def text(self, distance: float) -> str:
        """Return a distance as people read it, such as `12 mm`."""
        return f"{distance * self.factor:.4g} {self.unit}"

    @property
    def words(self) -> str:
        """The goal in words, such as `tip within 12 mm of the target for the last 2 s`."""
        if isinstance(self.spec, FinishGoal):
            return "the end of the run without a fault"
        within = f"within {self.text(self.tolerance)} of"
        last = f"for the last {self.hold:.4g} s"
        if isinstance(self.spec, JointGoal):
            return f"joint {self.spec.joint} {within} {self.text(self.spec.position)} {last}"
        if isinstance(self.spec, UprightGoal):
            return f"body of IMU {self._imu} {within} upright {last}"
        return f"tip {within} the target {last}"


def goal_error(position: Float64Array, goal: float, wrap: bool) -> Float64Array:
    """Return position minus goal, rad, of the same shape.

    Args:
        position: Joint positions, any shape, rad.
        goal: rad.
        wrap: Whether full turns count as the same position; the nearest turn's distance, in [-π, π], is returned then.
    """
    error = position - goal
    if wrap:
        # IEEE remainder: exact for distances within half a turn.
        error -= 2.0 * math.pi * np.rint(error / (2.0 * math.pi))
    return error
