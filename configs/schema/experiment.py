"""Schema of an experiment: a task, how it is randomised, and how it is learned."""

from typing import Annotated

from pydantic import Field

from sim2real.configs.schema.algorithm import AlgorithmBlock
from sim2real.configs.schema.base import Config, Name, Reference
from sim2real.configs.schema.curriculum import CurriculumBlock, FixedCurriculumConfig
from sim2real.configs.schema.quantity import Duration, Positive
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig


class ExperimentConfig(Config):
    """One training run."""

    name: Name
    description: str = ""
    task: Annotated[TaskConfig, Reference("tasks")]
    randomization: Annotated[RandomizationConfig, Reference("randomization")]
    curriculum: CurriculumBlock = FixedCurriculumConfig(strategy="fixed")
    """How much of the randomisation a learner meets, and when; evaluation draws from the whole range."""
    algorithm: AlgorithmBlock
    episode_duration: Annotated[Duration, Positive] | None = None
    """Length of training episodes; the task's when left out. Shorter ones show more starts in the same time, and teach
    the same task, because a time limit is no end: values go on. The goal must be held for the same share of them."""
    environments: Annotated[int, Field(ge=1, le=65536)]
    """Simulations that step together."""
    steps: Annotated[int, Field(ge=1)]
    """Control steps of training, over all environments."""
    training_duration: Annotated[Duration, Positive] | None = None
    """Stop when so much time went into training, even if steps remain. Made for comparisons at equal time: how far such
    a run gets depends on the machine and its load, so it does not repeat bit for bit."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """Threads that step the simulations; 0 uses every core."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    """Iterations between checkpoints; the last one is always kept."""
    evaluation_episodes: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Episodes of the closing evaluation."""

    @property
    def training_task(self) -> TaskConfig:
        """The task with the episodes of training."""
        if self.episode_duration is None:
            return self.task
        share = self.episode_duration / self.task.episode_duration
        goal = self.task.goal
        if goal.hold is not None:
            goal = goal.model_copy(update={"hold": goal.hold * share})
        return self.task.model_copy(update={"episode_duration": self.episode_duration, "goal": goal})
