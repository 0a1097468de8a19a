"""Why a robot damps, reacts to a fault, or has latched it; and the reaction on the way there."""

from sim2real.configs.schema.safety import Reaction
from sim2real.runtime.envelope.reaction import STRENGTH
from sim2real.runtime.interventions import InterventionLog
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.states import WITH_TORQUE, Event, State, StateMachine
from sim2real.runtime.verdict import ALL_WELL, DAMP_REASONS, Level, Reason, Verdict, Violation, joined, verdict_of


class FaultLatch:
    """Applies the verdicts of safety to the state machine, and keeps those that matter until the operator's reset.

    Args:
        safety: Knows the reaction to a fault.
        record: The loop's buffers.
        interventions: Gets every violation, and knows the words.
        reaction_ns: How long a reaction with torque lasts, ns.
    """

    def __init__(self, safety: Safety, record: TickRecord, interventions: InterventionLog, reaction_ns: int) -> None:
        self.verdict: Verdict = ALL_WELL
        """Why the robot is in FAULT, or on its way there."""
        self.failure = ""
        """What raised an exception, and which; empty if nothing has."""
        self.reaction: Reaction = "off"
        """What the robot does on its way to FAULT."""
        self._safety, self._record, self._interventions = safety, record, interventions
        self._reaction_ns, self._until_ns = reaction_ns, 0
        self._damped_by: Verdict = ALL_WELL

    @property
    def over(self) -> bool:
        """Whether the time of the reaction is over."""
        return not self._record.time_ns < self._until_ns

    def begin_reaction(self) -> None:
        """Measure the time of the reaction from this tick on."""
        self._until_ns = self._record.time_ns + self._reaction_ns

    def reset(self) -> None:
        """Forget: the cause is gone, and the operator has said so."""
        self.verdict = self._damped_by = ALL_WELL
        self.failure = ""

    def apply(self, verdict: Verdict, machine: StateMachine) -> None:
        """Apply the verdict on a tick's readings."""
        if verdict is not ALL_WELL:
            self._interventions.add_violations(self._record.time_ns, verdict.violations)
        if verdict.level is Level.FAULT:
            self._latch(verdict, machine)
        elif machine.state is State.REACTING:
            return
        elif verdict.level is Level.DAMP:
            self._damped_by = verdict
            machine.fire(Event.DAMP)
        elif machine.state is State.DAMPING:
            machine.fire(Event.RECOVER)

    def refuse(self, verdict: Verdict, machine: StateMachine) -> None:
        """Apply the verdict on what the policy saw or did, worse than OK."""
        self._interventions.add_violations(self._record.time_ns, verdict.violations)
        if verdict.level is Level.FAULT:
            self._latch(verdict, machine)
        else:
            self._damped_by = verdict
            machine.fire(Event.DAMP)

    def fault(self, violations: tuple[Violation, ...], machine: StateMachine) -> None:
        """Go to FAULT, or first to the reaction that the robot's YAML names, whatever the level of the violations."""
        verdict = verdict_of(violations)
        self._interventions.add_violations(self._record.time_ns, verdict.violations)
        self._record.reasons |= int(verdict.reasons)
        self._latch(verdict, machine)

    def fault_at_once(self, violation: Violation, machine: StateMachine) -> None:
        """Go to FAULT without a reaction: nothing is known of where the joint is."""
        self.verdict = verdict_of((violation,))
        self._interventions.add_violations(self._record.time_ns, self.verdict.violations)
        machine.fire(Event.FAULT)

    def note_exception(self, error: BaseException, what: str) -> None:
        """Keep what raised an exception, in words."""
        lines = str(error).strip().splitlines()
        text = " ".join(dict.fromkeys((*lines[:1], *lines[-1:])))  # of a message with a traceback, what and why
        self.failure = f"{what} raised {type(error).__name__}{f': {text}' if text else ''}"

    def texts(self) -> list[str]:
        """Return in words why the robot is in FAULT.

        What only damps is left out where there is something worse, unless the fault is that it damped for too long.
        """
        violations = self.verdict.violations
        listed = [each for each in violations if each.reason not in DAMP_REASONS]
        if not listed or self.verdict.reasons & Reason.DAMPING_TOO_LONG:
            listed = list(violations)
        return [
            f"internal error: {self.failure}"
            if violation.reason is Reason.INTERNAL_ERROR
            else str(self._interventions.event_of(0, violation))
            for violation in listed
        ]

    def _latch(self, verdict: Verdict, machine: StateMachine) -> None:
        """Begin the reaction to a fault; one that is at work gives way to a stronger one, within the same time."""
        reaction = self._safety.reaction(verdict)
        state = machine.state
        if verdict.reasons & Reason.DAMPING_TOO_LONG:
            verdict = joined(verdict, self._damped_by)
        if state is State.REACTING:
            if STRENGTH.index(reaction) <= STRENGTH.index(self.reaction):
                return
            verdict = joined(self.verdict, verdict)
        self.verdict = verdict
        self.reaction = reaction
        if reaction == "off" or state not in WITH_TORQUE:
            machine.fire(Event.FAULT)
        elif state is not State.REACTING:
            machine.fire(Event.REACT)
