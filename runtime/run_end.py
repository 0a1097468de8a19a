"""How a run ends: its time is over or a stop was asked for, the robot is lowered, torque goes off, the ports close."""

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.interface import JointInterface
from sim2real.runtime.controller import Controller
from sim2real.runtime.outcome import RunOutcome
from sim2real.runtime.states import LATCHED, WITH_TORQUE, Event, State
from sim2real.runtime.stop import StopRequest

_WATCHDOG_SLACK_S = 0.1  # the emulator's and the motors' watchdogs count in steps of 20 ms


class RunEnd:
    """Ends one run.

    Args:
        controller: Has the state machine, the poses and torque off.
        outcome: Decides on the goal before the robot is lowered.
        stop: What asks for the end.
        robot: Gives the time after which motors that hear nothing stop.
        hardware: Its ports are closed at last.
        clock: The clock of the hardware.
        duration: s of policy; None: until it is stopped.
    """

    def __init__(
        self,
        controller: Controller,
        outcome: RunOutcome,
        stop: StopRequest,
        robot: RobotConfig,
        hardware: JointInterface,
        clock: Clock,
        duration: float | None,
    ) -> None:
        self._controller, self._outcome, self._stop = controller, outcome, stop
        self._hardware, self._clock = hardware, clock
        self._silence_ns = ns_from_s(robot.safety.watchdog + _WATCHDOG_SLACK_S)
        self._duration_ns = None if duration is None else ns_from_s(duration)
        self._period_ns = controller.decimation.period_ns
        self._lowering_stops: int | None = None
        self.problem = ""
        """What went wrong with closing the ports, in words; empty for nothing."""

    @property
    def begun(self) -> bool:
        """Whether the robot is lowered, or was."""
        return self._lowering_stops is not None

    def is_due(self, deadline_ns: int) -> bool:
        """Tell whether a stop was asked for, or the policy's time is over at the deadline of a tick."""
        return self._stop.ending or self._time_is_over(deadline_ns)

    def begin(self) -> bool:
        """Begin to end the run; return whether it goes on for a while, to lower the robot."""
        controller, stops = self._controller, self._stop.count
        if self._lowering_stops is not None:
            return not stops > self._lowering_stops and controller.state in (State.LOWERING, State.REACTING)
        self._outcome.decide_goal()
        if not controller.can_lower:
            return False
        self._lowering_stops = stops
        controller.fire(Event.LOWER)
        return True

    def keep_silent(self) -> None:
        """After a fault, whose torque was cut at once: let the watchdogs expire of motors that did not hear it."""
        if self._controller.state in LATCHED:
            self._clock.sleep_until_ns(self._clock.now_ns() + self._silence_ns)

    def close(self) -> None:
        """Switch torque off, until it is confirmed or the time is over, and close the ports."""
        controller = self._controller
        try:
            if controller.state is State.REACTING:
                controller.fire(Event.FAULT)
            elif controller.state in WITH_TORQUE:
                controller.fire(Event.DISABLE)
            if controller.touched or controller.state is State.ESTOP:
                controller.torque.confirm()
        finally:
            self._close_ports()

    def _time_is_over(self, deadline_ns: int) -> bool:
        since_ns = self._controller.running_since_ns
        if self._duration_ns is None or since_ns is None:
            return False
        # Deadlines, not readings: how long a read took must not change how many ticks a run has.
        return deadline_ns - since_ns >= self._duration_ns - self._period_ns // 2

    def _close_ports(self) -> None:
        """Close the ports; a second time if that raised an exception."""
        controller = self._controller
        try:
            if controller.state is State.DISCONNECTED:
                self._hardware.close()
            else:
                controller.fire(Event.CLOSE)
        except BaseException as error:  # noqa: BLE001 - torque is off, or said not to be
            self.problem = f"closing the ports raised {type(error).__name__}: {error}"
            self._hardware.close()
