"""Runs one scenario in lockstep, and says which of its expectations were not met."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.schema.condition import parse_condition
from sim2real.configs.schema.expectation import CheckConfig, ExpectConfig
from sim2real.configs.schema.run_signal import RunSignal, signals_of
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.hardware.clock import Clock
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.interface import JointInterface
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.hil.check import CheckResult, check
from sim2real.runtime.hil.recording import Recorder, Recording
from sim2real.runtime.hil.start_state import place
from sim2real.runtime.hil.timeline import Timeline
from sim2real.runtime.policy import OnnxPolicy, Policy, check_robot
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session


@dataclass(frozen=True)
class ScenarioResult:
    """The result of a scenario."""

    name: str
    failures: tuple[str, ...]
    """Expectations that were not met."""
    report: RunReport | None
    """None if the run was refused."""
    emulator: dict[str, Any]
    """The emulated robot's own state at the end of the run, before torque was switched off; empty if it was refused."""
    plant: str
    checks: tuple[CheckResult, ...] = ()
    recording: Recording | None = field(default=None, repr=False)
    refusal: str = ""
    """Why the run was refused; empty if it began."""
    digest: str = ""
    """SHA-256 of the run; the same each time. Empty if it was refused."""
    left_out: tuple[str, ...] = ()
    """Expectations that were not judged: only an emulated robot in this process tells what they are about."""

    @property
    def ok(self) -> bool:
        """Whether every expectation was met."""
        return not self.failures

    @property
    def faults_injected(self) -> int:
        """Number of faults that took effect."""
        return sum(self.emulator["faults_injected"].values()) if self.emulator else 0

    @property
    def final_state(self) -> str:
        """State at the end, before torque was switched off; `REFUSED` if the run did not begin."""
        return "REFUSED" if self.report is None else self.report.final_state.name

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "ok": self.ok,
            "reasons": list(self.failures),
            "plant": self.plant,
            "refusal": self.refusal or None,
            "digest": self.digest or None,
            "checks": [{"check": each.text, "ok": each.ok} for each in self.checks],
            "left_out": list(self.left_out),
            "emulator": self.emulator,
            "run": None if self.report is None else self.report.document(),
        }


def run_scenario(
    scenario: ScenarioConfig,
    policy: Path | Policy,
    *,
    plant: str = AUTO_PLANT,
    log: Path | None = None,
    seed: int | None = None,
) -> ScenarioResult:
    """Run one scenario.

    Args:
        scenario: Task, timeline and expectations.
        policy: The ONNX file, or a policy already loaded.
        plant: Mechanics of the emulated robot; mujoco where that is installed by default.
        log: File for the run's log.
        seed: Instead of the scenario's.

    Raises:
        UserError: The policy is not for the scenario's robot and task, unless the scenario expects just that; or
            something it needs is missing.
    """
    try:
        loaded = OnnxPolicy(policy) if isinstance(policy, Path) else policy
        _check_policy(scenario, loaded)
    except UserError as error:
        if scenario.expect.refused is None:
            raise
        return _refused(scenario, str(error), plant)
    robot, seed = scenario.task.robot, scenario.seed if seed is None else seed
    world = lockstep(
        robot,
        plant=plant,
        faults=scenario.faults,
        seed=seed,
        prepare=lambda made: place(made, robot, scenario.start, seed),
    )
    run = ScenarioRun(scenario, loaded, world.hardware, world.clock, world.plant, world.emulated)
    try:
        return run.result(log=log, synchronous=True)
    except UserError as error:
        if scenario.expect.refused is None:
            raise
        return _refused(scenario, str(error), world.plant)


