"""Runs one scenario of a fault campaign and says what was wrong, measured at the motors."""

import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sim2real.benchmark.fault_judge import LATCHED_FAULT, STOP_REQUEST, FaultJudge
from sim2real.benchmark.fault_moments import nominal, policy_of
from sim2real.benchmark.fault_operator import ScriptedOperator
from sim2real.benchmark.fault_oracle import MotorOracle
from sim2real.benchmark.fault_policy import BrokenPolicy
from sim2real.benchmark.fault_result import ScenarioResult
from sim2real.benchmark.fault_scenarios import Scenario, Strike
from sim2real.benchmark.fault_truth import Truth
from sim2real.benchmark.fault_world import FaultWorld
from sim2real.configs.errors import UserError
from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import Policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.stop import StopRequest

WALL_S_MAX: int = 60
"""Longest time that a scenario may take, s: on a virtual clock a loop that waits for nothing never ends."""

LATCHED = ("FAULT", "ESTOP")
_AFTER_S = 0.8  # watched after the run: longer than watchdogs and guardians


class CampaignError(Exception):
    """Raised by the hook of a scenario, as a caller's own bug would be."""


class _NoEndError(BaseException):
    """The scenario takes too long; no `except Exception` may stop it."""


def run_fault_scenario(scenario: Scenario) -> ScenarioResult:
    """Run one scenario; never raises because of what the runtime does in it.

    Raises:
        KeyboardInterrupt: A signal from outside ended the run: what came of it is no result.
    """
    return _Run(scenario).result()


