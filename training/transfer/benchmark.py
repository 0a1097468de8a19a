"""Runs a transfer study: train, evaluate, compare; resumable after an interruption."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim2real.benchmark import gap
from sim2real.benchmark.gap import Gap
from sim2real.configs.errors import UserError
from sim2real.configs.schema.transfer import TransferConfig, TransferTaskConfig
from sim2real.training.checkpoint import write_atomically
from sim2real.training.transfer.figure import transfer_figure
from sim2real.training.transfer.performance import WorldPerformance
from sim2real.training.transfer.results import ensure_trained, evaluate_run, is_trained
from sim2real.training.transfer.runs import Run, runs_of, strategies_of
from sim2real.training.transfer.table import HELD_OUT, Comparison, Table, compare, table_of
from sim2real.training.transfer.worlds import World, worlds_of

MEASURES: Final = ("performance", "survival", "success")
_COMPARED: Final = ("adr", "doraemon")


@dataclass(frozen=True)
class Options:
    """Which part of a study to run, and how."""

    output: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    tasks: tuple[str, ...] = ()
    """All when empty."""
    strategies: tuple[str, ...] = ()
    """All when empty."""
    episodes: int = 64
    """Episodes in each world."""
    emulated: int = 4
    """Episodes on the emulated robot."""
    train: bool = True
    gap_s: float = 10.0
    """Duration of the gap measurement between batch environment and emulator, s; 0 skips it."""
    progress: bool = True


@dataclass(frozen=True)
class TaskFindings:
    """Findings of a study on one task."""

    tables: dict[str, Table]
    """Tables by measure: performance, survival, success, then the task's metrics."""
    left_out: dict[str, str]
    """Worlds that do not apply to the task, with the reason."""
    missing: tuple[str, ...]
    """Runs that are not trained yet."""
    comparisons: tuple[Comparison, ...]
    diverged: dict[str, float]
    """Worlds in which simulations diverged, with the largest share of any run; their results are not valid."""
    gaps: tuple[Gap, ...] = ()
    """Gaps between batch environment and emulated robot for the same commands."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "tables": {measure: table.document() for measure, table in self.tables.items()},
            "left_out": self.left_out,
            "missing": list(self.missing),
            "diverged": self.diverged,
            "gaps": [found.document() for found in self.gaps],
        }


def bench_transfer(study: TransferConfig, options: Options, say: Callable[[str], None]) -> dict[str, TaskFindings]:
    """Run the unfinished part of a study, write transfer.json and transfer.png, and return the findings by task.

    Args:
        study: The study.
        options: Which part of it to run.
        say: Called with progress messages, one line each.

    Raises:
        UserError: No such task or strategy, a folder contains another study, or no run is finished.
        KeyboardInterrupt: SIGINT; what is finished is kept.
    """
    plans = [_Plan.of(study, task, options) for task in _wanted_tasks(study, options.tasks)]
    total = sum(len(plan.runs) for plan in plans)
    count = 0
    if options.train:
        for plan in plans:
            for run in plan.runs:
                count += 1
                if not is_trained(options.output / run.name):
                    say(f"{count} of {total}: {run.name}: training for {run.experiment.training_duration:g} s")
                ensure_trained(run, options.output / run.name, progress=options.progress)
                _evaluate(run, plan.worlds, options, say)
    findings = {plan.name: _find(plan, options, say) for plan in plans}
    tables = {name: found.tables[MEASURES[0]] for name, found in findings.items() if found.tables}
    if not tables:
        raise UserError(f"{options.output}: no finished run of this study")
    transfer_figure(tables, options.output / "transfer.png")
    document = {name: found.document() for name, found in findings.items()}
    write_atomically(options.output / "transfer.json", json.dumps(document, indent=1).encode())
    return findings


def ratios(findings: dict[str, TaskFindings]) -> dict[str, float]:
    """Return the ratios of held-out means to that of the best fixed level."""
    return {
        f"{task}_{comparison.strategy}_over_best_fixed": comparison.ratio
        for task, found in findings.items()
        for comparison in found.comparisons
    }


def text_of(findings: dict[str, TaskFindings]) -> str:
    """Return the findings as text."""
    lines: list[str] = []
    for task, found in findings.items():
        lines += ["", f"[bold]{task}[/bold]"]
        for measure, table in found.tables.items():
            lines += table.text() if measure in MEASURES[:2] else []
            lines += [""] if measure in MEASURES[:2] else []
        others = [table for measure, table in found.tables.items() if measure not in MEASURES[:2]]
        for table in others:
            means = ", ".join(f"{name} {table.figures[name][HELD_OUT]}" for name in table.strategies)
            lines.append(f"{table.measure}, {HELD_OUT}: {means}")
        lines += [f"{world} left out: {reason}" for world, reason in found.left_out.items()]
        lines += [f"not trained yet: {name}" for name in found.missing]
        lines += [
            f"[red]{world}: up to {share:.0%} of the simulations diverged: results are not valid[/red]"
            for world, share in found.diverged.items()
        ]
        lines += [comparison.text for comparison in found.comparisons]
        lines += [_gap_text(one) for one in found.gaps]
    return "\n".join(lines).strip("\n")


def _gap_text(found: Gap) -> str:
    return (
        f"emulated robot against batch environment, base {found.base}: joint positions differ by "
        f"{1e3 * found.aligned_rms:.1f} mrad RMS (at most {1e3 * found.aligned_maximum:.1f}) of a motion of "
        f"{1e3 * found.travel:.0f} mrad, delay {1e3 * found.latency:.1f} ms"
    )


@dataclass(frozen=True)
class _Plan:
    """One task of a study."""

    name: str
    worlds: dict[str, World]
    left_out: dict[str, str]
    runs: list[Run]

    @classmethod
    def of(cls, study: TransferConfig, task: TransferTaskConfig, options: Options) -> "_Plan":
        experiment = task.experiment
        worlds, left_out = worlds_of(study.worlds, experiment.task, experiment.randomization)
        known = tuple(strategies_of(study, task))
        for name in options.strategies:
            if name not in known:
                raise UserError(f"no strategy {name!r} in study {study.name!r}; valid: {', '.join(known)}")
        wanted = [name for name in known if name in options.strategies or not options.strategies]
        runs = runs_of(study, task, worlds.values(), wanted, options.seeds)
        return cls(experiment.task.name, worlds, left_out, runs)


def _wanted_tasks(study: TransferConfig, names: Sequence[str]) -> list[TransferTaskConfig]:
    known = {task.experiment.task.name: task for task in study.tasks}
    for name in names:
        if name not in known:
            raise UserError(f"no task {name!r} in study {study.name!r}; valid: {', '.join(known)}")
    return [task for name, task in known.items() if name in names or not names]


def _evaluate(
    run: Run, worlds: dict[str, World], options: Options, say: Callable[[str], None]
) -> dict[str, WorldPerformance]:
    def announce(names: list[str]) -> None:
        say(f"{run.name}: evaluating in {', '.join(names)}")

    return evaluate_run(options.output / run.name, worlds, options.episodes, options.emulated, announce)


def _find(plan: _Plan, options: Options, say: Callable[[str], None]) -> TaskFindings:
    """Collect the findings on a task."""
    results: dict[str, dict[int, dict[str, WorldPerformance]]] = {}
    missing = []
    for run in plan.runs:
        if not is_trained(options.output / run.name):
            missing.append(run.name)
            continue
        results.setdefault(run.strategy, {})[run.seed] = _evaluate(run, plan.worlds, options, say)
    if not results:
        return TaskFindings({}, plan.left_out, tuple(missing), (), {})
    first = next(iter(next(iter(results.values())).values()))
    metrics = dict.fromkeys(name for performance in first.values() for name in performance.metrics)
    held_out = [name for name, world in plan.worlds.items() if world.config.held_out]
    tables = {measure: table_of(results, list(plan.worlds), held_out, measure) for measure in (*MEASURES, *metrics)}
    compared = [compare(tables[MEASURES[0]], strategy) for strategy in _COMPARED]
    diverged = {
        world: max(result[world].diverged for by_seed in results.values() for result in by_seed.values())
        for world in plan.worlds
    }
    gaps = gap.measure(plan.runs[0].experiment.task.robot, options.gap_s) if options.gap_s > 0.0 else []
    return TaskFindings(
        tables,
        plan.left_out,
        tuple(missing),
        tuple(comparison for comparison in compared if comparison),
        {world: share for world, share in diverged.items() if share > 0.0},
        tuple(gaps),
    )
