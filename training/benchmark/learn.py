"""Compares our learners with those of other projects, case by case, in interleaved rounds."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.training.benchmark.cases import OURS, PARITY_BOUND, Case
from sim2real.training.benchmark.peers import python_with

Round = dict[str, dict[str, float]]
"""What each side of a case measured, by its name."""


def chosen(known: Sequence[Case], only: Sequence[str], *, peers: bool) -> list[Case]:
    """Return the cases to measure.

    Args:
        known: All of them.
        only: Names, or their beginnings; empty for all.
        peers: Whether other projects may be installed: without them cases are left out that need one.

    Raises:
        UserError: A name is unknown, or nothing is left.
    """
    names = [case.name for case in known]
    for wanted in only:
        if not any(name.startswith(wanted) for name in names):
            raise UserError(f"--only {wanted}: no case has this name; valid: {', '.join(names)}")
    wanted_cases = [case for case in known if not only or any(case.name.startswith(name) for name in only)]
    left = [case for case in wanted_cases if peers or not case.peers]
    if not left:
        raise UserError("--peers none: every case that is chosen needs a peer; valid: --peers install")
    return left


def bench_learn(cases: Sequence[Case], repeats: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure cases: every round measures each of them once, so that their repeats are spread over the time.

    Args:
        cases: The cases.
        repeats: Rounds.
        folder: Of the peers' virtual environment.
        say: Is told what was measured, a line each.

    Raises:
        UserError: A side failed, or a peer cannot be installed.
    """
    names = sorted(set().union(*(case.peers for case in cases)))
    python = python_with(names, folder)
    rounds: dict[str, list[Round]] = {case.name: [] for case in cases}
    for index in range(repeats):
        for case in cases:
            # The order alternates, so that a slowdown of the machine favours no side.
            sides = case.sides if index % 2 == 0 else case.sides[::-1]
            measured = {side.name: side.run(python) for side in sides}
            rounds[case.name].append(measured)
            shown = ", ".join(f"{side.name} {measured[side.name][case.figure]:.4g}" for side in case.sides)
            say(f"{index + 1}/{repeats} {case.name}: {case.figure} {shown}")
    ratios: dict[str, float] = {}
    for case in cases:
        ratios |= ratios_of(case, rounds[case.name])
    return {
        "ratios": ratios,
        "figures": {case.name: _figures(case, rounds[case.name]) for case in cases} | {"repeats": repeats},
        "libraries": [name.replace("_", "-") for name in names],
    }


def ratios_of(case: Case, rounds: Sequence[Round]) -> dict[str, float]:
    """Return the ratios of a case, medians over its rounds: against the best of the other sides, by its name."""
    if len(case.sides) == 1:
        return {f"{case.name}/over_bound": max(one[OURS][case.figure] for one in rounds) / PARITY_BOUND}
    peer = next(iter(case.peers), case.sides[1].name)
    ratios = {f"{case.name}/over_{peer}": median(_ratio(case, one, case.figure) for one in rounds)}
    if case.cpu_figure is not None:
        figure = case.cpu_figure
        ratios[f"{case.name}/cpu_over_{peer}"] = median(_ratio(case, one, figure) for one in rounds)
    return ratios


def met(case: Case, ratio: float) -> bool:
    """Return whether a ratio is as required."""
    return ratio >= case.bar if case.better == "more" else ratio <= case.bar


def _ratio(case: Case, measured: Round, figure: str) -> float:
    others = [measured[side.name][figure] for side in case.sides[1:]]
    best = max(others) if case.better == "more" else min(others)
    # Of returns: nothing is so many times as good as none, or as a loss.
    return measured[OURS][figure] / best if best > 0.0 else float("nan")


def _figures(case: Case, rounds: Sequence[Round]) -> dict[str, Any]:
    medians = {
        side.name: {name: median(one[side.name][name] for one in rounds) for name in rounds[0][side.name]}
        for side in case.sides
    }
    return {"what": case.what, "bar": case.bar, "better": case.better, "sides": medians}
