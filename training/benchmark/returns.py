"""Returns on Gymnasium's MuJoCo tasks against those that others published."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.training.sweep.figure import sweep_figure
from sim2real.training.sweep.outcome import Group, groups_of
from sim2real.training.sweep.plan import Planned, begin
from sim2real.training.sweep.run_all import run_all

# Best published row after 1M steps, with its spread over seeds where there is one. Tianshou's README: MuJoCo v3, ten
# seeds, highest average of the evaluations. rl-baselines3-zoo: v3, one run, deterministic. Ant-v5 observes other
# contact forces than v3.
_PPO: Final = {
    "Hopper-v5": (2609.0, 701.0, "tianshou"),
    "Walker2d-v5": (3589.0, 757.0, "tianshou"),
    "HalfCheetah-v5": (5819.0, 0.0, "rl-baselines3-zoo"),
    "Ant-v5": (3258.0, 1079.0, "tianshou"),
    "Swimmer-v5": (282.0, 0.0, "rl-baselines3-zoo"),
    "InvertedDoublePendulum-v5": (9231.0, 270.0, "tianshou"),
}
_SAC: Final = {
    "Hopper-v5": (3542.0, 52.0, "tianshou"),
    "Walker2d-v5": (5007.0, 252.0, "tianshou"),
    "HalfCheetah-v5": (12139.0, 1049.0, "tianshou"),
    "Ant-v5": (5850.0, 476.0, "tianshou"),
    "Swimmer-v5": (346.0, 0.0, "rl-baselines3-zoo"),
    "InvertedDoublePendulum-v5": (9360.0, 0.0, "tianshou"),
}
# Tianshou's README states no spread of these; TD3's are of its paper.
_TD3: Final = {
    "Hopper-v5": (3564.0, 115.0, "paper"),
    "Walker2d-v5": (4683.0, 540.0, "paper"),
    "HalfCheetah-v5": (9637.0, 859.0, "paper"),
    "Ant-v5": (4372.0, 1000.0, "paper"),
    "Swimmer-v5": (104.0, 0.0, "tianshou"),
    "InvertedDoublePendulum-v5": (9338.0, 15.0, "paper"),
}


def _tianshou(*returns: float) -> dict[str, tuple[float, float, str]]:
    return {task: (value, 0.0, "tianshou") for task, value in zip(_PPO, returns, strict=True)}


PUBLISHED: Final[Mapping[str, Mapping[str, tuple[float, float, str]]]] = {
    "ppo": _PPO,
    "sac": _SAC,
    "td3": _TD3,
    "ddpg": _tianshou(2197.0, 1401.0, 11719.0, 990.0, 144.0, 8364.0),
    "trpo": _tianshou(2046.0, 3827.0, 4471.0, 2867.0, 41.0, 8435.0),
    "npg": _tianshou(1915.0, 2503.0, 3485.0, 2358.0, 32.0, 9243.0),
    "a2c": _tianshou(1253.0, 1092.0, 1830.0, 3485.0, 37.0, 9258.0),
}
"""Mean, standard deviation (0: one run) and source, by algorithm and task."""
TASKS: Final = tuple(_PPO)
DEFAULT: Final = ("ppo", "sac")
"""Algorithms whose returns are compared if none is named."""


def planned(algorithms: Sequence[str], tasks: Sequence[str], seeds: Sequence[int], steps: int) -> list[Planned]:
    """Return the runs, seed by seed, so that an unfinished table can already be read.

    Raises:
        UserError: Nothing is published of an algorithm or a task.
    """
    for what, given, valid in (("--algorithm", algorithms, tuple(PUBLISHED)), ("--task", tasks, TASKS)):
        if unknown := [name for name in given if name not in valid]:
            raise UserError(f"{what} {unknown[0]}: nothing to compare it with; valid: {', '.join(valid)}")
    return [
        Planned(f"{algorithm} {task}", f"gym/{task}", algorithm, seed, steps)
        for seed in seeds
        for task in tasks
        for algorithm in algorithms
    ]


def bench_returns(
    runs: Sequence[Planned], output: Path, say: Callable[[str], None], *, train: bool = True
) -> dict[str, Any]:
    """Carry out what is missing of the runs; compare all that is there.

    Args:
        runs: The runs.
        output: Their folder.
        say: Is told which run comes next.
        train: False: only compare.

    Raises:
        UserError: The folder holds other runs.
    """
    begin(runs, output)
    failed = run_all(runs, output, 1, say) if train else []
    groups = groups_of(runs, output)
    picture = output / "returns.png"
    panels: dict[str, list[Group]] = {}
    for group in groups:
        panels.setdefault(group.name.partition(" ")[2], []).append(group)
    levels = {task: {f"{_of(g)} {_published(g)[2]}": _published(g)[0] for g in panel} for task, panel in panels.items()}
    sweep_figure(panels, picture, levels)
    return {
        "ratios": {key: value for group in groups for key, value in _ratios(group).items()},
        "figures": {group.name: group.document() | _reference(group) for group in groups},
        "picture": str(picture),
        "groups": groups,
        "failed": failed,
    }


def _of(group: Group) -> str:
    return group.name.partition(" ")[0]


def _published(group: Group) -> tuple[float, float, str]:
    algorithm, _, task = group.name.partition(" ")
    return PUBLISHED[algorithm][task]


def _ratios(group: Group) -> dict[str, float]:
    mean = group.document()["return_mean"]
    level, _, source = _published(group)
    return {} if mean is None else {f"{group.name.replace(' ', '_')}/over_{source}": mean / level}


def _reference(group: Group) -> dict[str, Any]:
    level, spread, source = _published(group)
    mean = group.document()["return_mean"]
    return {
        "published": level,
        "published_std": spread,
        "source": source,
        "within": mean is not None and mean >= level - spread,
    }
