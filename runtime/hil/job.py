"""One scenario of many, as a worker process runs it."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_scenario
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.runtime.hil.evidence import keep_evidence
from sim2real.runtime.hil.policy_choice import choose_policy, loaded
from sim2real.runtime.hil.scenario_run import ScenarioResult, run_scenario
from sim2real.runtime.policy import Policy


@dataclass(frozen=True)
class Job:
    """What to run."""

    path: Path
    """The scenario's file."""
    policies: tuple[str, ...] = ()
    """Those of the command line."""
    overrides: tuple[str, ...] = ()
    plant: str = "auto"
    log: Path | None = None
    """File for the log; None for no log."""
    keep: Path | None = None
    """Folder in which a failure leaves a folder of its own; None for none."""
    repeat: int = 1
    """How often it is run; each run must be the same, bit for bit."""
    seed: int | None = None
    """Instead of the scenario's."""


@dataclass(frozen=True)
class JobResult:
    """What came of it."""

    name: str
    robot: str
    policy: str
    result: ScenarioResult | None
    """Without the recording; None if it could not be run."""
    problem: str = ""
    """Why it could not be run."""
    wall_s: float = 0.0
    evidence: Path | None = None
    """Folder with what a failure left behind."""

    @property
    def failures(self) -> tuple[str, ...]:
        """What was not as expected."""
        return (f"cannot be run: {self.problem}",) if self.result is None else self.result.failures

    @property
    def ok(self) -> bool:
        """Whether everything was."""
        return not self.failures


def run_job(job: Job) -> JobResult:
    """Run one scenario; a UserError is part of the result."""
    started = time.perf_counter()
    name, robot, policy = job.path.stem, "", ""
    try:
        scenario = load_scenario(str(job.path.absolute()), job.overrides)
        name, robot = scenario.name, scenario.task.robot.name
        policy = choose_policy(scenario, job.policies)
        result, evidence = _run(job, scenario, policy)
    except UserError as error:
        return JobResult(name, robot, policy, None, str(error), time.perf_counter() - started)
    except OSError as error:
        return JobResult(
            name, robot, policy, None, f"{error.filename}: {error.strerror}", time.perf_counter() - started
        )
    return JobResult(name, robot, policy, replace(result, recording=None), "", time.perf_counter() - started, evidence)


def _run(job: Job, scenario: ScenarioConfig, policy: str) -> tuple[ScenarioResult, Path | None]:
    """Return the result, and the folder that a failure left."""
    chosen = _policy(scenario, policy)
    result = run_scenario(scenario, chosen, plant=job.plant, log=job.log, seed=job.seed)
    for number in range(2, job.repeat + 1):
        again = run_scenario(scenario, chosen, plant=job.plant, seed=job.seed)
        if again.digest != result.digest:
            different = f"run {number} differs from the first: {again.digest[:12]}, not {result.digest[:12]}"
            result = replace(result, failures=(*result.failures, different))
    if result.ok or job.keep is None:
        return result, None
    return result, keep_evidence(job.keep / scenario.name, scenario, chosen, result, seed=job.seed)


def _policy(scenario: ScenarioConfig, reference: str) -> Path | Policy:
    """Return the policy, loaded once in this process; where loading may be refused as expected, its path."""
    return Path(reference) if scenario.expect.refused is not None and scenario.policy else loaded(reference)
