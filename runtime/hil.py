"""Hardware-in-the-loop scenarios: a policy on the emulated robot, faults on a timeline, and the expected result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.schema.scenario import ExpectConfig, ScenarioConfig
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.policy import OnnxPolicy, Policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session


@dataclass(frozen=True)
class ScenarioResult:
    """The result of a scenario."""

    name: str
    failures: tuple[str, ...]
    """Expectations that were not met."""
    report: RunReport
    emulator: dict[str, Any]
    """The emulated robot's own state at the end of the run, before torque was switched off."""
    plant: str

    @property
    def ok(self) -> bool:
        """Whether every expectation was met."""
        return not self.failures

    @property
    def faults_injected(self) -> int:
        """Number of faults that took effect."""
        return sum(self.emulator["faults_injected"].values())

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "ok": self.ok,
            "reasons": list(self.failures),
            "plant": self.plant,
            "emulator": self.emulator,
            "run": self.report.document(),
        }


def run_scenario(
    scenario: ScenarioConfig, policy: Path | Policy, *, plant: str = AUTO_PLANT, log: Path | None = None
) -> ScenarioResult:
    """Run one scenario.

    Args:
        scenario: Task, faults and expectations.
        policy: The ONNX file, or a policy already loaded.
        plant: Mechanics of the emulated robot; mujoco where that is installed by default.
        log: File for the run's log.

    Raises:
        UserError: The policy is not for the scenario's robot and task, or something it needs is missing.
    """
    loaded = OnnxPolicy(policy) if isinstance(policy, Path) else policy
    if loaded.contract.task != scenario.task.name:
        raise UserError(
            f"scenario {scenario.name!r} is of task {scenario.task.name!r}, "
            f"the policy was trained for {loaded.contract.task!r}"
        )
    robot = scenario.task.robot
    world = lockstep(robot, plant=plant, faults=scenario.faults)
    seen: list[dict[str, Any]] = []
    timeline = _Timeline(scenario)
    options = RunOptions(
        duration=scenario.duration,
        log=log,
        synchronous_log=True,
        before_shutdown=lambda: seen.append(world.snapshot()),
        commands=timeline.first,
        on_tick=timeline.apply,
    )
    report = run_session(loaded, robot, world.hardware, world.clock, options)
    emulator = seen[0]
    return ScenarioResult(scenario.name, unmet(scenario.expect, report, emulator), report, emulator, world.plant)


class _Timeline:
    """Operator commands of a scenario, each given when it is due.

    Attributes:
        first: Those that are given before the first tick, by name, SI units.
    """

    def __init__(self, scenario: ScenarioConfig) -> None:
        self.first: dict[str, float] = {}
        for entry in scenario.commands:
            if entry.at == 0.0:
                self.first |= entry.values
        self._later = [entry for entry in scenario.commands if entry.at > 0.0]

    def apply(self, controller: Controller) -> None:
        """Set the operator commands that are due in the next tick."""
        since_ns = controller.running_since_ns
        while self._later and since_ns is not None:
            due_ns = since_ns + ns_from_s(self._later[0].at)
            if not controller.record.time_ns >= due_ns:
                return
            for name, value in self._later.pop(0).values.items():
                controller.set_operator_command(name, value)


def unmet(expect: ExpectConfig, report: RunReport, emulator: dict[str, Any]) -> tuple[str, ...]:
    """Return the expectations that a run did not meet, each with the actual result."""
    injected = sum(emulator["faults_injected"].values())
    interventions = report.interventions_total
    state = report.final_state.name
    failures = []
    if state != expect.final_state:
        why = f": {report.reasons[0]}" if report.reasons else ""
        failures.append(f"ended in state {state}, expected {expect.final_state}{why}")
    if expect.goal is not None and report.goal_reached is not expect.goal:
        failures.append(f"goal reached: {report.goal_reached}, expected {expect.goal}")
    if expect.torque_off is not None and emulator["torque_off"] is not expect.torque_off:
        failures.append(f"torque off: {emulator['torque_off']}, expected {expect.torque_off}")
    if expect.interventions_max is not None and not interventions <= expect.interventions_max:
        failures.append(f"{interventions} interventions, expected at most {expect.interventions_max}")
    if expect.interventions_min is not None and not interventions >= expect.interventions_min:
        failures.append(f"{interventions} interventions, expected at least {expect.interventions_min}")
    if not injected >= expect.faults_injected_min:
        failures.append(f"{injected} faults happened, expected at least {expect.faults_injected_min}")
    if report.log is not None and report.logged_ticks != report.ticks:
        failures.append(f"{report.logged_ticks} of {report.ticks} ticks are in the log")
    return tuple(failures)
