"""What is asked of the family of algorithms: which runs answer it, and what their returns are held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.training.benchmark.returns import PUBLISHED
from sim2real.training.sweep.plan import Planned

_MILLION: Final = 1_000_000


@dataclass(frozen=True)
class Variant:
    """One way to learn a task."""

    algorithm: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """Variants on tasks."""

    about: str
    variants: Mapping[str, Variant]
    tasks: Mapping[str, int]
    """Control steps of a run by id of Gymnasium's."""
    levels: Mapping[str, Mapping[str, float]]
    """Returns to hold a task's against, by what they are, by id; of one variant where they have its name."""
    budget: tuple[str, float] | None = None
    """Cost that all variants are held to in the mean: an entry of `info`, and its budget."""

    def runs(self, name: str, seeds: Sequence[int], steps: int | None) -> list[Planned]:
        """Return its runs, seed by seed.

        Args:
            name: Of the study.
            seeds: Seeds of every variant.
            steps: Control steps of a run; None: as the study says.
        """
        cost = () if self.budget is None else (f"environment.costs={{{self.budget[0]}: {{budget: {self.budget[1]}}}}}",)
        return [
            Planned(f"{name} {label} {task}", f"gym/{task}", variant.algorithm, seed, steps or length,
                    (*variant.overrides, *cost))
            for seed in seeds
            for task, length in self.tasks.items()
            for label, variant in self.variants.items()
        ]  # fmt: skip


_OTHERS: Final = ("a2c", "npg", "trpo", "ddpg", "td3")
_MUJOCO: Final = ("Hopper-v5", "Walker2d-v5", "HalfCheetah-v5")
_SOLVED: Final = {"CartPole-v1": 475.0, "Acrobot-v1": -100.0, "LunarLander-v3": 200.0}
"""Thresholds of Gymnasium's registry."""


def _fixed(multiplier: float) -> Variant:
    settings = (f"initial={multiplier}", "integral_gain=0", "proportional_gain=0")
    return Variant("ppo", tuple(f"algorithm.lagrange.{setting}" for setting in settings))


STUDIES: Final[Mapping[str, Study]] = {
    "returns": Study(
        "learners beside PPO and SAC, against published returns after a million steps",
        {name: Variant(name) for name in _OTHERS},
        {"InvertedPendulum-v5": _MILLION // 5, **dict.fromkeys(_MUJOCO, _MILLION)},
        {
            "InvertedPendulum-v5": {"solved": 950.0},
            **{task: {name: PUBLISHED[name][task][0] for name in _OTHERS} for task in _MUJOCO},
        },
    ),
    "ablation": Study(
        "what keeps PPO near its last policy (Schulman et al. 2017, table 1)",
        {
            "clip 0.1": Variant("ppo", ("algorithm.clip=0.1",)),
            "clip 0.2": Variant("ppo", ("algorithm.clip=0.2",)),
            "clip 0.3": Variant("ppo", ("algorithm.clip=0.3",)),
            "adaptive KL": Variant("ppo_penalty"),
            "fixed KL": Variant("ppo_penalty", ("algorithm.adaptive=false",)),
            "none": Variant("ppo_penalty", ("algorithm.adaptive=false", "algorithm.kl_weight=1e-9")),
        },
        dict.fromkeys(("HalfCheetah-v5", "Hopper-v5", "InvertedDoublePendulum-v5"), _MILLION),
        {},
    ),
    "values": Study(
        "deep Q-networks on discrete actions, against the thresholds of Gymnasium's registry",
        {
            "dqn": Variant("dqn", ("algorithm.double=false",)),
            "double": Variant("dqn"),
            "dueling": Variant("dqn", ("algorithm.dueling=true",)),
            "prioritized": Variant("dqn", ("algorithm.prioritized=true",)),
        },
        {"CartPole-v1": 60_000, "Acrobot-v1": 60_000, "LunarLander-v3": 400_000},
        {task: {"solved": level} for task, level in _SOLVED.items()},
    ),
    "budget": Study(
        "a speed limit kept by learned multipliers, and by fixed penalties",
        {"learned": Variant("ppo"), **{f"fixed {value:g}": _fixed(value) for value in (0.25, 0.5, 1.0, 2.0)}},
        {"HalfCheetah-v5": _MILLION},
        {},
        ("x_velocity", 2.0),
    ),
}


def planned(only: Sequence[str], tasks: Sequence[str], seeds: Sequence[int], steps: int | None) -> list[Planned]:
    """Return the runs of studies, all of them if none is named.

    Raises:
        UserError: There is no such study, or none of them has the task.
    """
    if unknown := [name for name in only if name not in STUDIES]:
        raise UserError(f"--only {unknown[0]}: no such study; valid: {', '.join(STUDIES)}")
    chosen = {name: STUDIES[name] for name in (only or STUDIES)}
    valid = sorted({task for study in chosen.values() for task in study.tasks})
    if unknown := [task for task in tasks if task not in valid]:
        raise UserError(f"--task {unknown[0]}: no task of {', '.join(chosen)}; valid: {', '.join(valid)}")
    runs = [run for name, study in chosen.items() for run in study.runs(name, seeds, steps)]
    return [run for run in runs if not tasks or run.group.rpartition(" ")[2] in tasks]
