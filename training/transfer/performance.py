"""Performance of a policy in one world."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.training.actor import Act
from sim2real.training.evaluation import first_episodes

_METRIC: Final = "metric/"


@dataclass(frozen=True)
class WorldPerformance:
    """Means over whole episodes."""

    episodes: int
    performance: float
    """Performance in [0, 1]: the task's own measure, else whether the goal was reached."""
    survival: float
    """Share of episodes that were not terminated."""
    success: float
    """Share of episodes that reached the task's goal."""
    metrics: dict[str, float]
    """Means of the task's metrics, SI; NaN if no episode had anything to measure."""
    diverged: float = 0.0
    """Share of episodes whose simulation diverged: a defect of the world, not of the policy."""

    @classmethod
    def of(cls, episodes: Sequence[Mapping[str, float]], diverged: float = 0.0) -> "WorldPerformance":
        """Return the means over episodes, each a mapping with performance, terminated, success and `metric/NAME`."""
        names = [name for name in episodes[0] if name.startswith(_METRIC)]

        def mean(name: str) -> float:
            values = np.array([episode[name] for episode in episodes])
            measured = values[~np.isnan(values)]
            return float(measured.mean()) if len(measured) else float("nan")

        return cls(
            episodes=len(episodes),
            performance=mean("performance"),
            survival=1.0 - mean("terminated"),
            success=mean("success"),
            metrics={name.removeprefix(_METRIC): mean(name) for name in names},
            diverged=diverged,
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "WorldPerformance":
        """Restore from what `document` returned; null becomes NaN."""
        nan = float("nan")
        metrics = {name: nan if value is None else value for name, value in document["metrics"].items()}
        return cls(**{**document, "metrics": metrics})

    def document(self) -> dict[str, Any]:
        """Return plain data; NaN becomes null."""
        metrics = {name: None if np.isnan(value) else value for name, value in self.metrics.items()}
        return asdict(self) | {"metrics": metrics}


def evaluate_in_world(
    act: Act, task: TaskConfig, randomization: RandomizationConfig, episodes: int, *, seed: int, threads: int = 0
) -> WorldPerformance:
    """Run episodes in parallel, one per environment; the same seed gives every policy the same robots.

    Args:
        act: The policy.
        task: The task, with the world's physics.
        randomization: The world's randomisation.
        episodes: Number of episodes.
        seed: Seed of the episodes.
        threads: Threads that step the simulations; 0 uses every core.
    """
    environment = BatchEnv(task, randomization, episodes, seed=seed, threads=threads)
    figures = first_episodes(act, environment, episodes, environment.simulation.length_max, seed=seed)
    rows = [{name: values[row] for name, values in figures.items()} for row in range(episodes)]
    return WorldPerformance.of(rows, float(figures["diverged"].mean()))
