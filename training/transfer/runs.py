"""Runs of a study: every task with every strategy and seed, for the same training time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sim2real.configs.schema.curriculum import CurriculumConfig, FixedCurriculumConfig, NoCurriculumConfig
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.transfer import TransferConfig, TransferTaskConfig
from sim2real.training.transfer.worlds import World, exclude_held_out

_STEPS_MAX: Final = 10**12  # more than any duration allows
_EVALUATION_EPISODES: Final = 16  # of the run's own final evaluation; the study evaluates in its worlds
_CHECKPOINT_EVERY: Final = 500


@dataclass(frozen=True)
class Run:
    """One policy of a study."""

    task: str
    strategy: str
    seed: int
    experiment: ExperimentConfig

    @property
    def name(self) -> str:
        """Path of the run in the study's folder."""
        return f"{self.task}/{self.strategy}/seed{self.seed}"


def strategies_of(study: TransferConfig, task: TransferTaskConfig) -> dict[str, CurriculumConfig]:
    """Return the compared curricula by name."""
    fixed = {f"fixed_{level:g}": FixedCurriculumConfig(strategy="fixed", level=level) for level in study.fixed_levels}
    return {"none": NoCurriculumConfig(strategy="none"), **fixed, "adr": task.adr, "doraemon": task.doraemon}


def runs_of(
    study: TransferConfig,
    task: TransferTaskConfig,
    worlds: Iterable[World],
    strategies: Iterable[str],
    seeds: Iterable[int],
) -> list[Run]:
    """Return the runs of a task, seed by seed, so that an unfinished study can already compare strategies.

    Args:
        study: The study.
        task: One of its tasks.
        worlds: The task's worlds; held-out ones are excluded from training.
        strategies: Names of the strategies to run.
        seeds: Seeds of training.
    """
    curricula = strategies_of(study, task)
    experiment = task.experiment.model_copy(
        update={
            "randomization": exclude_held_out(task.experiment.randomization, worlds),
            "training_duration": task.training_duration,
            "episode_duration": task.episode_duration or task.experiment.episode_duration,
            "steps": study.steps or _STEPS_MAX,
            "evaluation_episodes": _EVALUATION_EPISODES,
            "checkpoint_every": _CHECKPOINT_EVERY,
        }
    )
    return [
        Run(
            experiment.task.name,
            name,
            seed,
            experiment.model_copy(update={"curriculum": curricula[name], "seed": seed}),
        )
        for seed in seeds
        for name in strategies
    ]
