"""What becomes of a run: where the joints went, whether the goal was reached, and in which state it ended, by what."""

from sim2real.hardware.clock import NS_PER_S
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.controller import Controller
from sim2real.runtime.goal_watch import GoalWatch
from sim2real.runtime.states import LATCHED, State
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.trajectory import Trajectory


class RunOutcome:
    """Follows one run.

    Args:
        contract: Gives the goal.
        controller: Its state, signals and record are read.
        stop: What asks for the end.
        ticks: How many are to be expected; None where the run ends when it is stopped.

    Attributes:
        goal: The goal, and the distance from it.
        goal_reached: None where that was not decided.
        goal_missed: Why it was not reached, in words; empty where it was, or is not to be judged.
        stopped_by: What ended the run.
        trajectory: Every tick with torque.
    """

    def __init__(self, contract: Contract, controller: Controller, stop: StopRequest, ticks: int | None) -> None:
        self._controller, self._stop = controller, stop
        self._endless = ticks is None
        self.goal = GoalWatch(contract, controller.decimation.period_ns)
        self.goal_reached: bool | None = None
        self.goal_missed = self.stopped_by = ""
        held = round(self.goal.goal.hold * controller.decimation.rate) + 1
        self.trajectory = Trajectory(contract.joint_names, ticks, held)
        self._final_state: State | None = None
        self._first_ns = self._last_ns = 0

    @property
    def final_state(self) -> State:
        """The state in which the run ended."""
        return self._final_state or State.DISCONNECTED

    @property
    def duration_s(self) -> float:
        """Time from when torque was on to the last tick, s."""
        return (self._last_ns - self._first_ns) / NS_PER_S

    @property
    def first_ns(self) -> int:
        """When torque was on."""
        return self._first_ns

    def begin(self, now_ns: int) -> None:
        """Torque is on."""
        self._first_ns = self._last_ns = now_ns

    def append(self) -> None:
        """Follow a tick."""
        controller, record = self._controller, self._controller.record
        self._last_ns = record.time_ns
        controller.at_work = "the goal"
        distance = self.goal.distance(controller.signals, record)
        self.trajectory.append(record.time_ns, record.joints.position, distance, record.state)

    def decide_goal(self) -> None:
        """Decide on the goal at the end of the policy's time, before the robot is lowered."""
        controller, goal = self._controller, self.goal
        state = State.FAULT if controller.state is State.REACTING else controller.state
        self._final_state = state
        since_ns, stopped_by = controller.running_since_ns, self._stop.cause or "duration"
        if since_ns is None or state in LATCHED:
            return
        if goal.goal.spec.kind != "finish":
            self.goal_reached = goal.reached(self.trajectory, since_ns)
        elif state is not State.RUNNING:
            self.goal_reached = False
        else:
            # A run without a duration ends when it is stopped; one that was cut short is not decided.
            self.goal_reached = True if stopped_by == "duration" or self._endless else None
        if self.goal_reached is False and state is State.RUNNING and stopped_by == "duration":
            self.goal_missed = goal.missed(self.trajectory)

    def end(self) -> None:
        """Decide how the run ended."""
        state = self._controller.state
        if self._final_state is None or state in LATCHED:
            self._final_state = State.FAULT if state is State.REACTING else state
        self.stopped_by = "fault" if self._final_state is State.FAULT else self._stop.cause or "duration"
        if state in LATCHED:
            self.goal_reached, self.goal_missed = False, ""