class _Run:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._world = world = FaultWorld(scenario.robot, scenario.plant, scenario.faults, offset=scenario.offset)
        policy: Policy = policy_of(scenario.robot.name)
        for strike in scenario.strikes:
            if strike.case.kind == "policy":
                policy = BrokenPolicy(policy, world, strike.entry, strike.at_s, _end_s(strike))
        self._policy = policy
        period_s = 1.0 / policy.contract.control_rate
        strangers = frozenset(s.joint for s in scenario.strikes if s.joint and s.entry["kind"] == "wrong_id")
        blind = frozenset(s.joint for s in scenario.strikes if s.joint and "encoder" in s.entry["kind"])
        frozen = frozenset(s.joint for s in scenario.strikes if s.joint and s.entry["kind"] == "stuck_encoder")
        self._oracle = MotorOracle(scenario.robot, period_s, strangers, blind, frozen)
        self._truth = Truth(scenario.robot, self._oracle, scenario.strikes, stops=scenario.plant != "inertia")
        self._judge = FaultJudge(scenario, world, self._oracle, self._truth)
        self._stop = StopRequest()
        self._hooks = [strike for strike in scenario.strikes if strike.case.kind == "hook"]
        self._timeline: list[str] = []
        self._state, self._since_ns = "", world.clock.now_ns()
        self._counted_ns, self._damped_s = world.clock.now_ns(), 0.0
        self._controller: Controller | None = None
        self._latched_ns: int | None = None
        self._ended_by: str | None = None
        self._was_reset = False
        self._ticked_ns = world.clock.now_ns()
        self._set_alarms()
        world.emulated.observer = self._observe

    def result(self) -> ScenarioResult:
        scenario, world = self._scenario, self._world
        options = RunOptions(
            duration=scenario.duration_s, on_tick=self._on_tick, stop=self._stop, operator=self._operator()
        )
        report: RunReport | None = None
        ended, reasons = "raised", tuple[str, ...]()
        try:
            with _bounded():
                report = run_session(self._policy, scenario.robot, world.hardware, world.clock, options)
            ended, reasons = report.final_state.name, report.reasons
        except UserError as error:
            ended, reasons = "refused", (str(error),)
        except CampaignError as error:
            ended, reasons = "raised", ("the hook's own exception", *getattr(error, "__notes__", ()))
        except _NoEndError:
            self._judge.problems.append(f"no end: still running after {WALL_S_MAX} s")
        except BaseException as error:
            self._judge.problems.append(f"traceback: {_where(error)}")
            if isinstance(error, KeyboardInterrupt):
                raise
        self._stop.raise_if_signalled()
        end_ns = world.clock.now_ns()
        self._note(f"run returned: {ended}, ok {report.ok if report else None}: {'; '.join(reasons)}")
        world.emulated.advance_to(end_ns)
        on_at_return = self._oracle.driven()
        self._watch_on(end_ns)
        self._judge.judge(report, ended, reasons, on_at_return, self._ticked_ns)
        found = [f"{world.elapsed_s(f.time_ns):.3f} s {f}" for f in self._oracle.findings]
        names = tuple(strike.case.name for strike in scenario.strikes)
        return ScenarioResult(
            scenario.id,
            names,
            scenario.moment,
            scenario.plant,
            ended,
            None if report is None else report.ok,
            tuple(reasons),
            (*self._judge.problems, *found),
            self._judge.safe_s(),
            tuple(self._timeline),
        )

    # While it runs

    def _set_alarms(self) -> None:
        scenario, world = self._scenario, self._world
        requests = [(s.at_s, s.entry["kind"]) for s in scenario.strikes if s.case.kind == "request"]
        if scenario.stop_s is not None:
            requests.append((scenario.stop_s, "stop"))
        for at_s, kind in requests:
            world.clock.alarm(world.time_ns(at_s), lambda kind=kind: self._request(kind))  # type: ignore[misc]
        for strike in scenario.strikes:
            self._timeline.append(f"{strike.at_s:8.3f} s {strike.case.name}: {_text(strike)}")

    def _operator(self) -> ScriptedOperator | None:
        scenario = self._scenario
        acts = [strike for strike in scenario.strikes if strike.case.kind == "operator"]
        if not acts:
            return None
        end_s = nominal(scenario.robot.name, scenario.plant).running + scenario.duration_s + _AFTER_S
        return ScriptedOperator(self._world, acts, end_s, len(self._policy.contract.commands), self._operated)

    def _operated(self, kind: str) -> None:
        """Follow what the operator asks for: a reset and then a start let torque come on again after a fault."""
        self._note(f"operator: {kind}")
        if kind == "reset":
            self._was_reset = self._latched_ns is not None
        elif kind == "start" and self._was_reset and self._ended_by is None:
            self._oracle.permit()
        elif kind in ("stop", "emergency"):
            self._ends("operator")

    def _ends(self, by: str) -> None:
        if self._ended_by is None:
            self._ended_by = by
            self._oracle.permit()
            self._oracle.forbid(self._world.clock.now_ns(), "stop")
            self._judge.expect_off(STOP_REQUEST, self._world.clock.now_ns())

    def _latch(self, time_ns: int) -> None:
        if self._latched_ns is None:
            self._latched_ns = time_ns
            self._oracle.forbid(time_ns, "fault")
            self._judge.expect_off(LATCHED_FAULT, time_ns)

    def _request(self, kind: str) -> None:
        self._note(f"asked to {'stop' if kind == 'stop' else 'stop at once'}")
        self._ends("signal")
        if kind == "stop":
            self._stop.stop("SIGINT")
        else:
            self._stop.emergency_stop("SIGQUIT")

    def _observe(self, time_ns: int) -> None:
        motors = self._world.emulated.motors.values()
        if self._oracle.see(time_ns, motors):
            self._note(f"driven: {', '.join(self._oracle.driven()) or 'none'}", time_ns)
        self._judge.see(time_ns)
        if self._controller is None:
            return
        if self._controller.state.name in LATCHED:
            self._latch(time_ns)
        if self._latched_ns is None and self._ended_by is None:
            self._truth.see(time_ns, self._world.emulated)

    def _on_tick(self, controller: Controller) -> None:
        self._controller = controller
        state, now_ns = controller.state.name, self._world.clock.now_ns()
        self._ticked_ns = now_ns
        if state != self._state:
            self._note(f"{state}")
            self._state, self._since_ns = state, now_ns
        if state in LATCHED:
            self._latch(now_ns)
        self._count_damping(state, now_ns)
        for strike in self._hooks:
            if self._world.elapsed_s() >= strike.at_s:
                raise CampaignError

    def _count_damping(self, state: str, now_ns: int) -> None:
        """Damping has a deadline; its time counts on until the policy has run as long without damping."""
        elapsed_s, self._counted_ns = (now_ns - self._counted_ns) / NS_PER_S, now_ns
        longest_s = self._scenario.robot.safety.damping_max + 2.5 / self._policy.contract.control_rate
        if state != "DAMPING":
            if (now_ns - self._since_ns) / NS_PER_S >= self._damped_s:
                self._damped_s = 0.0
            return
        self._damped_s += elapsed_s
        if not self._damped_s <= longest_s:
            self._oracle.report("damping too long", now_ns, "", f"{self._damped_s:.2f} s, allowed {longest_s:.2f} s")

    def _note(self, text: str, time_ns: int | None = None) -> None:
        self._timeline.append(f"{self._world.elapsed_s(time_ns):8.3f} s {text}")

    # Afterwards

    def _watch_on(self, end_ns: int) -> None:
        """Let the world go on without the runtime, until every watchdog has expired."""
        world = self._world
        deadline_ns = end_ns + ns_from_s(_AFTER_S)
        world.clock.sleep_until_ns(deadline_ns)
        world.emulated.advance_to(deadline_ns)


def _end_s(strike: Strike) -> float | None:
    return None if strike.duration_s is None else strike.at_s + strike.duration_s


def _text(strike: Strike) -> str:
    words = [
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in strike.entry.items()
    ]
    length = "stays" if strike.duration_s is None else f"for {strike.duration_s:.3f} s"
    return ", ".join([*words[1:], length])


def _where(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise _NoEndError in the main thread when the scenario takes too long."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise _NoEndError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, WALL_S_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
