"""The runs of a study: every task with every strategy and seed, for the same time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sim2real.configs.schema.curriculum import CurriculumConfig, FixedCurriculumConfig, NoCurriculumConfig
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.transfer import TransferConfig, TransferTaskConfig
from sim2real.training.transfer.worlds import World, kept_out

_STEPS_MAX: Final = 10**12  # beyond what any duration allows
_EVALUATION_EPISODES: Final = 16  # of the run's own closing evaluation; the study judges by its worlds
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
        """Its place in the study's folder."""
        return f"{self.task}/{self.strategy}/seed{self.seed}"


def strategies_of(study: TransferConfig, task: TransferTaskConfig) -> dict[str, CurriculumConfig]:
    """Return the curricula that are compared, by name."""
    fixed = {f"fixed_{level:g}": FixedCurriculumConfig(strategy="fixed", level=level) for level in study.fixed_levels}
    return {"none": NoCurriculumConfig(strategy="none"), **fixed, "adr": task.adr, "doraemon": task.doraemon}


def runs_of(
    study: TransferConfig,
    task: TransferTaskConfig,
    worlds: Iterable[World],
    strategies: Iterable[str],
    seeds: Iterable[int],
) -> list[Run]:
    """Return the runs of a task: all strategies of one seed after the other, so that what is done can be compared.

    Args:
        study: The study.
        task: One of its tasks.
        worlds: The task's worlds; training is kept out of those that are held out.
        strategies: Names of those wanted.
        seeds: Seeds of training.
    """
    curricula = strategies_of(study, task)
    experiment = task.experiment.model_copy(
        update={
            "randomization": kept_out(task.experiment.randomization, worlds),
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
