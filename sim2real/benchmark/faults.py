"""The fault campaign: thousands of scenarios in lockstep, judged at the motors."""

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sim2real.benchmark.fault_result import ScenarioResult
from sim2real.benchmark.fault_results import ResultFile
from sim2real.benchmark.fault_run import run_fault_scenario
from sim2real.benchmark.fault_scenarios import ROBOTS, scenario_ids, scenario_of
from sim2real.benchmark.fault_table import problem_counts, table
from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.hardware.worker_pool import interrupts_held, worker_pool
from sim2real.runtime.exit_signals import exit_on_signals

_SAID_MAX = 30


def bench_faults(
    robots: Sequence[str],
    scenarios: int,
    seed: int,
    workers: int = 0,
    only: str | None = None,
    output: Path | None = None,
) -> tuple[dict[str, Any], list[ScenarioResult]]:
    """Run a campaign.

    Args:
        robots: Names of shipped robots; all of them if empty.
        scenarios: How many.
        seed: Of the whole campaign; with an id it makes the scenario.
        workers: Processes; 0 is one a core.
        only: Id of the one scenario to run, in this process.
        output: File that gets each result as it comes. Scenarios whose results it has already are not run again.

    Returns:
        `ratios` and `figures`, and the result of every scenario.

    Raises:
        UserError: No such robot or scenario, or the output is of another campaign or cannot be written.
        CampaignInterrupt: It was interrupted; with what there is.
    """
    for name in robots:
        if name not in ROBOTS:
            raise UserError(f"bench faults: no shipped policy for robot {name!r}; valid: {', '.join(ROBOTS)}")
    plants = installed_plants()
    if only is not None:
        results = [run_one(only, seed, plants)]
        return summary(results, seed, plants), results
    names = scenario_ids(robots or ROBOTS, scenarios, seed)
    with ExitStack() as stack:
        stack.enter_context(exit_on_signals())  # workers are ended, and the results so far are whole
        file = None if output is None else stack.enter_context(ResultFile(output, seed, plants))
        done = {} if file is None else {name: file.results[name] for name in names if name in file.results}
        show = stack.enter_context(_progress(len(names), list(done.values())))
        try:
            for result in run_all([name for name in names if name not in done], seed, plants, workers):
                done[result.id] = result
                if file is not None:
                    file.add(result)
                show(result)
        except KeyboardInterrupt:
            raise CampaignInterrupt(list(done.values()), len(names), seed, plants) from None
    results = [done[name] for name in names]
    return summary(results, seed, plants), results


class CampaignInterrupt(KeyboardInterrupt):
    """A campaign was interrupted."""

    def __init__(self, results: list[ScenarioResult], scenarios: int, seed: int, plants: Sequence[str]) -> None:
        super().__init__(f"{len(results)} of {scenarios} scenarios")
        self.results = results
        """Results so far."""


def installed_plants() -> tuple[str, ...]:
    """Return the plants of a campaign: most scenarios need no mechanics, and those that do need MuJoCo."""
    return ("inertia", "mujoco") if importlib.util.find_spec("mujoco") is not None else ("inertia",)


def run_one(name: str, seed: int, plants: Sequence[str]) -> ScenarioResult:
    """Run one scenario. Raises UserError if there is none with this id."""
    return run_fault_scenario(scenario_of(name, seed, plants))


def run_all(names: Sequence[str], seed: int, plants: Sequence[str], workers: int = 0) -> Iterator[ScenarioResult]:
    """Run scenarios in processes; yield their results in order."""
    count = min(workers or len(os.sched_getaffinity(0)), len(names))
    run = partial(run_one, seed=seed, plants=plants)
    if count <= 1:
        yield from map(run, names)
        return
    with worker_pool(count) as pool:
        with interrupts_held():
            results = pool.map(run, names)
        yield from results


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


@contextmanager
def _progress(total: int, done: Sequence[ScenarioResult]) -> Iterator[Callable[[ScenarioResult], None]]:
    """Yield what shows each result as it comes: a bar on a terminal, and a line for each problem."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("scenarios"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    console = error_console()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task, bad = bar.add_task("", total=total, completed=len(done)), sum(bool(each.problems) for each in done)

        def show(result: ScenarioResult) -> None:
            nonlocal bad
            if result.problems:
                bad += 1
                console.print(f"{result.id}: {result.problems[0]}", markup=False)
            bar.update(task, advance=1, description=f"{bad} with a problem" if bad else "")

        yield show


def says(results: Sequence[ScenarioResult]) -> tuple[str, ...]:
    """Return what went wrong, a line a scenario, for the first ones."""
    bad = [f"{result.id}: {result.problems[0]}" for result in results if result.problems]
    more = len(bad) - _SAID_MAX
    return (*bad[:_SAID_MAX], *([f"and {more} more; --json has all"] if more > 0 else ()))
