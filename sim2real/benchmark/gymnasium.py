"""Speed of our batch on Gymnasium's MuJoCo tasks, side by side with Gymnasium, Stable-Baselines3 and EnvPool.

The sides take turns; a ratio is the median over the rounds. On a shared machine ratios favour sides with fewer threads;
CPU time per step is more reliable there.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from statistics import median
from typing import Any

from sim2real.benchmark.gymnasium_sides import (
    ENVIRONMENTS,
    LIBRARIES,
    OURS,
    SIDES,
    Maker,
    Round,
    Side,
    missing_libraries,
)
from sim2real.reference.tasks import task_named

BARS = {"gymnasium_sync": 3.0, "envpool_async": 1.15}
"""Required speed-up of the batch over each side, on two cores."""

ROUNDS = 7


def bench_gymnasium(
    tasks: Sequence[str], threads: int, seconds: float, *, sides: Sequence[Maker] = SIDES, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Measure environment steps per second on each task, in interleaved rounds.

    Args:
        tasks: Gymnasium's names, such as `Ant-v5`.
        threads: Threads of our batch and of EnvPool; 0 uses every core.
        seconds: Time per side and round.
        sides: Sides to compare; `ours` is required.
        rounds: Number of rounds.

    Raises:
        UserError: No such task.
    """
    for task in tasks:
        task_named(task)
    missing = missing_libraries()
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {
        "environments": ENVIRONMENTS,
        "not_installed": [f"{name} (pip install 'sim2real[bench]')" for name in missing],
        "versions": {name: version(name) for name in ("gymnasium", *LIBRARIES) if name not in missing},
        "bars": BARS,
    }
    for task in tasks:
        measured = _measure(task, threads, seconds, sides, rounds)
        theirs = [side for side in measured if not side.name.startswith(OURS)]
        ours = next(values for side, values in measured.items() if side.name == OURS)
        ratios |= {f"{task}/over_{side.name}": _ratio(ours, measured[side]) for side in theirs}
        figures[f"{task}/steps_per_s"] = {
            side.name: median(one.steps_per_s for one in values) for side, values in measured.items()
        }
        figures[f"{task}/cpu_us_per_step"] = {
            side.name: median(one.cpu_us_per_step for one in values)
            for side, values in measured.items()
            if side.in_process
        }
    return {"ratios": ratios, "figures": figures}


def _measure(task: str, threads: int, seconds: float, makers: Sequence[Maker], rounds: int) -> dict[Side, list[Round]]:
    """Return the results of every side in every round."""
    with ExitStack() as stack:
        sides = []
        for make in makers:
            for side in make(task, threads, seconds):
                stack.callback(side.close)
                sides.append(side)
        for side in sides:
            side.run(0.3 * seconds)
        measured: dict[Side, list[Round]] = {side: [] for side in sides}
        for index in range(rounds):
            # Alternate the order, so that a slowdown of the machine favours no side.
            for side in sides if index % 2 == 0 else reversed(sides):
                measured[side].append(side.run(seconds))
        return measured


def _ratio(ours: list[Round], theirs: list[Round]) -> float:
    return median(our.steps_per_s / their.steps_per_s for our, their in zip(ours, theirs, strict=True))
