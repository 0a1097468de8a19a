"""One run from closed ports to closed ports: open, enable, start pose, policy; torque off on every way out."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S, Clock, ns_from_s
from sim2real.hardware.families import when_silent
from sim2real.hardware.interface import JointInterface
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.controller import Controller
from sim2real.runtime.envelope.settings import envelope_notices
from sim2real.runtime.first_reading import await_first_reading
from sim2real.runtime.goal_watch import GoalWatch
from sim2real.runtime.loop import Pacer
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.policy import Policy, check_robot
from sim2real.runtime.realtime import RealTimeProfile, real_time_profile
from sim2real.runtime.report import RunReport
from sim2real.runtime.ring import SharedRing
from sim2real.runtime.states import LATCHED, Event, State
from sim2real.runtime.stop import StopRequest, stop_on_signals
from sim2real.runtime.telemetry import TelemetryLog
from sim2real.runtime.trajectory import Trajectory
from sim2real.runtime.verdict import DAMP_REASONS, Level

_WATCHDOG_SLACK_S = 0.1  # the emulator's and the motors' watchdogs count in steps of 20 ms


@dataclass(frozen=True)
class RunOptions:
    """Options of a run; only `commands` change what the policy sees."""

    duration: float | None = None
    """s of policy; until stopped when None."""
    log: Path | None = None
    synchronous_log: bool = False
    """Write the log within the tick: for virtual clocks, where it makes no difference and the file is deterministic."""
    real_time: bool = False
    """Request the real-time profile."""
    cpu: int | None = None
    before_shutdown: Callable[[], None] | None = None
    """Called at the end of the run, before torque is switched off."""
    commands: Mapping[str, float] = field(default_factory=dict)
    """Operator commands by name, SI units; the task's defaults for the rest."""
    on_tick: Callable[[Controller], None] | None = None
    """Called after every tick, for progress; must be quick."""
    stopwatch: Callable[[], int] = time.perf_counter_ns
    """Integer nanoseconds, for the statistics of the stages."""
    stop: StopRequest = field(default_factory=StopRequest)
    operator: Operator | None = None
    """Polled once a tick; `stop` is then also what it asks for."""
    wait_for_start: bool = False
    """Wait in LIMP, without torque, until the operator starts."""
    ring: SharedRing | None = None
    """For processes beside the run: gets every tick, also those in LIMP, and the final state."""


def run_session(
    policy: Policy, robot: RobotConfig, hardware: JointInterface, clock: Clock, options: RunOptions | None = None
) -> RunReport:
    """Run a policy on a robot.

    Args:
        policy: Its contract must be the robot's.
        robot: The robot.
        hardware: Its motors, not yet opened. Closed, without torque, when this returns or raises.
        clock: The clock that the hardware also uses.
        options: Duration, log, and the like.

    Raises:
        UserError: The policy is for another robot, the hardware is not as configured, or the log cannot be written.
    """
    options = options or RunOptions()
    with ExitStack() as stack:
        refused = stack.enter_context(ExitStack())
        refused.callback(hardware.close)  # when nothing comes of the run
        check_robot(policy.contract, robot)
        session = _Session(policy, robot, hardware, clock, options)
        if options.log is not None:
            session.log = stack.enter_context(_open_log(policy, robot, options))
        stack.enter_context(stop_on_signals(options.stop))
        stack.enter_context(refused.pop_all())  # from here on before signals interrupt again, and the log is closed
        if options.real_time:
            # After the start of the log's process, which must not inherit the priority.
            profile = stack.enter_context(real_time_profile(options.cpu))
            session.use(profile)
        session.run()
    return session.report()


