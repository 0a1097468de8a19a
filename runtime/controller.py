"""One tick: read, observe, infer, act, limit, write. The state machine decides where the command comes from."""

from collections.abc import Callable

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.safety import Reaction
from sim2real.hardware.clock import Clock, VirtualClock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.interface import WithImus
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import Int64Array, Supervision
from sim2real.runtime.connection import Connection
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.envelope.reaction import STRENGTH
from sim2real.runtime.envelope.settings import safety_settings
from sim2real.runtime.interventions import InterventionLog
from sim2real.runtime.limits import POSITION_TRACKING_MODES
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.policy import Policy, check_speed
from sim2real.runtime.policy_stage import PolicyStage
from sim2real.runtime.pose import PoseRamp
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.states import WITH_TORQUE, Action, Event, State, StateMachine
from sim2real.runtime.statistics import TickStatistics
from sim2real.runtime.swap import check_swap
from sim2real.runtime.tick_fields import bit_of
from sim2real.runtime.torque_off import TorqueOff
from sim2real.runtime.verdict import ALL_WELL, DAMP_REASONS, Level, Reason, Verdict, Violation, joined, verdict_of


class Controller:
    """Runs the ticks of one robot.

    The policy acts on complete readings only. In a tick in which a joint did not answer, the last command is sent
    again: it never jumps for a lost reply. Safety decides how long that may last.

    Args:
        policy: Its contract has been checked against the robot's.
        robot: Limits of safety, and how to move to the poses of start and rest.
        hardware: Its motors, not yet opened.
        clock: Gives the time of the readings.
        stopwatch: Integer nanoseconds; used for the statistics of the stages only.
        cancelled: Whether a stop was asked for: looked at in every wait before torque is on.
    """

    def __init__(
        self,
        policy: Policy,
        robot: RobotConfig,
        hardware: JointInterface,
        clock: Clock,
        stopwatch: Callable[[], int],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        contract = policy.contract
        settings = safety_settings(robot, contract.robot.safety)
        self.decimation = Decimation(contract.control_rate, robot.loop.bus_rate)
        period = 1.0 / self.decimation.rate
        self.safety = Safety(contract.robot, settings, period, contract.observed_imus, contract.observation)
        terms = tuple(entry.term for entry in contract.observation)
        self.interventions = InterventionLog(contract.robot, settings.buses, terms)
        self.statistics = TickStatistics.empty()
        self.record = TickRecord.empty(contract)
        self.held_ticks = 0
        """Ticks in which the last command was sent again because a reading was missing."""
        self.running_since_ns: int | None = None
        """When the policy first ran."""
        self.fault_verdict: Verdict = ALL_WELL
        """Why the robot is in FAULT."""
        self.failure = ""
        """What raised an exception, and which; empty if nothing has."""
        self.at_work = ""
        """What runs at the moment, for the report of an exception."""
        self.swaps: list[tuple[int, str]] = []
        """Ticks from which on another policy acts, and the digest of its file."""
        self.torque = TorqueOff(robot, hardware, clock)
        self.stage = PolicyStage(
            policy,
            self.record,
            self.safety,
            self.statistics,
            decimation=self.decimation,
            between=robot.loop.between,
            blend=robot.ready.blend,
            refused_max=settings.envelope.missed_ticks_max,
            stopwatch=stopwatch,
        )
        self._contract = contract
        self._hardware = hardware
        self._clock = clock
        self._stopwatch = stopwatch
        self._imu_hardware = _imu_hardware(contract, hardware)
        self._operator_alive_ns = -1
        commands = contract.commands
        self._command_low = np.array([command.low for command in commands])
        self._command_high = np.array([command.high for command in commands])
        self._asked, self._command_given = np.zeros(len(commands)), np.zeros(len(commands), np.bool_)
        self._connection = Connection(contract.robot, hardware, clock, self.decimation.period_ns, cancelled)
        self._start = PoseRamp.to_start(contract.robot, robot.ready)
        self._rest, self._has_rest = PoseRamp.to_rest(contract.robot, robot.rest, robot.ready), robot.rest is not None
        self._tracks_position = np.array([joint.mode in POSITION_TRACKING_MODES for joint in contract.robot.joints])
        self._lowering_from = np.zeros(len(contract.robot.joints))
        self._ramp_pending = self._ramp_interrupted = False
        self._damped_by: Verdict = ALL_WELL
        self._reaction: Reaction = "off"
        self._reaction_until_ns = 0
        self._reaction_ns = ns_from_s(settings.fault_time)
        self.lowered = False
        """Whether the robot has reached its pose of rest, or the time for that is over."""
        self.late_to_rest = False
        """Whether the pose of rest was not reached in time."""
        self.machine = StateMachine(
            {
                Action.NOTHING: _nothing,
                Action.OPEN_PORTS: self._connection.open,
                Action.SWITCH_ON: self._switch_on,
                Action.INTERRUPT_RAMP: self._interrupt_ramp,
                Action.BEGIN_POLICY: self.stage.begin,
                Action.BEGIN_LOWERING: self._begin_lowering,
                Action.BEGIN_REACTION: self._begin_reaction,
                Action.SWITCH_OFF: self.torque.cut,
                Action.RECOVER: self._recover,
                Action.CLOSE_PORTS: hardware.close,
            }
        )

    @property
    def state(self) -> State:
        """The robot's state."""
        return self.machine.state

    @property
    def signals(self) -> Signals:
        """What observation terms read: views of the record, read-only."""
        return self.stage.signals

    @property
    def last_action(self) -> Float32Array:
        """The clipped, filtered action of the last tick in which the policy ran, (A,): a view, read-only."""
        return self.stage.last_action

    @property
    def touched(self) -> bool:
        """Whether anything may have been sent to the robot."""
        return self._connection.begun

    @property
    def can_lower(self) -> bool:
        """Whether the run should end by moving to the pose of rest."""
        return self._has_rest and self.state in (State.READY, State.RUNNING, State.DAMPING)

    def set_operator_command(self, name: str, value: float) -> None:
        """Set an operator command, SI units, from the next tick on.

        Raises:
            UserError: The policy has no such command, or the value is outside its range.
        """
        commands = {command.name: index for index, command in enumerate(self._contract.commands)}
        if name not in commands:
            raise UserError(f"the policy has no operator command {name!r}; valid: {', '.join(commands) or 'none'}")
        command = self._contract.commands[commands[name]]
        if not command.low <= value <= command.high:
            raise UserError(
                f"operator command {name!r}: {value} is outside its range; valid: {command.low} to {command.high}"
            )
        self.record.operator_command[commands[name]] = value

    def swap(self, policy: Policy) -> None:
        """Let another policy take over when the next action is due; its first targets are blended in.

        Call it between ticks. The policy is loaded already: loading takes longer than a tick.

        Raises:
            ContractError: It sees, commands or is clocked otherwise than the running one.
            UserError: It is too slow for its rate on this machine.
        """
        check_swap(self._contract, policy.contract)
        if not isinstance(self._clock, VirtualClock):
            check_speed(policy, self.decimation.rate)
        self.stage.swap(policy)
        self.safety.see(policy.contract.observation)
        self.swaps.append((self.record.tick + 1, policy.digest))

    def take_operator(self, operator: Operator) -> None:
        """Take an operator's commands, clipped to their ranges, and its sign of life. Allocates nothing."""
        self._operator_alive_ns = operator.alive_ns
        values, command = self._asked, self.record.operator_command
        np.clip(operator.values, self._command_low, self._command_high, out=values)
        np.copyto(command, values, where=np.isfinite(values, out=self._command_given))

    def fire(self, event: Event) -> None:
        """Change the state from outside a tick: the log gets it. Raises what the entry action raises."""
        self.machine.fire(event)
        self.record.events |= bit_of(event)

    def tick(self, missed: int, missed_in_a_row: int) -> None:
        """Run one tick with torque on.

        Args:
            missed: Ticks skipped immediately before this one.
            missed_in_a_row: Ticks skipped since the last one that was on time.
        """
        record, watch = self.record, self._stopwatch
        started = watch()
        self._begin_tick(missed)
        record.missed_in_a_row, record.operator_alive_ns = missed_in_a_row, self._operator_alive_ns
        verdict = self._read(missed, missed_in_a_row)
        record.read_ns = watch() - started
        self.statistics["read"].add(record.read_ns)
        self.at_work = "the state machine"
        record.reasons = int(verdict.reasons)
        self._apply_verdict(verdict)
        record.state = self.machine.state.value
        if self.machine.state in WITH_TORQUE:
            self._command(verdict)
        if self.machine.state in WITH_TORQUE:
            self._write()
        record.work_ns = watch() - started
        self.statistics["total"].add(record.work_ns)

    def idle_tick(self, missed: int) -> None:
        """Run one tick without torque: read for those who watch; torque off is sent again until it is confirmed."""
        self._begin_tick(missed)
        self.record.reasons = 0
        self.at_work = "the driver, switching torque off"
        if not self.torque.confirmed:
            self.torque.cut()
        self.at_work = "the driver, reading"
        try:
            self.read()
        except PortLostError:
            self.record.port_lost = 1
            self.record.reasons = int(Reason.PORT_LOST)
        self.record.time_ns = self._clock.now_ns()
        self.record.state = self.machine.state.value

    def fault(self, *violations: Violation) -> None:
        """Go to FAULT, or first to the reaction that the robot's YAML names, whatever the level of the violations."""
        verdict = verdict_of(violations)
        self.interventions.add_violations(self.record.time_ns, verdict.violations)
        self.record.reasons |= int(verdict.reasons)
        self._fault(verdict)

    def fail(self, error: BaseException, what: str = "") -> None:
        """Cut torque and go to FAULT because of an exception; `what` has raised it, the present work by default."""
        self.torque.cut()  # before anything else, which may raise as well
        self.record.events |= bit_of(Event.FAULT)
        what = what or self.at_work_now
        lines = str(error).strip().splitlines()
        text = " ".join(dict.fromkeys((*lines[:1], *lines[-1:])))  # of a message with a traceback, what and why
        self.failure = f"{what} raised {type(error).__name__}{f': {text}' if text else ''}"
        self.fault(Violation(Reason.INTERNAL_ERROR, -1, 1.0, 0.0))

    def fault_texts(self) -> list[str]:
        """Return in words why the robot is in FAULT.

        What only damps is left out where there is something worse, unless the fault is that it damped for too long.
        """
        violations = self.fault_verdict.violations
        listed = [each for each in violations if each.reason not in DAMP_REASONS]
        if not listed or self.fault_verdict.reasons & Reason.DAMPING_TOO_LONG:
            listed = list(violations)
        return [
            f"internal error: {self.failure}"
            if violation.reason is Reason.INTERNAL_ERROR
            else str(self.interventions.event_of(0, violation))
            for violation in listed
        ]

    @property
    def at_work_now(self) -> str:
        """What runs at the moment, the policy's parts one by one."""
        return self.at_work or self.stage.at_work

    def read(self) -> None:
        """Read joints and IMUs into the record. Raises PortLostError."""
        self._hardware.read(self.record.joints)
        if self._imu_hardware is not None:
            self._imu_hardware.read_imus(self.record.imus)

    def check_before_torque(self) -> Verdict:
        """Wait for the first complete reading; return safety's verdict on it.

        Raises:
            HardwareError: There is none.
            CancelledError: A stop was asked for.
        """
        record = self.record
        self._connection.first_reading(self._read_stamped, record.joints, record.imus)
        self.safety.begin(record.joints, record.time_ns)
        return self.check()

    def check(self) -> Verdict:
        """Check the readings in the record, torque off, against safety's limits."""
        record = self.record
        alive_ns = self._operator_alive_ns
        return self.safety.check(record.joints, record.time_ns, 0, record.imus, operator_alive_ns=alive_ns)

    def read_and_check(self) -> Verdict:
        """Read, torque off, and check. Raises PortLostError."""
        self._read_stamped()
        return self.check()

    def _begin_tick(self, missed: int) -> None:
        record = self.record
        record.tick += 1
        record.missed = missed
        record.ran = record.reset = False
        record.port_lost = 0
        record.interventions.fill(0)
        self.stage.count(1 + missed)

    def _read_stamped(self) -> None:
        self.read()
        self.record.time_ns = self._clock.now_ns()

    def _read(self, missed: int, missed_in_a_row: int) -> Verdict:
        record = self.record
        self.at_work = "the driver, reading"
        try:
            self.read()
        except PortLostError:
            record.port_lost = 1
            record.time_ns = self._clock.now_ns()
            return verdict_of((Violation(Reason.PORT_LOST, -1, 1.0, 0.0),))
        record.time_ns = self._clock.now_ns()
        self.at_work = "safety"
        if self._hardware.supervision is Supervision.LOST:
            return verdict_of((Violation(Reason.SUPERVISOR_LOST, -1, 1.0, 0.0),))
        return self.safety.check(
            record.joints,
            record.time_ns,
            missed_in_a_row // self.decimation.ratio,  # periods of the policy, as the limit was set for them
            record.imus,
            missed=missed,
            operator_alive_ns=self._operator_alive_ns,
        )

    def _apply_verdict(self, verdict: Verdict) -> None:
        """Apply the verdict to the state machine."""
        if verdict is not ALL_WELL:
            self.interventions.add_violations(self.record.time_ns, verdict.violations)
        if verdict.level is Level.FAULT:
            self._fault(verdict)
        elif self.machine.state is State.REACTING:
            return
        elif verdict.level is Level.DAMP:
            self._damped_by = verdict
            self.machine.fire(Event.DAMP)
        elif self.machine.state is State.DAMPING:
            self.machine.fire(Event.RECOVER)

    def _fault(self, verdict: Verdict) -> None:
        """Begin the reaction to a fault; one that is at work gives way to a stronger one, within the same time."""
        reaction = self.safety.reaction(verdict)
        state = self.machine.state
        if verdict.reasons & Reason.DAMPING_TOO_LONG:
            verdict = joined(verdict, self._damped_by)
        if state is State.REACTING:
            if STRENGTH.index(reaction) <= STRENGTH.index(self._reaction):
                return
            verdict = joined(self.fault_verdict, verdict)
        self.fault_verdict = verdict
        self._reaction = reaction
        if reaction == "off" or state not in WITH_TORQUE:
            self.machine.fire(Event.FAULT)
        elif state is not State.REACTING:
            self.machine.fire(Event.REACT)

    def _command(self, verdict: Verdict) -> None:
        state = self.machine.state
        self.at_work = "safety"
        if state is State.RUNNING:
            if not bool(self.record.joints.fresh.all()):
                self.held_ticks += 1
                self._limit()
            elif self.stage.due:
                self._run_policy()
            else:
                self.stage.follow()
                self._limit()
        elif state is State.READY:
            self._ramp_to_start(verdict)
        elif state is State.LOWERING:
            self._lower(verdict)
        elif state is State.REACTING:
            self._react()
        else:
            self._damp()

    def _run_policy(self) -> None:
        record, watch = self.record, self._stopwatch
        if self.running_since_ns is None:
            self.running_since_ns = record.time_ns
        self.at_work = ""
        verdict = self.stage.run()
        self.at_work = "safety"
        record.reasons |= int(verdict.reasons)
        if verdict.level is Level.OK:
            if verdict.reasons:
                self.interventions.count_outside(verdict.violations)
            limiting = watch()
            self._limit()
            self.statistics["limit"].add(watch() - limiting)
            return
        self.interventions.add_violations(record.time_ns, verdict.violations)
        if verdict.level is Level.FAULT:
            self._fault(verdict)
        else:
            self._damped_by = verdict
            self.machine.fire(Event.DAMP)
        record.state = self.machine.state.value
        if self.machine.state is State.REACTING:
            self._react()
        elif self.machine.state is State.DAMPING:
            self._damp()

    def _ramp_to_start(self, verdict: Verdict) -> None:
        record, ramp = self.record, self._start
        if self._ramp_pending and verdict.level is Level.OK:
            # The first command is the pose of this reading, whatever the robot did while it was switched on.
            self._ramp_pending = False
            self.safety.begin(record.joints, record.time_ns)
            ramp.begin(record.joints.position, record.time_ns)
        if not self._ramp(ramp, verdict):
            return
        if ramp.reached(record.joints, record.time_ns):
            self.machine.fire(Event.ARRIVE)

    def _lower(self, verdict: Verdict) -> None:
        ramp, record = self._rest, self.record
        if ramp.late(record.time_ns):
            self.lowered = self.late_to_rest = True
            self._damp()
        elif self._ramp(ramp, verdict) and ramp.reached(record.joints, record.time_ns):
            self.lowered = True

    def _ramp(self, ramp: PoseRamp, verdict: Verdict) -> bool:
        """Command the next step of a ramp; return whether it goes on: neither damped nor, to the start pose, late."""
        record = self.record
        if ramp is self._start and not self._ramp_pending and ramp.late(record.time_ns):
            joint, position, goal = ramp.farthest(record.joints)
            self.fault(Violation(Reason.START_POSE, joint, position, goal))
            return False
        if verdict.level is not Level.OK or self._ramp_pending:
            self._damp()
            return False
        if self._ramp_interrupted:
            self._ramp_interrupted = False
            ramp.restart(record.joints.position, record.time_ns)
        ramp.command(record.command, record.joints, record.time_ns)
        self._limit()
        return True

    def _react(self) -> None:
        record = self.record
        if not record.time_ns < self._reaction_until_ns:
            self.machine.fire(Event.FAULT)
            return
        self._note_limits(self.safety.react(self._reaction, record.command, record.joints))

    def _damp(self) -> None:
        self._note_limits(self.safety.damp(self.record.command, self.record.joints))

    def _limit(self) -> None:
        self._note_limits(self.safety.limit(self.record.command, self.record.joints))

    def _note_limits(self, bits: Int64Array) -> None:
        self.record.interventions[:] = bits
        if bits.any():
            self.interventions.add_limits(self.record.time_ns, bits, self.safety.requested, self.record.command)

    def _write(self) -> None:
        started = self._stopwatch()
        self.at_work = "the driver, writing"
        try:
            self._hardware.write(self.record.command)
        except PortLostError:
            self.record.port_lost = 2
            self.fault(Violation(Reason.PORT_LOST, -1, 1.0, 0.0))
        self.statistics["write"].add(self._stopwatch() - started)

    # Entry actions of the transitions

    def _switch_on(self) -> None:
        """Switch torque on, and read again: a robot that falls is no longer where the reading before it was."""
        self.at_work = "the driver, switching torque on"
        self._connection.enable()
        enabled_ns = self._clock.now_ns()
        self._ramp_pending, self._ramp_interrupted = True, False
        silent = self._connection.reading_since(enabled_ns, self._read_stamped, self.record.joints)
        self.safety.begin(self.record.joints, self.record.time_ns)
        if silent is not None:
            age_s = (self.record.time_ns - int(self.record.joints.stamp_ns[silent])) * 1e-9
            # No reaction with torque: nothing is known of where the joint is.
            self.fault_verdict = verdict_of((Violation(Reason.COMMUNICATION_LOSS, silent, age_s, age_s),))
            self.interventions.add_violations(self.record.time_ns, self.fault_verdict.violations)
            self.machine.fire(Event.FAULT)

    def _interrupt_ramp(self) -> None:
        self._ramp_interrupted = True

    def _begin_lowering(self) -> None:
        record, commanded = self.record, not self._ramp_pending
        self.lowered = self.late_to_rest = False
        self._ramp_interrupted = self._ramp_pending = False
        np.copyto(self._lowering_from, record.joints.position)
        np.copyto(self._lowering_from, record.command.position, where=self._tracks_position & commanded)
        self._rest.begin(self._lowering_from, record.time_ns)

    def _begin_reaction(self) -> None:
        self._reaction_until_ns = self.record.time_ns + self._reaction_ns

    def _recover(self) -> None:
        """Set tripped motors up again and read everything.

        Raises:
            HardwareError: Torque off is not confirmed, a motor does not recover, or the reading is not in order.
        """
        self.torque.cut()
        if not self.torque.confirmed:
            raise HardwareError(self.torque.problem)
        self._connection.recover()
        verdict = self.check_before_torque()
        if verdict.level is not Level.OK:
            events = [str(self.interventions.event_of(0, violation)) for violation in verdict.violations]
            raise HardwareError("; ".join(events))
        self.fault_verdict = self._damped_by = ALL_WELL
        self.failure = ""


def _nothing() -> None:
    """Do nothing: the state's own command of each tick is all."""


def _imu_hardware(contract: Contract, hardware: JointInterface) -> WithImus | None:
    """Return the hardware if the robot has IMUs, None if it has none. Raises HardwareError if it cannot read them."""
    if not contract.robot.imus:
        return None
    if not isinstance(hardware, WithImus):
        raise HardwareError("the robot has IMUs, and its hardware does not read them")
    return hardware
