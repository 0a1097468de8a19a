"""Schema of an experiment: a task, its randomisation, and the training."""

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
    """Name of the experiment; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    task: Annotated[TaskConfig, Reference("tasks")]
    """Task to learn."""
    randomization: Annotated[RandomizationConfig, Reference("randomization")]
    """Randomisation of the simulated world."""
    curriculum: CurriculumBlock = FixedCurriculumConfig(strategy="fixed")
    """Which part of the randomisation is used at which time of the training; evaluation uses the whole range."""
    algorithm: AlgorithmBlock
    """Learning algorithm and its parameters."""
    episode_duration: Annotated[Duration, Positive] | None = None
    """Duration of training episodes; by default the task's. Shorter episodes give more starts in the same time. They
    teach the same task, because values are bootstrapped at a time limit. `hold` of the goal is scaled in proportion."""
    environments: Annotated[int, Field(ge=1, le=65536)]
    """Number of simulations that step in parallel."""
    steps: Annotated[int, Field(ge=1)]
    """Control steps of the training, summed over all environments."""
    training_duration: Annotated[Duration, Positive] | None = None
    """Stop after this training time even if steps remain; for comparisons at equal time. The result depends on the
    machine and its load, so it is not reproducible bit for bit."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of all random numbers of the training."""
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """Number of threads that step the simulations; 0 uses every core."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    """Iterations between checkpoints; the last iteration is always saved."""
    idle_share_max: Annotated[float, Field(ge=0.0, le=1.0)] | None = 0.5
    """Share of what a good episode can earn that idling or random actions may earn. Where they earn more, a warning
    says so before training. null: not checked."""
    evaluation_episodes: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Number of episodes of the final evaluation."""

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
