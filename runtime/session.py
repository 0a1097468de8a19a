"""One run from closed ports to closed ports: open, enable, start pose, policy; torque off on every way out."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S, Clock, VirtualClock
from sim2real.hardware.errors import CancelledError, HardwareError
from sim2real.hardware.interface import JointInterface
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.controller import Controller
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.envelope.settings import envelope_notices
from sim2real.runtime.loop import Pacer
from sim2real.runtime.operator.requests import OperatorRequests
from sim2real.runtime.outcome import RunOutcome
from sim2real.runtime.policy import Policy, check_robot, check_speed
from sim2real.runtime.realtime import RealTimeProfile, real_time_profile
from sim2real.runtime.report import RunReport, noted
from sim2real.runtime.restart import Restart
from sim2real.runtime.run_end import RunEnd
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.run_reasons import bus_warnings, log_reasons, reasons_of, warnings_of
from sim2real.runtime.states import LATCHED, WITH_TORQUE, Event, State
from sim2real.runtime.stop import stop_on_signals
from sim2real.runtime.swap import swaps_text
from sim2real.runtime.telemetry import TelemetryLog
from sim2real.runtime.verdict import Level


def run_session(
    policy: Policy, robot: RobotConfig, hardware: JointInterface, clock: Clock, options: RunOptions | None = None
) -> RunReport:
    """Run a policy on a robot.

    Whatever raises an exception in a tick (the policy, an observation term, a driver, the log) is a fault: torque goes
    off, and the report names it. What `on_tick` raises is raised again, after torque is off.

    Args:
        policy: Its contract must be the robot's.
        robot: The robot.
        hardware: Its motors, not yet opened. Closed, without torque, when this returns or raises.
        clock: The clock that the hardware also uses.
        options: Duration, log, and the like.

    Raises:
        UserError: The policy is for another robot or too slow for its rate on this machine, the hardware is not as
            configured, or the log cannot be written.
    """
    options = options or RunOptions()
    with ExitStack() as stack:
        refused = stack.enter_context(ExitStack())
        refused.callback(hardware.close)  # when nothing comes of the run
        check_robot(policy.contract, robot)
        if not isinstance(clock, VirtualClock):  # which stands still while the policy computes
            check_speed(policy, Decimation(policy.contract.control_rate, robot.loop.bus_rate).rate)
        session = _Session(policy, robot, hardware, clock, options)
        if options.log is not None:
            session.log = stack.enter_context(_open_log(options.log, policy, robot, options))
        stack.enter_context(stop_on_signals(options.stop))
        if options.real_time:
            # After the start of the log's process, which must not inherit the priority.
            profile = stack.enter_context(real_time_profile(options.cpu))
            session.use(profile)
        refused.pop_all()  # the session closes the ports itself, before signals interrupt again
        session.run()
    if session.raised is not None:
        raise noted(session.raised, session.torque_problem)  # there is no report that could say it
    return session.report()


class _Session:
    def __init__(
        self, policy: Policy, robot: RobotConfig, hardware: JointInterface, clock: Clock, options: RunOptions
    ) -> None:
        contract = policy.contract
        self.log: TelemetryLog | None = None
        self.warnings: list[str] = list(envelope_notices(robot_spec(robot).safety, contract.robot.safety))
        self.raised: BaseException | None = None
        """What the hook of the caller has raised."""
        self._hardware = hardware
        self._clock = clock
        self._options = options
        self._stop = options.stop
        self._controller = Controller(policy, robot, hardware, clock, options.stopwatch, self._ending)
        self._requests = OperatorRequests(options.operator, options.stop, self._controller.take_operator)
        for name, value in options.commands.items():
            self._controller.set_operator_command(name, value)
        self._pacer = Pacer(clock, self._controller.decimation.period_ns)
        self._restart = Restart(
            self._controller, self._requests, options.stop, self._pacer, self._log_between, self._warn
        )
        self._before_loop: Callable[[], None] = lambda: None
        expected = _ticks_expected(options, robot, self._controller)
        self._outcome = RunOutcome(contract, self._controller, options.stop, expected)
        self._end = RunEnd(self._controller, self._outcome, options.stop, robot, hardware, clock, options.duration)

    def use(self, profile: RealTimeProfile) -> None:
        """Run with what was granted of the real-time profile."""
        self.warnings += [f"real-time profile: {refusal}" for refusal in profile.refused]
        self._pacer.spin_ns = profile.spin_ns
        self._before_loop = profile.clear_processor

    def run(self) -> None:
        """Run; torque is off and the ports are closed when this returns or raises."""
        controller = self._controller
        try:
            self._guarded(self._loop, self._connect())
            self._guarded(self._finish)
        except HardwareError as error:
            controller.torque.confirm()
            if controller.torque.problem:
                raise HardwareError(f"{error}; {controller.torque.problem}") from error
            raise
        finally:
            self._end.close()

    @property
    def torque_problem(self) -> str:
        """Which motors did not confirm torque off, after the run; empty if all did."""
        return self._controller.torque.problem

    def _guarded(self, step: Callable[[], None], wanted: bool = True) -> None:
        """Run a step; an exception in it is a fault, for the report."""
        try:
            if wanted:
                step()
        except BaseException as error:  # noqa: BLE001 - the report says what it was
            self._controller.fail(error)
            self._outcome.end()

    def report(self) -> RunReport:
        """Return the verdict and the figures, after the run."""
        controller, outcome, trajectory = self._controller, self._outcome, self._outcome.trajectory
        reasons = (
            reasons_of(controller, outcome.final_state, outcome.stopped_by, outcome.goal_missed)
            + log_reasons(self.log)
            + ((self._end.problem,) if self._end.problem else ())
        )
        ticks, missed = controller.record.tick, self._pacer.missed
        return RunReport(
            ok=not reasons,
            reasons=reasons,
            warnings=(
                *self.warnings,
                *warnings_of(ticks, missed, self.log, controller),
                *bus_warnings(ticks, controller.held_ticks, self._hardware.counters.by_joint),
            ),
            final_state=outcome.final_state,
            goal=outcome.goal.goal.words,
            goal_reached=outcome.goal_reached,
            stopped_by=outcome.stopped_by,
            duration=outcome.duration_s,
            ticks=ticks,
            missed_ticks=missed,
            held_ticks=controller.held_ticks,
            interventions=dict(controller.interventions.counts),
            events=tuple(controller.interventions.events),
            bus=self._hardware.counters,
            statistics=controller.statistics,
            log=self._options.log,
            logged_ticks=self.log.ticks if self.log else 0,
            swaps=tuple((swap.tick, swap.digest) for swap in controller.swaps),
            joints=trajectory.joints,
            time=(trajectory.time_ns - outcome.first_ns) / NS_PER_S,
            position=trajectory.position.copy(),
            distance=trajectory.distance.copy(),
        )

    def _ending(self) -> bool:
        """Tell whether a stop was asked for: looked at in every wait."""
        self._requests.poll()
        return bool(self._stop.cause)

    def _show(self) -> None:
        """Let the processes beside the run see the state."""
        if self._options.ring is not None:
            record = self._controller.record
            record.state = self._controller.state.value
            self._options.ring.push(record.pack())

    def _connect(self) -> bool:
        """Open, read, check, and switch on; return whether torque is on."""
        controller = self._controller
        try:
            controller.fire(Event.OPEN)
            verdict = controller.check_before_torque()
            self._log_between()
            if verdict.level is not Level.OK:
                controller.fault(*verdict.violations)
                return False
            if not self._started():
                return False
            controller.fire(Event.ENABLE)
            self._log_between()
            self._outcome.begin(self._clock.now_ns())
            self._before_loop()
        except CancelledError:
            if self._stop.emergency:
                controller.fire(Event.ESTOP)
            return False
        except UserError:
            raise
        except BaseException as error:  # noqa: BLE001 - the report says what it was
            controller.fail(error)
            return False
        return controller.state in WITH_TORQUE

    def _started(self) -> bool:
        """Wait in LIMP until the operator starts; return whether torque may be switched on. Raises CancelledError."""
        requests, controller = self._requests, self._controller
        if not requests.present:
            return True
        requests.wake()
        if self._options.wait_for_start:
            self._options.on_wait(True)
        self._pacer.start()
        while self._options.wait_for_start and not requests.start:
            self._pacer.wait()
            if self._ending():
                raise CancelledError("a stop was asked for")
            verdict = controller.read_and_check()
            if verdict.level is Level.FAULT:
                controller.fault(*verdict.violations)
                return False
            if verdict.level is not Level.OK:
                requests.forget()  # not while readings are missing, and not by itself when they are back
            self._show()
        if self._options.wait_for_start:
            self._options.on_wait(False)
        requests.forget()
        return True

    def _loop(self) -> None:
        self._pacer.start()
        going_on = not self._ending() or self._end.begin()
        while going_on:
            self._controller.at_work = "the clock"
            missed = self._pacer.wait()
            lateness_ns = self._controller.record.lateness_ns = self._clock.now_ns() - self._pacer.deadline_ns
            self._controller.statistics["lateness"].add(lateness_ns)
            try:
                going_on = self._tick(missed)
            except BaseException as error:  # noqa: BLE001 - the report says what it was
                self._controller.fail(error)
                self._log_between()
                going_on = self._requests.present and not self._ending()

    def _tick(self, missed: int) -> bool:
        """Run one tick; return whether the run goes on."""
        controller, requests = self._controller, self._requests
        controller.at_work = "the operator's device"
        requests.poll()
        asked_in = controller.state  # what the operator saw: a fault of this tick is not what a reset was meant for
        if self._stop.emergency and controller.state is not State.ESTOP:
            controller.fire(Event.ESTOP)
        ending = self._end.is_due(self._pacer.deadline_ns)
        if controller.state is State.ESTOP:
            if ending or not requests.present:
                return False
        elif ending and not self._end.begin():
            return False
        if controller.state in WITH_TORQUE:
            controller.tick(missed, self._pacer.missed_in_a_row)
        else:
            controller.idle_tick(missed)
        self._record()
        if not self._call_hook():
            return False
        if requests.present:
            controller.at_work = "the operator's device"
            self._restart.obey(asked_in)
        if controller.poses.lowered and controller.state is State.LOWERING:
            return False
        return controller.state not in LATCHED or (requests.present and not self._end.begun)

    def _record(self) -> None:
        controller, watch = self._controller, self._options.stopwatch
        record = controller.record
        started = watch()
        self._outcome.append()
        if self.log is not None:
            controller.at_work = "the log"
            self.log.record(record)
        record.events = 0
        self._show()
        controller.statistics["record"].add(watch() - started)

    def _log_between(self) -> None:
        """Log what was read and done between two ticks: a replay needs it."""
        record = self._controller.record
        record.state = self._controller.state.value
        if self.log is not None:
            record.between = True
            self.log.record(record)
            record.between = False
        record.events = 0

    def _call_hook(self) -> bool:
        """Call the hook of the caller; return whether the run goes on."""
        if self._options.on_tick is None:
            return True
        try:
            self._options.on_tick(self._controller)
        except BaseException as error:  # noqa: BLE001 - raised after torque is off
            self._controller.fail(error, "the hook on_tick")
            self.raised = error
            return False
        return True

    def _warn(self, text: str) -> None:
        """Keep a warning; a person who asks for the same again and again gets it once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def _finish(self) -> None:
        """Decide how the run ended, for report and log; call the hook of the end."""
        controller, options = self._controller, self._options
        self._outcome.end()
        self._show()
        self._end.keep_silent()
        if self.log is not None:
            self.log.summary = {"final_state": self._outcome.final_state.name, "stopped_by": self._outcome.stopped_by}
            if controller.swaps:
                self.log.summary["swaps"] = swaps_text(controller.swaps)
        if options.before_shutdown is not None:
            try:
                options.before_shutdown()
            except BaseException as error:  # noqa: BLE001 - raised after torque is off
                self.raised = error


def _ticks_expected(options: RunOptions, robot: RobotConfig, controller: Controller) -> int | None:
    """Return about how many ticks a run has; None where it ends when it is stopped."""
    if options.duration is None:
        return None
    # The policy's time begins after the start pose.
    return round((options.duration + robot.ready.timeout) * controller.decimation.rate) + 10


def _open_log(path: Path, policy: Policy, robot: RobotConfig, options: RunOptions) -> TelemetryLog:
    metadata = to_metadata(policy.contract, policy.provenance)
    metadata["policy_sha256"] = policy.digest
    metadata["robot"] = json.dumps(robot.model_dump(mode="json"))
    return TelemetryLog(
        path,
        policy.contract,
        metadata,
        synchronous=options.synchronous_log,
        rotation=options.log_rotation,
        loop_cpu=options.cpu,
    )
