"""Schema of an experiment: a task, its randomisation, and the training."""

from typing import Annotated

from pydantic import Field

from sim2real.configs.schema.base import Reference
from sim2real.configs.schema.curriculum import CurriculumBlock, FixedCurriculumConfig
from sim2real.configs.schema.quantity import Duration, Positive
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.schema.training import TrainingConfig


class ExperimentConfig(TrainingConfig):
    """One training run of a robot's task."""

    task: Annotated[TaskConfig, Reference("tasks")]
    """Task to learn."""
    randomization: Annotated[RandomizationConfig, Reference("randomization")]
    """Randomisation of the simulated world."""
    curriculum: CurriculumBlock = FixedCurriculumConfig(strategy="fixed")
    """Which part of the randomisation is used at which time of the training; evaluation uses the whole range."""
    episode_duration: Annotated[Duration, Positive] | None = None
    """Duration of training episodes; by default the task's. Shorter episodes give more starts in the same time. They
    teach the same task, because values are bootstrapped at a time limit. `hold` of the goal is scaled in proportion."""
    idle_share_max: Annotated[float, Field(ge=0.0, le=1.0)] | None = 0.5
    """Share of what a good episode can earn that idling or random actions may earn. Where they earn more, a warning
    says so before training. null: not checked."""

    @property
    def training_task(self) -> TaskConfig:
        """The task with the duration of training episodes."""
        if self.episode_duration is None:
            return self.task
        share = self.episode_duration / self.task.episode_duration
        goal = self.task.goal
        if goal.hold is not None:
            goal = goal.model_copy(update={"hold": goal.hold * share})
        return self.task.model_copy(update={"episode_duration": self.episode_duration, "goal": goal})