class _Session:
    def __init__(
        self, policy: Policy, robot: RobotConfig, hardware: JointInterface, clock: Clock, options: RunOptions
    ) -> None:
        contract = policy.contract
        self.log: TelemetryLog | None = None
        self.warnings: list[str] = list(envelope_notices(robot_spec(robot).safety, contract.robot.safety))
        self._contract = contract
        self._robot = robot
        self._hardware = hardware
        self._clock = clock
        self._options = options
        self._period_ns = round(NS_PER_S / contract.control_rate)
        self._controller = Controller(policy, robot, hardware, clock, options.stopwatch)
        for name, value in options.commands.items():
            self._controller.set_operator_command(name, value)
        self._pacer = Pacer(clock, self._period_ns)
        self._before_loop: Callable[[], None] = lambda: None
        self._goal = GoalWatch(contract, self._period_ns)
        held = round(self._goal.goal.hold * contract.control_rate) + 1
        self._trajectory = Trajectory(contract.joint_names, self._ticks_expected(), held)
        self._stopped_by = self._torque_off_problem = ""
        self._final_state = State.DISCONNECTED
        self._first_ns = self._last_ns = 0

    def use(self, profile: RealTimeProfile) -> None:
        """Run with what was granted of the real-time profile."""
        self.warnings += [f"real-time profile: {refusal}" for refusal in profile.refused]
        self._pacer.spin_ns = profile.spin_ns
        self._before_loop = profile.clear_processor

    def run(self) -> None:
        controller, hardware = self._controller, self._hardware
        hardware.open()
        controller.machine.fire(Event.OPEN)
        try:
            if self._check_before_torque() and self._started():
                hardware.enable()
                controller.machine.fire(Event.ENABLE)
                self._first_ns = self._last_ns = self._clock.now_ns()
                self._before_loop()
                controller.pose.begin(controller.record.joints, self._first_ns)
                self._loop()
            self._end()
        finally:
            problem = controller.cut_torque()
            if problem:
                self._torque_off_problem = f"torque off was not confirmed; {when_silent(self._robot)}: {problem}"

    def report(self) -> RunReport:
        controller, trajectory = self._controller, self._trajectory
        goal = self._goal_reached()
        reasons = self._reasons(goal)
        return RunReport(
            ok=not reasons,
            reasons=reasons,
            warnings=tuple(self.warnings),
            final_state=self._final_state,
            goal=self._goal.goal.words,
            goal_reached=goal,
            stopped_by=self._stopped_by,
            duration=(self._last_ns - self._first_ns) / NS_PER_S,
            ticks=controller.record.tick,
            missed_ticks=self._pacer.missed,
            held_ticks=controller.held_ticks,
            interventions=dict(controller.interventions.counts),
            events=tuple(controller.interventions.events),
            bus=self._hardware.counters,
            statistics=controller.statistics,
            log=self._options.log,
            logged_ticks=self.log.ticks if self.log else 0,
            joints=trajectory.joints,
            time=(trajectory.time_ns - self._first_ns) / NS_PER_S,
            position=trajectory.position.copy(),
            distance=trajectory.distance.copy(),
        )

    def _ticks_expected(self) -> int | None:
        if self._options.duration is None:
            return None
        # The policy's time begins after the start pose.
        return round((self._options.duration + self._robot.ready.timeout) * self._contract.control_rate) + 10

    def _check_before_torque(self) -> bool:
        """Wait for the first complete reading and check it; return whether torque may be switched on."""
        controller, robot = self._controller, self._contract.robot
        joints, imus = controller.record.joints, controller.record.imus

        def read() -> None:
            controller.read()
            controller.record.time_ns = self._clock.now_ns()

        def stopped() -> bool:
            return bool(self._options.stop.cause)

        await_first_reading(read, robot, joints, imus, self._clock, self._period_ns, stopped)
        now_ns = controller.record.time_ns
        controller.safety.begin(joints, now_ns)
        verdict = controller.check()
        if verdict.level is Level.OK:
            return True
        controller.fault(*verdict.violations)
        return False

    def _started(self) -> bool:
        """Wait in LIMP until the operator starts; return whether torque may be switched on."""
        operator, controller = self._options.operator, self._controller
        if operator is None or not self._options.wait_for_start:
            return not self._options.stop.cause
        operator.poll()
        starts = operator.starts  # one asked for while the robot was still connecting is not meant for what it is now
        self._pacer.start()
        while operator.starts == starts:
            self._pacer.wait()
            self._poll_operator()
            if self._options.stop.cause:
                return False
            controller.read()
            controller.record.time_ns = self._clock.now_ns()
            verdict = controller.check()
            if verdict.level is Level.FAULT:
                controller.fault(*verdict.violations)
                return False
            if verdict.level is not Level.OK:
                starts = operator.starts  # not while readings are missing, and not by itself when they are back
            self._show()
        return True

    def _poll_operator(self) -> None:
        """Take what the operator asks for."""
        operator, options = self._options.operator, self._options
        if operator is None:
            return
        operator.poll()
        if operator.emergency:
            options.stop.emergency_stop("operator")
        elif operator.stop:
            options.stop.stop("operator")
        self._controller.take_operator(operator)

    def _show(self) -> None:
        """Let the processes beside the run see the state."""
        if self._options.ring is not None:
            record = self._controller.record
            record.state = self._controller.state.value
            self._options.ring.push(record.pack())

    def _loop(self) -> None:
        controller, pacer, options, watch = self._controller, self._pacer, self._options, self._options.stopwatch
        stop, trajectory, record = options.stop, self._trajectory, controller.record
        duration_ns = None if options.duration is None else ns_from_s(options.duration)
        pacer.start()
        while True:
            missed = pacer.wait()
            controller.statistics["lateness"].add(self._clock.now_ns() - pacer.deadline_ns)
            self._poll_operator()
            if stop.emergency:
                controller.machine.fire(Event.ESTOP)
                controller.cut_torque()
                break
            if stop.cause or self._time_is_over(duration_ns):
                break
            controller.tick(missed, pacer.missed_in_a_row)
            started = watch()
            self._last_ns = record.time_ns
            distance = self._goal.distance(controller.signals, record)
            trajectory.append(record.time_ns, record.joints.position, distance, record.state)
            if self.log is not None:
                self.log.record(record)
            self._show()
            controller.statistics["record"].add(watch() - started)
            if options.on_tick is not None:
                options.on_tick(controller)
            if controller.state in LATCHED:
                break

    def _time_is_over(self, duration_ns: int | None) -> bool:
        since_ns = self._controller.running_since_ns
        if duration_ns is None or since_ns is None:
            return False
        # Deadlines, not readings: how long a read took must not change how many ticks a run has.
        return self._pacer.deadline_ns - since_ns >= duration_ns - self._period_ns // 2

    def _end(self) -> None:
        controller, options = self._controller, self._options
        self._final_state = controller.state
        self._show()
        self._stopped_by = options.stop.cause or "duration"
        if controller.state in LATCHED:
            if controller.state is State.FAULT:
                self._stopped_by = "fault"
            # Torque was cut at once; now silence, which lets the watchdogs of motors that did not hear it expire.
            silence_s = self._robot.safety.watchdog + _WATCHDOG_SLACK_S
            self._clock.sleep_until_ns(self._clock.now_ns() + ns_from_s(silence_s))
        if self.log is not None:
            self.log.summary = {"final_state": self._final_state.name, "stopped_by": self._stopped_by}
        if options.before_shutdown is not None:
            options.before_shutdown()

    def _reasons(self, goal: bool | None) -> tuple[str, ...]:
        controller = self._controller
        reasons: list[str] = []
        if self._final_state is State.FAULT:
            violations = controller.fault_verdict.violations
            # Violations that only damp are listed when there is nothing worse: a policy that keeps giving NaN.
            blamed = [each for each in violations if each.reason not in DAMP_REASONS] or violations
            reasons.extend(f"fault: {controller.interventions.event_of(0, violation)}" for violation in blamed)
        elif self._final_state is not State.RUNNING and self._stopped_by == "duration":
            reasons.append(f"the run ended in state {self._final_state.name}")
        elif self._final_state is State.ESTOP:
            reasons.append(f"emergency stop by {self._stopped_by}")
        elif goal is False and self._stopped_by == "duration":
            reasons.append(self._goal.missed(self._trajectory))
        if self._torque_off_problem:
            reasons.append(self._torque_off_problem)
        if self.log is not None and self.log.error:
            reasons.append(self.log.error)
        if self.log is not None and self.log.dropped:
            self.warnings.append(f"{self.log.dropped} ticks are missing in the log: the disk did not keep up")
        return tuple(reasons)

    def _goal_reached(self) -> bool | None:
        since_ns, state = self._controller.running_since_ns, self._final_state
        if state in LATCHED:
            return False
        if since_ns is None:
            return None
        if self._goal.goal.spec.kind != "finish":
            return self._goal.reached(self._trajectory, since_ns)
        if state is not State.RUNNING:
            return False
        # A run without a duration ends when it is stopped; one that was cut short is not decided.
        return True if self._stopped_by == "duration" or self._options.duration is None else None


def _open_log(policy: Policy, robot: RobotConfig, options: RunOptions) -> TelemetryLog:
    if options.log is None:
        raise UserError("the options of the run name no log")
    metadata = to_metadata(policy.contract, policy.provenance)
    metadata["policy_sha256"] = policy.digest
    metadata["robot"] = json.dumps(robot.model_dump(mode="json"))
    return TelemetryLog(
        options.log, policy.contract, metadata, synchronous=options.synchronous_log, loop_cpu=options.cpu
    )
