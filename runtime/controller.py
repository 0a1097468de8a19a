"""One tick: read, observe, infer, act, limit, write. The state machine decides where the command comes from."""

from collections.abc import Callable

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import Clock, VirtualClock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import Int64Array
from sim2real.runtime.connection import Connection
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.envelope.settings import safety_settings
from sim2real.runtime.fault_latch import FaultLatch
from sim2real.runtime.interventions import InterventionLog
from sim2real.runtime.operator.commands import OperatorCommands
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.policy import Policy, check_speed
from sim2real.runtime.policy_stage import PolicyStage
from sim2real.runtime.pose_stage import PoseStage, PoseStep
from sim2real.runtime.read_stage import ReadStage
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.states import WITH_TORQUE, Action, Event, State, StateMachine
from sim2real.runtime.statistics import TickStatistics
from sim2real.runtime.swap import Swap, check_swap
from sim2real.runtime.tick_fields import bit_of
from sim2real.runtime.torque_off import TorqueOff
from sim2real.runtime.verdict import Level, Reason, Verdict, Violation


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
        self.at_work = ""
        """What runs at the moment, for the report of an exception."""
        self.swaps: list[Swap] = []
        """Policies that took over."""
        self.faults = FaultLatch(self.safety, self.record, self.interventions, ns_from_s(settings.fault_time))
        self.poses = PoseStage(contract.robot, robot, self.record, self.safety)
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
        self.reading = ReadStage(contract, hardware, clock, self.record, self.safety, self.decimation.ratio)
        self._operator_commands = OperatorCommands(contract.commands, self.record.operator_command)
        self._connection = Connection(contract.robot, hardware, clock, self.decimation.period_ns, cancelled)
        self.machine = StateMachine(
            {
                Action.NOTHING: _nothing,
                Action.OPEN_PORTS: self._connection.open,
                Action.SWITCH_ON: self._switch_on,
                Action.INTERRUPT_RAMP: self.poses.interrupt,
                Action.BEGIN_POLICY: self.stage.begin,
                Action.BEGIN_LOWERING: self.poses.begin_lowering,
                Action.BEGIN_REACTION: self.faults.begin_reaction,
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
        return self.poses.has_rest and self.state in (State.READY, State.RUNNING, State.DAMPING)

    def set_operator_command(self, name: str, value: float) -> None:
        """Set an operator command, SI units, from the next tick on.

        Raises:
            UserError: The policy has no such command, or the value is outside its range.
        """
        self._operator_commands.set(name, value)

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
        self.note_swap(Swap.of(policy, self.record.tick + 1))

    def note_swap(self, swap: Swap) -> None:
        """Check observations against the ranges of a policy that takes over, and count it."""
        self.safety.see(swap.observation(self._contract.observation))
        self.swaps.append(swap)
        self.record.policy = len(self.swaps)

    def take_operator(self, operator: Operator) -> None:
        """Take an operator's commands, clipped to their ranges, and its sign of life. Allocates nothing."""
        self.reading.operator_alive_ns = operator.alive_ns
        self._operator_commands.take(operator)

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
        record.missed_in_a_row, record.operator_alive_ns = missed_in_a_row, self.reading.operator_alive_ns
        verdict = self._read(missed, missed_in_a_row)
        record.read_ns = watch() - started
        self.statistics["read"].add(record.read_ns)
        self.at_work = "the state machine"
        record.reasons = int(verdict.reasons)
        self.faults.apply(verdict, self.machine)
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
        if (lost := self.reading.read_in_tick()) is not None:
            self.record.reasons = int(lost.reasons)
        self.record.state = self.machine.state.value

    def fault(self, *violations: Violation) -> None:
        """Go to FAULT, or first to the reaction that the robot's YAML names, whatever the level of the violations."""
        self.faults.fault(violations, self.machine)

    def fail(self, error: BaseException, what: str = "") -> None:
        """Cut torque and go to FAULT because of an exception; `what` has raised it, the present work by default."""
        self.torque.cut()  # before anything else, which may raise as well
        self.record.events |= bit_of(Event.FAULT)
        self.faults.note_exception(error, what or self.at_work_now)
        self.fault(Violation(Reason.INTERNAL_ERROR, -1, 1.0, 0.0))

    @property
    def at_work_now(self) -> str:
        """What runs at the moment, the policy's parts one by one."""
        return self.at_work or self.stage.at_work

    def check_before_torque(self) -> Verdict:
        """Wait for the first complete reading; return safety's verdict on it.

        Raises:
            HardwareError: There is none.
            CancelledError: A stop was asked for.
        """
        record = self.record
        self._connection.first_reading(self.reading.read_stamped, record.joints, record.imus)
        self.safety.begin(record.joints, record.time_ns)
        return self.reading.check()

    def read_and_check(self) -> Verdict:
        """Read, torque off, and check. Raises PortLostError."""
        self.reading.read_stamped()
        return self.reading.check()

    def _begin_tick(self, missed: int) -> None:
        record = self.record
        record.tick += 1
        record.missed = missed
        record.ran = record.reset = False
        record.port_lost = 0
        record.interventions.fill(0)
        self.stage.count(1 + missed)

    def _read(self, missed: int, missed_in_a_row: int) -> Verdict:
        self.at_work = "the driver, reading"
        lost = self.reading.read_in_tick()
        self.at_work = "safety"
        return self.reading.check_in_tick(missed, missed_in_a_row) if lost is None else lost

    def _command(self, verdict: Verdict) -> None:
        state = self.machine.state
        self.at_work = "safety"
        if state is State.RUNNING:
            if 0 in self.record.joints.fresh.tobytes():
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
            self._take(self.poses.to_rest(verdict))
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
        self.faults.refuse(verdict, self.machine)
        record.state = self.machine.state.value
        if self.machine.state is State.REACTING:
            self._react()
        elif self.machine.state is State.DAMPING:
            self._damp()

    def _ramp_to_start(self, verdict: Verdict) -> None:
        step = self.poses.to_start(verdict)
        if step is PoseStep.LATE:
            self.fault(self.poses.missed_start())
            return
        self._take(step)
        if step is PoseStep.ARRIVED:
            self.machine.fire(Event.ARRIVE)

    def _take(self, step: PoseStep) -> None:
        """Limit the target of a step to a pose, or damp where there is none."""
        if step in (PoseStep.MOVE, PoseStep.ARRIVED):
            self._limit()
        else:
            self._damp()

    def _react(self) -> None:
        if self.faults.over:
            self.machine.fire(Event.FAULT)
            return
        record = self.record
        self._note_limits(self.safety.react(self.faults.reaction, record.command, record.joints))

    def _damp(self) -> None:
        self._note_limits(self.safety.damp(self.record.command, self.record.joints))

    def _limit(self) -> None:
        self._note_limits(self.safety.limit(self.record.command, self.record.joints))

    def _note_limits(self, bits: Int64Array) -> None:
        self.record.interventions[:] = bits
        if np.count_nonzero(bits):
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
        self.poses.begin()
        silent = self._connection.reading_since(enabled_ns, self.reading.read_stamped, self.record.joints)
        self.safety.begin(self.record.joints, self.record.time_ns)
        if silent is not None:
            age_s = (self.record.time_ns - int(self.record.joints.stamp_ns[silent])) * 1e-9
            violation = Violation(Reason.COMMUNICATION_LOSS, silent, age_s, age_s)
            self.faults.fault_at_once(violation, self.machine)

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
        self.faults.reset()


def _nothing() -> None:
    """Do nothing: the state's own command of each tick is all."""