class ScenarioRun:
    """One run of a scenario, on whatever hardware.

    Args:
        scenario: The scenario.
        policy: Its policy.
        hardware: Motors and IMUs, not yet opened.
        clock: Their clock.
        plant: Name of the emulated mechanics; `real` for a real robot.
        emulated: The emulated robot, if it is in this process.
    """

    def __init__(
        self,
        scenario: ScenarioConfig,
        policy: Policy,
        hardware: JointInterface,
        clock: Clock,
        plant: str,
        emulated: EmulatedRobot | None = None,
    ) -> None:
        self._scenario, self._hardware, self._clock = scenario, hardware, clock
        self._plant, self._emulated = plant, emulated
        self._recorder = Recorder(policy.contract, clock, emulated)
        mechanics = None if emulated is None else emulated.plant
        self._timeline = Timeline(scenario, policy.contract, clock, mechanics, self._recorder.disturb)
        self._policy = self._timeline.policy(policy)
        self._controller: Controller | None = None
        self._seen: dict[str, Any] = {}

    def result(self, *, log: Path | None = None, synchronous: bool = False, real_time: bool = False) -> ScenarioResult:
        """Run it; once.

        Args:
            log: File for the run's log.
            synchronous: Write the log within the tick, for virtual clocks.
            real_time: Ask for the real-time profile.

        Raises:
            UserError: The run is refused.
        """
        scenario, timeline = self._scenario, self._timeline
        options = RunOptions(
            duration=scenario.duration,
            log=log,
            synchronous_log=synchronous,
            real_time=real_time,
            before_shutdown=self._before_shutdown,
            commands=timeline.first,
            on_tick=self._on_tick,
            stop=timeline.stop,
            operator=timeline.operator,
        )
        report = run_session(self._policy, scenario.task.robot, self._hardware, self._clock, options)
        timeline.stop.raise_if_signalled()
        recording = self._recorder.recording(report.distance)
        signals = signals_of(scenario.task)
        expect = scenario.expect
        hidden = [] if self._emulated is not None else [each for each in expect.checks if _inside(each, signals)]
        checks = tuple(check(config, signals, recording) for config in expect.checks if config not in hidden)
        left_out = () if self._emulated is not None else _told_by_the_emulator(expect, hidden)
        failures = (*unmet(expect, report, self._seen), *(each.failure for each in checks if not each.ok))
        if expect.refused is not None:
            failures = (f"the run was not refused, expected {expect.refused!r}", *failures)
        digest = recording.digest if synchronous else ""
        return ScenarioResult(
            scenario.name,
            failures,
            report,
            self._seen,
            self._plant,
            checks,
            recording,
            digest=digest,
            left_out=left_out,
        )

    def _on_tick(self, controller: Controller) -> None:
        self._controller = controller
        self._recorder.tick(controller)
        self._timeline.apply(controller)

    def _before_shutdown(self) -> None:
        self._recorder.finish(self._controller)
        if self._emulated is not None:
            self._emulated.advance_to(self._clock.now_ns())
            self._seen = self._emulated.snapshot()


def _inside(config: CheckConfig, signals: dict[str, RunSignal]) -> bool:
    """Return whether a check reads a signal that only an emulated robot in this process tells."""
    texts = (config.condition, *([config.until] if config.until is not None else []))
    return any(signals[parse_condition(text, signals).signal].true for text in texts)


def _told_by_the_emulator(expect: ExpectConfig, checks: list[CheckConfig]) -> tuple[str, ...]:
    """Return what is expected of the emulated robot's own state, in the words of the scenario."""
    left_out = [config.text for config in checks]
    if expect.torque_off is not None:
        left_out.append("torque_off")
    if expect.faults_injected_min:
        left_out.append("faults_injected_min")
    return tuple(left_out)


def _check_policy(scenario: ScenarioConfig, policy: Policy) -> None:
    if policy.contract.task != scenario.task.name:
        raise UserError(
            f"scenario {scenario.name!r} is of task {scenario.task.name!r}, "
            f"the policy was trained for {policy.contract.task!r}"
        )
    check_robot(policy.contract, scenario.task.robot)


def _refused(scenario: ScenarioConfig, refusal: str, plant: str) -> ScenarioResult:
    wanted = scenario.expect.refused or ""
    told = () if wanted in refusal else (f"refused, but not with {wanted!r}: {refusal}",)
    return ScenarioResult(scenario.name, told, None, {}, plant, refusal=refusal)


def _goal(report: RunReport) -> str:
    """Return what became of the goal, which was expected otherwise: how far off it was, where it was not reached."""
    if report.goal_reached:
        return f"goal reached, expected not to be: {report.goal}"
    undecided = f"goal not decided, the run was too short or ended early: {report.goal}"
    missed = f"goal not reached: {report.goal}" if report.goal_reached is False else undecided
    return next((reason for reason in report.reasons if reason.startswith("goal not reached")), missed)


def unmet(expect: ExpectConfig, report: RunReport, emulator: dict[str, Any]) -> tuple[str, ...]:
    """Return the expectations about the end of a run that it did not meet, each with the actual result.

    Args:
        expect: The expectations.
        report: The run.
        emulator: The emulated robot's own state; empty for a real one, of which nothing is then expected.
    """
    interventions = report.interventions_total
    state = report.final_state.name
    failures = []
    if state != expect.final_state:
        why = f": {report.reasons[0]}" if report.reasons else ""
        failures.append(f"ended in state {state}, expected {expect.final_state}{why}")
    if expect.goal is not None and report.goal_reached is not expect.goal:
        failures.append(_goal(report))
    if emulator and expect.torque_off is not None and emulator["torque_off"] is not expect.torque_off:
        failures.append(f"torque off: {emulator['torque_off']}, expected {expect.torque_off}")
    if expect.interventions_max is not None and not interventions <= expect.interventions_max:
        failures.append(f"{interventions} interventions, expected at most {expect.interventions_max}")
    if expect.interventions_min is not None and not interventions >= expect.interventions_min:
        failures.append(f"{interventions} interventions, expected at least {expect.interventions_min}")
    injected = sum(emulator["faults_injected"].values()) if emulator else None
    if injected is not None and not injected >= expect.faults_injected_min:
        failures.append(f"{injected} faults happened, expected at least {expect.faults_injected_min}")
    if report.log is not None and report.logged_ticks != report.ticks:
        failures.append(f"{report.logged_ticks} of {report.ticks} ticks are in the log")
    return tuple(failures)
