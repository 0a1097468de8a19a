"""The robot of a test: runs policies and scenarios, or is opened by hand, wherever the session's tests run."""

import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.library import is_path
from sim2real.configs.load import load_scenario
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig, ScenarioConfig
from sim2real.configs.schema.start_state import StartStateConfig
from sim2real.hardware.clock import MonotonicClock, VirtualClock, ns_from_s
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant
from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.flash.trial import trial_run
from sim2real.runtime.hil.evidence import keep_evidence
from sim2real.runtime.hil.log_evidence import keep_log
from sim2real.runtime.hil.policy_choice import choose_policy, loaded
from sim2real.runtime.hil.scenario_run import ScenarioResult, ScenarioRun, run_scenario
from sim2real.runtime.hil.session_setup import Mode, SessionSetup
from sim2real.runtime.open_robot import OpenRobot, open_robot, opened
from sim2real.runtime.policy import Policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run import run
from sim2real.runtime.tick import Tick

BENCH_S_MAX = 120.0
"""Longest run on a bench."""


class RobotUnderTest:
    """The robot of one test.

    Args:
        setup: The session's.
        scratch: Folder of the test, for logs.
        keep: Folder for what the test leaves if it fails.
        record: Called with name and value of each figure, for the report.

    Attributes:
        config: The robot's configuration.
        mode: `lockstep`, `realtime` or `bench`.
    """

    def __init__(
        self,
        setup: SessionSetup,
        scratch: Path,
        keep: Path,
        record: Callable[[str, object], None] = lambda _n, _v: None,
    ) -> None:
        self.config: RobotConfig = setup.robot
        self.mode: Mode = setup.mode
        self._setup, self._scratch, self._keep, self._record = setup, scratch, keep, record
        self._clock: VirtualClock | None = None
        self._logs: list[Path] = []
        self._kept = False

    def run(
        self,
        policy: str | Path | Policy,
        *,
        duration: float,
        commands: Mapping[str, float] | None = None,
        faults: str | Path | FaultsConfig | None = None,
        on_tick: Callable[[Tick], None] | None = None,
    ) -> RunReport:
        """Run a policy, as `sim2real.run` does: ramp to the start pose, policy, torque off.

        Args:
            policy: The policy.
            duration: s of policy; on a bench at most `BENCH_S_MAX`.
            commands: Operator commands by name, SI units.
            faults: Faults to inject; a bench has none of that.
            on_tick: Called after each tick.

        Raises:
            UserError: Something does not fit together, or a bench is to do what only an emulator can.
        """
        log = self._log("run")
        self._check_duration(duration)
        where: dict[str, Any] = {"lockstep": {"lockstep": True}, "realtime": {"emulate": True}}.get(self.mode, {})
        if self._setup.bench is not None:
            where = {"ports": self._setup.bench.ports}
        report = run(
            policy, self.config, duration=duration, commands=commands, faults=faults, on_tick=on_tick, log=log, **where
        )
        self._figures(report)
        return report

    @contextmanager
    def open(self) -> Iterator[OpenRobot]:
        """Open the robot for work by hand, see `sim2real.open_robot`. Use `sleep` of this object to let time pass."""
        if self.mode == "lockstep":
            world = lockstep(self.config)
            self._clock = world.clock
            try:
                with opened(self.config, world.hardware, world.clock) as ready:
                    yield ready
            finally:
                self._clock = None
        elif self._setup.bench is not None:
            with open_robot(self.config, ports=self._setup.bench.ports) as ready:
                yield ready
        else:
            with emulate(self.config) as emulated, open_robot(self.config, ports=emulated.ports) as ready:
                yield ready

    def sleep(self, seconds: float) -> None:
        """Let time pass: of the virtual clock in lockstep, else of the wall."""
        if self._clock is not None:
            self._clock.sleep_until_ns(self._clock.now_ns() + ns_from_s(seconds))
        else:
            time.sleep(seconds)

    def power_cycle(self) -> None:
        """Switch the supply of a bench off and on. Raises UserError where there is no command for it."""
        if self._setup.bench is None:
            raise UserError("a power cycle by command is for a bench; an emulated motor has the fault `power_cycle`")
        self._setup.bench.power_cycle()

    def run_scenario(self, reference: str, folder: Path) -> ScenarioResult | str:
        """Run a scenario; return its result, or why it cannot be run in this mode.

        Args:
            reference: A shipped scenario, or a file relative to `folder`.
            folder: Base of relative paths.

        Raises:
            UserError: There is no such scenario, it is of another robot, or it cannot be run.
        """
        scenario = load_scenario(str(folder / reference) if is_path(reference) else reference)
        if scenario.task.robot.name != self.config.name:
            raise UserError(
                f"scenario {scenario.name!r} is of robot {scenario.task.robot.name!r}, "
                f"the tests are of {self.config.name!r}"
            )
        given = () if self._setup.policy_reference is None else (self._setup.policy_reference,)
        policy = loaded(choose_policy(scenario, given)) if scenario.expect.refused is None else None
        if self.mode == "lockstep":
            chosen = policy or Path(choose_policy(scenario, given))
            result = run_scenario(scenario, chosen)
            if not result.ok:
                self._kept = True
                keep_evidence(self._keep, scenario, chosen, result)
        elif (why := _only_in_lockstep(scenario, self.mode)) or policy is None:
            return f"scenario {scenario.name!r} runs in lockstep only: {why or 'it expects a refusal'}"
        else:
            result = self._in_real_time(scenario, policy)
        self._record("final_state", result.final_state)
        self._record("digest", result.digest)
        if result.left_out:
            self._record("not_judged", "; ".join(result.left_out))
            warnings.warn(
                f"scenario {scenario.name!r} in mode {self.mode}: not judged, for only an emulator in lockstep tells: "
                f"{'; '.join(result.left_out)}",
                stacklevel=2,
            )
        if result.report is not None:
            self._figures(result.report)
        return result

    def keep(self) -> Path | None:
        """Copy the logs into the folder that is kept, with a picture and the last seconds; None if there is nothing."""
        if self._kept:
            return self._keep
        logs = [log for log in self._logs if log.exists()]
        if not logs:
            return None
        self._keep.mkdir(parents=True, exist_ok=True)
        for log in logs:
            keep_log(Path(shutil.copy(log, self._keep)))
        self._kept = True
        return self._keep

    def broken(self) -> str:
        """Return why the bench can run no further tests; empty if it can."""
        return "" if self._setup.bench is None else self._setup.bench.gone()

    def _in_real_time(self, scenario: ScenarioConfig, policy: Policy) -> ScenarioResult:
        log = self._log(scenario.name)
        self._check_duration(scenario.duration)
        bench = self._setup.bench
        if bench is not None:
            with trial_run(policy, self.config, real=True):  # refuses what its target has marked bad
                return self._on_ports(scenario, policy, bench.ports, "real", log)
        plant = choose_plant(AUTO_PLANT, self.config)
        with emulate(self.config, plant=plant, faults=scenario.faults, real_time=True) as process:
            return self._on_ports(scenario, policy, process.ports, plant, log)

    def _on_ports(
        self, scenario: ScenarioConfig, policy: Policy, ports: Mapping[str, str], plant: str, log: Path
    ) -> ScenarioResult:
        clock = MonotonicClock()
        hardware = RobotHardware(self.config, open_serial_ports(self.config, ports, clock), clock)
        return ScenarioRun(scenario, policy, hardware, clock, plant).result(log=log, real_time=True)

    def _log(self, name: str) -> Path:
        self._logs.append(self._scratch / f"{name}_{len(self._logs) + 1}.mcap")
        return self._logs[-1]

    def _check_duration(self, duration: float) -> None:
        if self.mode == "bench" and not duration <= BENCH_S_MAX:
            raise UserError(f"duration: {duration:g} s; valid on a bench: up to {BENCH_S_MAX:g} s")

    def _figures(self, report: RunReport) -> None:
        figures = {
            "ticks": report.ticks,
            "missed_ticks": report.missed_ticks,
            "held_ticks": report.held_ticks,
            "interventions": report.interventions_total,
            "goal_reached": report.goal_reached,
        }
        for name, value in figures.items():
            self._record(name, value)


def _only_in_lockstep(scenario: ScenarioConfig, mode: Mode) -> str:
    """Return what of a scenario only an emulator in lockstep can do; empty if it needs none of that."""
    if scenario.start != StartStateConfig():
        return "it has a start state"
    if any(event.kind == "push" for event in scenario.events):
        return "it pushes the robot"
    if mode == "bench" and scenario.faults is not None:
        return "it injects faults"
    return ""
