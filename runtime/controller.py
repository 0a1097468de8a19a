"""One tick: read, observe, infer, act, limit, write. The state machine decides where the command comes from."""

from collections.abc import Callable
from math import inf

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.interface import WithImus
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import read_only
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.envelope.settings import safety_settings
from sim2real.runtime.interventions import InterventionLog
from sim2real.runtime.operator.interface import Operator
from sim2real.runtime.policy import Policy
from sim2real.runtime.pose import StartPose
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.states import WITH_TORQUE, Event, State, StateMachine
from sim2real.runtime.statistics import TickStatistics
from sim2real.runtime.verdict import ALL_WELL, Level, Reason, Verdict, Violation, verdict_of


class Controller:
    """Runs the ticks of one robot.

    The policy acts on complete readings only. In a tick in which a joint did not answer, the last command is sent
    again: it never jumps for a lost reply. Safety decides how long that may last.

    Args:
        policy: Its contract has been checked against the robot's.
        robot: Limits of safety, and how to move to the start pose.
        hardware: Opened, enabled, disabled and closed by the session.
        clock: Gives the time of the readings.
        stopwatch: Integer nanoseconds; used for the statistics of the stages only.
    """

    def __init__(
        self, policy: Policy, robot: RobotConfig, hardware: JointInterface, clock: Clock, stopwatch: Callable[[], int]
    ) -> None:
        contract, ready = policy.contract, robot.ready
        settings = safety_settings(robot, contract.robot.safety)
        self.machine = StateMachine()
        self._period = 1.0 / contract.control_rate
        self.safety = Safety(contract.robot, settings, self._period, contract.observed_imus, contract.observation)
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
        self._policy = policy
        self._hardware = hardware
        self._clock = clock
        self._stopwatch = stopwatch
        self._imu_hardware = _imu_hardware(contract, hardware)
        self._operator_alive_ns = -1
        commands = contract.commands
        self._command_low = np.array([command.low for command in commands])
        self._command_high = np.array([command.high for command in commands])
        self._asked, self._command_given = np.zeros(len(commands)), np.zeros(len(commands), np.bool_)
        self._ticks_since_reset = 0
        self._actions = ActionPipeline(contract, 1)
        self.signals = Signals(
            **self.record.signals(),
            tip=np.full(
                (1, 3), np.nan
            ),  # no sensor of a robot measures it; `check_robot` refuses policies that need it
            joint_target=self._actions.target,
        ).read_only()  # an observation term from outside must not change what safety and the log see
        self._last_action = read_only(self._actions.last_action)
        self._observations = ObservationPipeline(contract, 1)
        self._by_effort = contract.action.target == "effort"
        self.pose = StartPose(contract.robot, speed=ready.speed, tolerance=ready.tolerance, timeout=ready.timeout)
        self._ramp_interrupted = False
        self._reset_pending = True
        self._finite = np.zeros(contract.action_size, np.bool_)
        self._actions_refused = 0
        self._actions_refused_max = settings.envelope.missed_ticks_max

    @property
    def state(self) -> State:
        """The robot's state."""
        return self.machine.state

    @property
    def last_action(self) -> Float32Array:
        """The clipped, filtered action of the last tick in which the policy ran, (A,): a view, read-only."""
        action: Float32Array = self._last_action[0]
        return action

    def set_operator_command(self, name: str, value: float) -> None:
        """Set an operator command, SI units, from the next tick on.

        Raises:
            UserError: The policy has no such command, or the value is outside its range.
        """
        commands = {command.name: index for index, command in enumerate(self._policy.contract.commands)}
        if name not in commands:
            raise UserError(f"the policy has no operator command {name!r}; valid: {', '.join(commands) or 'none'}")
        command = self._policy.contract.commands[commands[name]]
        if not command.low <= value <= command.high:
            raise UserError(
                f"operator command {name!r}: {value} is outside its range; valid: {command.low} to {command.high}"
            )
        self.record.operator_command[commands[name]] = value

    def take_operator(self, operator: Operator) -> None:
        """Take an operator's commands, clipped to their ranges, and its sign of life. Allocates nothing."""
        self._operator_alive_ns = operator.alive_ns
        values, command = self._asked, self.record.operator_command
        np.clip(operator.values, self._command_low, self._command_high, out=values)
        np.copyto(command, values, where=np.isfinite(values, out=self._command_given))

    def tick(self, missed: int, missed_in_a_row: int) -> None:
        """Run one tick with torque on.

        Args:
            missed: Ticks skipped immediately before this one.
            missed_in_a_row: Ticks skipped since the last one that was on time.
        """
        record, watch = self.record, self._stopwatch
        started = watch()
        record.tick += 1
        record.missed = missed
        self._ticks_since_reset += 1 + missed
        record.ran = record.reset = False
        record.interventions.fill(0)
        verdict = self._read(missed_in_a_row)
        read = watch()
        self.statistics["read"].add(read - started)
        self._apply_verdict(verdict)
        record.reasons = int(verdict.reasons)
        record.state = self.machine.state.value
        if self.machine.state in WITH_TORQUE:
            self._command(verdict)
        if self.machine.state in WITH_TORQUE:
            self._write()
        self.statistics["total"].add(watch() - started)

    def fault(self, *violations: Violation) -> None:
        """Go to FAULT, whatever the level of the violations, and cut torque."""
        verdict = verdict_of(violations)
        self.interventions.add_violations(self.record.time_ns, verdict.violations)
        self.record.reasons |= int(verdict.reasons)
        self._fault(verdict)

    def cut_torque(self) -> str:
        """Switch off the torque of every motor that answers; return what went wrong, or an empty text."""
        try:
            self._hardware.disable()
        except HardwareError as error:
            return str(error)  # nothing more is sent, so that watchdogs expire
        return ""

    def read(self) -> None:
        """Read joints and IMUs into the record. Raises PortLostError."""
        self._hardware.read(self.record.joints)
        if self._imu_hardware is not None:
            self._imu_hardware.read_imus(self.record.imus)

    def check(self, missed_in_a_row: int = 0) -> Verdict:
        """Check the readings in the record against safety's limits."""
        record = self.record
        return self.safety.check(
            record.joints,
            record.time_ns,
            missed_in_a_row,
            record.imus,
            missed=record.missed,
            operator_alive_ns=self._operator_alive_ns,
        )

    def _read(self, missed_in_a_row: int) -> Verdict:
        record = self.record
        try:
            self.read()
        except PortLostError:
            record.time_ns = self._clock.now_ns()
            return verdict_of((Violation(Reason.PORT_LOST, -1, 1.0, 0.0),))
        record.time_ns = self._clock.now_ns()
        return self.check(missed_in_a_row)

    def _apply_verdict(self, verdict: Verdict) -> None:
        """Apply the verdict to the state machine."""
        if verdict is not ALL_WELL:
            self.interventions.add_violations(self.record.time_ns, verdict.violations)
        if verdict.level is Level.FAULT:
            self._fault(verdict)
        elif verdict.level is Level.DAMP:
            self.machine.fire(Event.DAMP)
        elif self.machine.state is State.DAMPING:
            self.machine.fire(Event.RECOVER)
            self._reset_pending = True

    def _fault(self, verdict: Verdict) -> None:
        self.machine.fire(Event.FAULT)
        self.fault_verdict = verdict
        self.cut_torque()

    def _command(self, verdict: Verdict) -> None:
        state = self.machine.state
        if state is State.READY:
            self._ramp(verdict)
        elif state is State.DAMPING:
            self._damp()
        elif bool(self.record.joints.fresh.all()):
            self._run_policy()
        else:
            self.held_ticks += 1
            self._limit()

    def _ramp(self, verdict: Verdict) -> None:
        record, pose = self.record, self.pose
        if pose.late(record.time_ns):
            joint, position, goal = pose.farthest(record.joints)
            self.fault(Violation(Reason.START_POSE, joint, position, goal))
            return
        if verdict.level is not Level.OK:
            self._ramp_interrupted = True
            self._damp()
            return
        if self._ramp_interrupted:
            self._ramp_interrupted = False
            pose.restart(record.joints, record.time_ns)
        pose.command(record.command, record.joints, record.time_ns)
        self._limit()
        if pose.reached(record.joints, record.time_ns):
            self.machine.fire(Event.ARRIVE)
            self._reset_pending = True

    def _run_policy(self) -> None:
        record, watch = self.record, self._stopwatch
        first = self.running_since_ns is None
        if first:
            self.running_since_ns = record.time_ns
        started = watch()
        if self._reset_pending:
            self._reset_pending = False
            self._observations.reset()
            if first:
                self._actions.reset()
            else:
                self._actions.reset(position=self.signals.joint_position)
            self._ticks_since_reset = 0
            record.reset = True
        record.clock[0] = self._ticks_since_reset * self._period
        observation = self._observations.observe(self.signals, self._last_action)
        observed = watch()
        unseen = self.safety.check_observation(observation[0])
        if unseen is not ALL_WELL and self._refuse_observation(unseen):
            record.observation[:] = observation[0]
            return
        action = self._policy.act(observation)
        inferred = watch()
        record.ran = True
        record.observation[:] = observation[0]
        record.action[:] = action[0]
        # Before the pipeline: its clip would turn an infinite action into a finite target.
        if np.count_nonzero(np.isfinite(record.action, out=self._finite)) == self._finite.size:
            self._actions_refused = 0
            self._apply()
            self._limit()
        else:
            self._refuse_action()
        self.statistics["observe"].add(observed - started)
        self.statistics["infer"].add(inferred - observed)
        self.statistics["limit"].add(watch() - inferred)

    def _apply(self) -> None:
        targets, command = self._actions.apply(self.record.action[None, :]), self.record.command
        command.position[:] = targets.position[0]
        command.velocity[:] = targets.velocity[0]
        command.effort[:] = targets.effort[0]
        command.stiffness[:] = targets.stiffness[0]
        command.damping[:] = targets.damping[0]
        self.record.target[:] = command.effort if self._by_effort else command.position

    def _refuse_observation(self, verdict: Verdict) -> bool:
        """Count values outside the ranges seen in training; tell whether the policy must not act on them."""
        record = self.record
        self.interventions.add_violations(record.time_ns, verdict.violations)
        record.reasons |= int(verdict.reasons)
        if verdict.level is Level.FAULT:
            self._fault(verdict)
        elif verdict.level is Level.DAMP:
            self.machine.fire(Event.DAMP)
            record.state = self.machine.state.value
            self._damp()
        return verdict.level is not Level.OK

    def _refuse_action(self) -> None:
        """Damp; it is a fault if the policy keeps giving such actions."""
        record = self.record
        self._actions_refused += 1
        component = int(np.argmin(np.isfinite(record.action)))
        violation = Violation(Reason.ACTION_NOT_FINITE, component, float(record.action[component]), inf)
        self.interventions.add_violations(record.time_ns, (violation,))
        record.reasons |= int(violation.reason)
        if self._actions_refused > self._actions_refused_max:
            self._fault(verdict_of((violation,)))
            return
        self.machine.fire(Event.DAMP)
        record.state = self.machine.state.value
        self._damp()

    def _damp(self) -> None:
        self._note_limits(self.safety.damp(self.record.command, self.record.joints))

    def _limit(self) -> None:
        self._note_limits(self.safety.limit(self.record.command, self.record.joints))

    def _note_limits(self, bits: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        self.record.interventions[:] = bits
        if np.count_nonzero(bits):
            self.interventions.add_limits(self.record.time_ns, bits, self.safety.requested, self.record.command)

    def _write(self) -> None:
        started = self._stopwatch()
        try:
            self._hardware.write(self.record.command)
        except PortLostError:
            self.fault(Violation(Reason.PORT_LOST, -1, 1.0, 0.0))
        self.statistics["write"].add(self._stopwatch() - started)


def _imu_hardware(contract: Contract, hardware: JointInterface) -> WithImus | None:
    """Return the hardware if the robot has IMUs, None if it has none. Raises HardwareError if it cannot read them."""
    if not contract.robot.imus:
        return None
    if not isinstance(hardware, WithImus):
        raise HardwareError("the robot has IMUs, and its hardware does not read them")
    return hardware
