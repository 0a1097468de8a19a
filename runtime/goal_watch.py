"""The goal of a run: the robot's distance from it in every tick, and whether it was reached."""

from math import isfinite, nan

from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.record import TickRecord
from sim2real.runtime.trajectory import Trajectory


class GoalWatch:
    """Watches the goal of one robot.

    Args:
        contract: Gives the goal.
        period_ns: Control period.
    """

    def __init__(self, contract: Contract, period_ns: int) -> None:
        self.goal = Goal(contract, 1)
        self._period_ns = period_ns
        measuring = contract.robot.imus[:1] if self.goal.spec.kind == "upright" else ()
        self._imu_age_max_ns = [ns_from_s(imu.stale_after) for imu in measuring]

    def distance(self, signals: Signals, record: TickRecord) -> float:
        """Return the distance from the goal in this tick; NaN while the IMU that measures it is silent."""
        for imu, age_max_ns in enumerate(self._imu_age_max_ns):
            if not record.time_ns - record.imus.stamp_ns.item(imu) <= age_max_ns:
                return nan
        return self.goal.distance(signals).item(0)

    def reached(self, trajectory: Trajectory, since_ns: int) -> bool | None:
        """Tell whether the goal was held to the end of the run.

        Args:
            trajectory: Every tick, with its distance from the goal.
            since_ns: When the policy first ran.

        Returns:
            True when every distance of the last `hold` seconds is within tolerance; None when the policy ran for less.
        """
        time_ns = trajectory.time_ns
        if len(time_ns) == 0 or int(time_ns[-1]) + self._period_ns - since_ns < round(self.goal.hold * NS_PER_S):
            return None
        return bool(self.goal.within(self._held(trajectory)).all())

    def missed(self, trajectory: Trajectory) -> str:
        """Return why the goal was not reached, in words."""
        worst = float(self._held(trajectory).max())
        away = f"up to {self.goal.text(worst)} away" if isfinite(worst) else "not measured throughout"
        return f"goal not reached: {self.goal.words}; in that time it was {away}"

    def _held(self, trajectory: Trajectory) -> Float64Array:
        """Return the distances of the last `hold` seconds."""
        time_ns = trajectory.time_ns
        return trajectory.distance[time_ns > int(time_ns[-1]) + self._period_ns - round(self.goal.hold * NS_PER_S)]
