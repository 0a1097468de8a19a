"""A whole transfer study: train, judge, compare; it may be interrupted and done in pieces."""

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
from sim2real.training.transfer.results import ensure_trained, is_trained, judge_run
from sim2real.training.transfer.study import Run, runs_of, strategies_of
from sim2real.training.transfer.table import HELD_OUT, Comparison, Table, compare, table_of
from sim2real.training.transfer.worlds import World, worlds_of

MEASURES: Final = ("performance", "survival", "success")
_COMPARED: Final = ("adr", "doraemon")


@dataclass(frozen=True)
class Options:
    """What of a study is done, and how."""

    output: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    tasks: tuple[str, ...] = ()
    """All when empty."""
    strategies: tuple[str, ...] = ()
    """All when empty."""
    episodes: int = 64
    """In each world."""
    emulated: int = 4
    """Episodes on the emulated robot."""
    train: bool = True
    gap_s: float = 10.0
    """How long batch environment and emulator are given the same commands, to see how far apart they are; 0: not."""
    progress: bool = True


@dataclass(frozen=True)
class TaskFindings:
    """What a study found out about one task."""

    tables: dict[str, Table]
    """By measure: performance first, then survival, success and the task's metrics."""
    left_out: dict[str, str]
    """Worlds that the task cannot have, with the reason."""
    missing: tuple[str, ...]
    """Runs that are not trained."""
    comparisons: tuple[Comparison, ...]
    diverged: dict[str, float]
    """Worlds in which simulations diverged, and the largest share of any run: these tell nothing about policies."""
    gaps: tuple[Gap, ...] = ()
    """Between the batch environment and the emulated robot, on the same commands."""

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
    """Do what is left to do of a study and return its findings by task; writes transfer.json and transfer.png as well.

    Args:
        study: The study.
        options: What of it.
        say: Told what is being done, line by line.

    Raises:
        UserError: No such task or strategy, a folder holds another study, or nothing was found.
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
                _judge(run, plan.worlds, options, say)
    findings = {plan.name: _find(plan, options, say) for plan in plans}
    tables = {name: found.tables[MEASURES[0]] for name, found in findings.items() if found.tables}
    if not tables:
        raise UserError(f"{options.output}: has no finished run of this study")
    transfer_figure(tables, options.output / "transfer.png")
    document = {name: found.document() for name, found in findings.items()}
    write_atomically(options.output / "transfer.json", json.dumps(document, indent=1).encode())
    return findings


def ratios(findings: dict[str, TaskFindings]) -> dict[str, float]:
    """Return held-out means over those of the best fixed level."""
    return {
        f"{task}_{comparison.strategy}_over_best_fixed": comparison.ratio
        for task, found in findings.items()
        for comparison in found.comparisons
    }


def text_of(findings: dict[str, TaskFindings]) -> str:
    """Return the findings for people."""
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
        lines += [f"{world} is left out: {reason}" for world, reason in found.left_out.items()]
        lines += [f"not trained yet: {name}" for name in found.missing]
        lines += [
            f"[red]{world}: up to {share:.0%} of the simulations diverged: it tells nothing[/red]"
            for world, share in found.diverged.items()
        ]
        lines += [comparison.text for comparison in found.comparisons]
        lines += [_gap_text(one) for one in found.gaps]
    return "\n".join(lines).strip("\n")


def _gap_text(found: Gap) -> str:
    return (
        f"emulated robot against batch environment, base {found.base}: joints {1e3 * found.aligned_rms:.1f} mrad RMS "
        f"apart (at most {1e3 * found.aligned_maximum:.1f}) of {1e3 * found.travel:.0f} travelled, "
        f"{1e3 * found.latency:.1f} ms later"
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


def _judge(
    run: Run, worlds: dict[str, World], options: Options, say: Callable[[str], None]
) -> dict[str, WorldPerformance]:
    def tell(names: list[str]) -> None:
        say(f"{run.name}: judging in {', '.join(names)}")

    return judge_run(options.output / run.name, worlds, options.episodes, options.emulated, tell)


def _find(plan: _Plan, options: Options, say: Callable[[str], None]) -> TaskFindings:
    """Gather what is known of a task."""
    judgements: dict[str, dict[int, dict[str, WorldPerformance]]] = {}
    missing = []
    for run in plan.runs:
        if not is_trained(options.output / run.name):
            missing.append(run.name)
            continue
        judgements.setdefault(run.strategy, {})[run.seed] = _judge(run, plan.worlds, options, say)
    if not judgements:
        return TaskFindings({}, plan.left_out, tuple(missing), (), {})
    first = next(iter(next(iter(judgements.values())).values()))
    metrics = dict.fromkeys(name for judgement in first.values() for name in judgement.metrics)
    held_out = [name for name, world in plan.worlds.items() if world.config.held_out]
    tables = {measure: table_of(judgements, list(plan.worlds), held_out, measure) for measure in (*MEASURES, *metrics)}
    compared = [compare(tables[MEASURES[0]], strategy) for strategy in _COMPARED]
    diverged = {
        world: max(judged[world].diverged for of_seed in judgements.values() for judged in of_seed.values())
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
