"""Interface of what a run learns: its environments, its evaluation, and what is exported of it.

`RobotProblem` is a robot's task, `GymnasiumProblem` any environment of Gymnasium's. A run knows nothing else of either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from sim2real.configs.schema.training import TrainingConfig
from sim2real.training.actor import Act
from sim2real.training.checkpoint import Checkpoint
from sim2real.training.environment_interface import Environment
from sim2real.training.evaluation import Evaluation
from sim2real.training.export import ExportReport
from sim2real.training.policy import Policy
from sim2real.training.run_folder import RunFolder

EVALUATION_SEED_OFFSET: Final = 1_000_003
"""Offset from the training seed, so that evaluation uses other episodes."""


@dataclass(frozen=True)
class Trained:
    """How far a policy was trained, and from where."""

    steps: int
    iterations: int
    seconds: float
    """Time of collecting and learning, s."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Which policy the training began from; empty where it began from nothing."""


class Problem(Protocol):
    """What a run learns."""

    @property
    def experiment(self) -> TrainingConfig:
        """Algorithm, length and seed of the run."""

    @property
    def contract(self) -> str:
        """Canonical JSON of what the policy observes and does."""

    @property
    def kept(self) -> dict[str, Any]:
        """Fields `modules` and `model` of the run's checkpoints."""

    def as_written(self) -> TrainingConfig:
        """Return the experiment as the run writes it."""

    def environment(self, diverged: Path) -> Environment:
        """Return the environments to train in.

        Args:
            diverged: Folder for states before a divergence.
        """

    def evaluate(self, act: Act, episodes: int, seed: int) -> Evaluation:
        """Play whole episodes with a policy; the same seed gives the same episodes.

        Training is not touched, unless the environment is the only one there is; see `evaluates_apart`.
        """

    @property
    def evaluates_apart(self) -> bool:
        """Whether evaluation has environments of its own."""

    def failure_of(self, evaluation: Evaluation) -> str | None:
        """Return why nothing can have been learned, in one line, or None."""

    def differs_from(self, checkpoint: Checkpoint, run: Path) -> list[str]:
        """Return the parts of its observations and actions in which another run's policy differs."""

    def export(self, policy: Policy, path: Path, evaluation: Evaluation, trained: Trained) -> ExportReport:
        """Write the policy as ONNX, with its contract. Raises UserError."""

    def draw(self, run: RunFolder) -> None:
        """Draw the figures of a finished run beside its metrics."""

    def close(self) -> None:
        """Close the environments that it made."""
