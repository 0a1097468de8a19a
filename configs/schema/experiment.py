"""Schema of an experiment: a task, how it is randomised, and how it is learned."""

from typing import Annotated

from pydantic import Field

from configs.schema.algorithm import AlgorithmConfig
from configs.schema.base import Config, Name, Reference
from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig


class ExperimentConfig(Config):
    """One training run."""

    name: Name
    description: str = ""
    task: Annotated[TaskConfig, Reference("tasks")]
    randomization: Annotated[RandomizationConfig, Reference("randomization")]
    algorithm: AlgorithmConfig
    environments: Annotated[int, Field(ge=1, le=65536)]
    """Simulations that step together."""
    steps: Annotated[int, Field(ge=1)]
    """Control steps of training, over all environments."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """Threads that step the simulations; 0 uses every core."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    """Iterations between checkpoints; the last one is always kept."""
    evaluation_episodes: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Episodes of the closing evaluation."""
