"""Two policies on the same scenarios and seeds: what got better, what got worse, and why runs fail."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_scenario
from sim2real.runtime.hil.job import Job, JobResult
from sim2real.runtime.hil.paired_statistics import Interval, PairedSuccess, as_array, mean_difference
from sim2real.runtime.hil.policy_choice import loaded
from sim2real.runtime.hil.scenario_files import SHIPPED, find_scenarios
from sim2real.runtime.hil.workers import run_jobs

_EXAMPLES: Final = 3
"""Runs that are named for each cause of failures."""
FIGURES: Final = {
    "interventions": "interventions of safety a run",
    "held_ticks": "ticks in which the last command was held",
    "missed_ticks": "ticks missed",
    "distance": "mean distance from the goal",
}
"""Of all, less is better."""


@dataclass(frozen=True)
class Cause:
    """Failures of one policy with one cause."""

    policy: str
    text: str
    """The failure, with its numbers left out."""
    count: int
    runs: tuple[str, ...]
    """The first of them, `scenario@seed`."""


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison."""

    old: str
    new: str
    scenarios: tuple[str, ...]
    seeds: int
    success: PairedSuccess
    figures: dict[str, Interval | None]
    """Mean paired difference, new minus old; None with fewer than two pairs."""
    better: tuple[str, ...]
    """Runs that only the new policy passes."""
    worse: tuple[str, ...]
    causes: tuple[Cause, ...]
    repeated: int
    """Runs left out because another seed gave both policies the very same run."""
    left_out: tuple[str, ...] = field(default=())
    """Scenarios that name their own policy: they say nothing about these two."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        counts = self.success
        return {
            "old": self.old,
            "new": self.new,
            "scenarios": list(self.scenarios),
            "seeds": self.seeds,
            "runs": counts.runs,
            "repeated": self.repeated,
            "left_out": list(self.left_out),
            "success": {
                "old": counts.old.document(),
                "new": counts.new.document(),
                "change": counts.change.document(),
                "only_old": counts.only_old,
                "only_new": counts.only_new,
                "mcnemar_p": counts.p,
            },
            "figures": {name: None if found is None else found.document() for name, found in self.figures.items()},
            "better": list(self.better),
            "worse": list(self.worse),
            "causes": [
                {"policy": each.policy, "cause": each.text, "count": each.count, "runs": list(each.runs)}
                for each in self.causes
            ],
        }


def comparable(old: str, new: str, references: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Return the files of the scenarios that compare two policies, and the names of those left out.

    Args:
        old: A shipped policy, or an ONNX file.
        new: Another one of the same task.
        references: Scenarios, files or folders; by default the shipped ones of the policies' task.

    Raises:
        UserError: The policies are of different tasks, or no scenario is of their task.
    """
    tasks = [loaded(policy).contract.task for policy in (old, new)]
    if tasks[0] != tasks[1]:
        raise UserError(f"{old} is of task {tasks[0]!r}, {new} of {tasks[1]!r}; valid: two policies of one task")
    paths, own = [], []
    for path in find_scenarios(references or [str(SHIPPED)]).paths:
        scenario = load_scenario(str(path.absolute()))
        if scenario.task.name != tasks[0]:
            if references:
                raise UserError(f"scenario {scenario.name!r} is of task {scenario.task.name!r}, not of {tasks[0]!r}")
            continue
        if scenario.policy is not None or scenario.expect.refused is not None:
            own.append(scenario.name)
            continue
        paths.append(path)
    if not paths:
        raise UserError(f"no scenario is of task {tasks[0]!r} and takes its policy from the command line")
    return paths, tuple(own)


def compare(
    old: str,
    new: str,
    paths: Sequence[Path],
    *,
    seeds: int,
    plant: str,
    workers: int,
    done: Callable[[JobResult], None],
    left_out: tuple[str, ...] = (),
) -> Comparison:
    """Run both policies on every scenario with every seed.

    Args:
        old: A policy.
        new: Another.
        paths: Scenarios, from `comparable`.
        seeds: n ≥ 1: the seeds are 0 to n - 1.
        plant: Mechanics of the emulated robot.
        workers: Processes.
        done: Called with each result as it arrives.
        left_out: From `comparable`.

    Raises:
        UserError: A scenario cannot be run with one of the policies, or a worker was killed.
    """
    jobs = [Job(path, (policy,), plant=plant, seed=seed) for path in paths for seed in range(seeds)
            for policy in (old, new)]  # fmt: skip
    results = run_jobs(jobs, workers, done)
    for each in results:
        if each.result is None:
            raise UserError(f"{each.name} with {each.policy or 'its policy'}: {each.problem}")
    pairs = list(zip(results[::2], results[1::2], strict=True))
    names = [f"{first.name}@{job.seed}" for (first, _), job in zip(pairs, jobs[::2], strict=True)]
    kept, seen = [], set()
    for name, (first, second) in zip(names, pairs, strict=True):
        key = (first.name, _digest(first), _digest(second))
        if key not in seen:  # a scenario that no seed changes is one run, however often it is repeated
            seen.add(key)
            kept.append((name, first, second))
    outcomes = Counter((first.ok, second.ok) for _, first, second in kept)
    success = PairedSuccess(*(outcomes[pair] for pair in ((True, True), (True, False), (False, True), (False, False))))
    return Comparison(
        old=old,
        new=new,
        scenarios=tuple(dict.fromkeys(first.name for _, first, _ in kept)),
        seeds=seeds,
        success=success,
        figures={name: _difference(name, [pair[1:] for pair in kept]) for name in FIGURES},
        better=tuple(name for name, first, second in kept if second.ok and not first.ok),
        worse=tuple(name for name, first, second in kept if first.ok and not second.ok),
        causes=(
            *_causes(old, [(name, first) for name, first, _ in kept]),
            *_causes(new, [(name, second) for name, _, second in kept]),
        ),
        repeated=len(pairs) - len(kept),
        left_out=left_out,
    )


def cause_of(failure: str) -> str:
    """Return a failure without its numbers: what failures of one cause have in common."""
    return re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "#", failure)


def _causes(policy: str, runs: list[tuple[str, JobResult]]) -> list[Cause]:
    """Return failures by cause, the most frequent first; a run counts once for each of its causes."""
    found: dict[str, list[str]] = {}
    for name, job in runs:
        for text in dict.fromkeys(cause_of(failure) for failure in job.failures):
            found.setdefault(text, []).append(name)
    ordered = sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [Cause(policy, text, len(names), tuple(names[:_EXAMPLES])) for text, names in ordered]


def _digest(job: JobResult) -> str:
    return "" if job.result is None else job.result.digest


def _difference(name: str, pairs: list[tuple[JobResult, JobResult]]) -> Interval | None:
    differences = [after - before for before, after in ((_figure(name, a), _figure(name, b)) for a, b in pairs)]
    values = as_array(differences)
    return mean_difference(values[np.isfinite(values)])


def _figure(name: str, job: JobResult) -> float:
    """Return a figure of a run; NaN if it has none."""
    report = None if job.result is None else job.result.report
    if report is None:
        return float("nan")
    if name == "interventions":
        return float(report.interventions_total)
    if name == "distance":
        finite = report.distance[np.isfinite(report.distance)]
        return float(finite.mean()) if len(finite) else float("nan")
    return float(getattr(report, name))
