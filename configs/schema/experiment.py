"""Schema of an experiment: a task, its randomisation, and the training."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import MisplacedError, Reference
from sim2real.configs.schema.curriculum import CurriculumBlock, FixedCurriculumConfig
from sim2real.configs.schema.imitation import ImitationConfig
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

    privileged_policy: bool = False
    """Whether the policy itself sees the task's privileged values after its observation. No robot measures those: such
    a policy is for none, and teaches a student by `dagger`."""

    @model_validator(mode="after")
    def _check_privileged_policy(self) -> Self:
        if not self.privileged_policy:
            return self
        problem = ""
        if not self.task.privileged:
            problem = f"task {self.task.name} has no privileged values"
        elif isinstance(self.algorithm, ImitationConfig):
            problem = f"{self.algorithm.name} learns what a robot can do with its own observation"
        elif getattr(self.algorithm, "symmetry", "none") != "none":
            problem = "privileged values have no mirror image in the policy; algorithm.symmetry is not none"
        if problem:
            raise MisplacedError(("privileged_policy",), f"{problem}; valid: false")
        return self

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
