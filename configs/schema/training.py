"""Schema of what every training run says, whatever it learns."""

from typing import Annotated

from pydantic import Field

from sim2real.configs.schema.algorithm import AlgorithmBlock
from sim2real.configs.schema.base import Config, Name, Pattern
from sim2real.configs.schema.quantity import Duration, Positive


class TrainingConfig(Config):
    """Algorithm, length and seed of a training run."""

    name: Name
    """Name of the experiment; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    algorithm: AlgorithmBlock
    """Learning algorithm and its parameters."""
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
    device: Annotated[str, Pattern(r"^(cpu|cuda(:\d+)?)$", "cpu, cuda, cuda:N")] = "cpu"
    """Device that learns: `cpu`, or a GPU, `cuda` or `cuda:N`. Simulations are stepped on the processor either way."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 20
    """Iterations between checkpoints; the last iteration is always saved."""
    evaluation_episodes: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Number of episodes of the final evaluation, and of each one during training."""
    evaluation_every: Annotated[int, Field(ge=1)] | None = None
    """Iterations between evaluations during training, on environments of their own with always the same episodes. The
    policy with the highest return is kept and exported beside the last. null: only the last policy is evaluated."""
