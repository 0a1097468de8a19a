"""The fault campaign: thousands of scenarios in lockstep, judged at the motors."""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

from sim2real.benchmark.fault_run import ScenarioResult, run_fault_scenario
from sim2real.benchmark.fault_scenarios import ROBOTS, scenario_ids, scenario_of
from sim2real.benchmark.fault_table import problem_counts, table
from sim2real.configs.errors import UserError
from sim2real.hardware.child_process import safe_workers

_SAID_MAX = 30
_CHUNK = 8  # scenarios that a worker takes at once


def bench_faults(
    robots: Sequence[str], scenarios: int, seed: int, workers: int = 0, only: str | None = None
) -> tuple[dict[str, Any], list[ScenarioResult]]:
    """Run a campaign.

    Args:
        robots: Names of shipped robots; all of them if empty.
        scenarios: How many.
        seed: Of the whole campaign; with an id it makes the scenario.
        workers: Processes; 0 is one a core.
        only: Id of the one scenario to run, in this process.

    Returns:
        `ratios` and `figures`, and the result of every scenario.

    Raises:
        UserError: No such robot or scenario.
    """
    for name in robots:
        if name not in ROBOTS:
            raise UserError(f"bench faults: no shipped policy for robot {name!r}; valid: {', '.join(ROBOTS)}")
    plants = installed_plants()
    if only is not None:
        results = [run_one(only, seed, plants)]
    else:
        results = list(run_all(scenario_ids(robots or ROBOTS, scenarios, seed), seed, plants, workers))
    return summary(results, seed, plants), results


def installed_plants() -> tuple[str, ...]:
    """Return the plants of a campaign: most scenarios need no mechanics, and those that do need MuJoCo."""
    return ("inertia", "mujoco") if importlib.util.find_spec("mujoco") is not None else ("inertia",)


def run_one(name: str, seed: int, plants: Sequence[str]) -> ScenarioResult:
    """Run one scenario. Raises UserError if there is none with this id."""
    return run_fault_scenario(scenario_of(name, seed, plants))


def run_all(names: Sequence[str], seed: int, plants: Sequence[str], workers: int = 0) -> Iterator[ScenarioResult]:
    """Run scenarios in processes; yield their results in order."""
    count = workers or len(os.sched_getaffinity(0))
    run = partial(run_one, seed=seed, plants=plants)
    if count == 1:
        yield from map(run, names)
        return
    with safe_workers(), ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, names, chunksize=_CHUNK)


def summary(results: Sequence[ScenarioResult], seed: int, plants: Sequence[str]) -> dict[str, Any]:
    """Return ratios and figures of a campaign."""
    bad = [result for result in results if result.problems]
    times = [result.safe_s for result in results if result.safe_s is not None]
    return {
        "ratios": {"without_problem": 1.0 - len(bad) / len(results)},
        "figures": {
            "scenarios": len(results),
            "seed": seed,
            "plants": list(plants),
            "problems": len(bad),
            "problems_by_kind": problem_counts(results),
            "worst_time_to_safe_s": max(times, default=None),
            "cases": table(results),
            "failed": [result.document() for result in bad],
        },
    }


def says(results: Sequence[ScenarioResult]) -> tuple[str, ...]:
    """Return what went wrong, a line a scenario, for the first ones."""
    bad = [f"{result.id}: {result.problems[0]}" for result in results if result.problems]
    more = len(bad) - _SAID_MAX
    return (*bad[:_SAID_MAX], *([f"and {more} more; --json has all"] if more > 0 else ()))
