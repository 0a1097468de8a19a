"""Plays whole episodes with a policy that no longer learns, and counts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.training.environment_interface import Environment, Floats

Act = Callable[[Floats], Floats]
"""Deterministic actions (n, A) for observations (n, O)."""

_ENVIRONMENTS_MAX: Final = 256
_RECORDED_MAX: Final = 4096
_METRIC: Final = "metric/"


@dataclass(frozen=True)
class Spread:
    """How a metric is spread over the episodes that had something to measure; no numbers (NaN) when none had."""

    episodes: int
    mean: float
    std: float
    median: float
    p90: float
    """Nine in ten episodes are below."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of values, those left out that are NaN."""
        measured = np.asarray(values, dtype=float)
        measured = measured[~np.isnan(measured)]
        if not len(measured):
            return cls(0, *[float("nan")] * 4)
        median, p90 = np.quantile(measured, (0.5, 0.9))
        return cls(len(measured), float(measured.mean()), float(measured.std()), float(median), float(p90))


@dataclass(frozen=True)
class Evaluation:
    """Figures over whole episodes."""

    randomization: str
    episodes: int
    return_mean: float
    return_std: float
    success: float
    """Share of episodes that reached the task's goal."""
    survival: float
    """Share of episodes that were not terminated."""
    length_mean: float
    """Control steps."""
    metrics: dict[str, Spread]
    """What the task measures of an episode, by name."""
    observations: Floats
    """(k, O) observations met on the way."""

    def document(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        figures = {name: value for name, value in vars(self).items() if name != "observations"}
        return figures | {"metrics": {name: asdict(spread) for name, spread in self.metrics.items()}}


def evaluate(
    act: Act, task: TaskConfig, randomization: RandomizationConfig, episodes: int, *, seed: int, threads: int = 0
) -> Evaluation:
    """Play `episodes` episodes of a task and return their figures; the same seed gives the same figures."""
    environment = BatchEnv(task, randomization, min(episodes, _ENVIRONMENTS_MAX), seed=seed, threads=threads)
    steps = round(task.episode_duration * task.control_rate)
    return play(act, environment, episodes, steps, randomization.name)


def play(act: Act, environment: Environment, episodes: int, episode_steps: int, name: str) -> Evaluation:
    """Play in rounds; of each round every environment's first episode counts: short ones do not count more often.

    Args:
        act: The policy.
        environment: Where to play; its random numbers go on from where they are.
        episodes: How many episodes.
        episode_steps: Upper bound of an episode's length.
        name: Name of the randomization, for the report.
    """
    n = environment.num_envs
    finished: dict[str, list[float]] = {"return": []}
    recorded: list[Floats] = []
    while len(finished["return"]) < episodes:
        observation = environment.reset_arrays()
        environment.episodes.drain()
        first = np.ones(n, dtype=np.bool_)
        for step in range(episode_steps):
            if step % 10 == 0 and len(recorded) * n < _RECORDED_MAX:
                recorded.append(observation.copy())
            transition = environment.step_arrays(act(observation))
            observation = transition.observation
            ended = transition.terminated | transition.truncated
            if ended.any():
                # One entry for each environment that ended in this step, in their order.
                counts = first[ended]
                for key, values in environment.episodes.drain().items():
                    finished.setdefault(key, []).extend(np.asarray(values)[counts].tolist())
                first &= ~ended
            if not first.any():
                break
    figures = {key: values[:episodes] for key, values in finished.items()}
    return Evaluation(
        randomization=name,
        episodes=episodes,
        return_mean=float(np.mean(figures["return"])),
        return_std=float(np.std(figures["return"])),
        success=float(np.mean(figures["success"])),
        survival=1.0 - float(np.mean(figures["terminated"])),
        length_mean=float(np.mean(figures["length"])),
        metrics={
            key.removeprefix(_METRIC): Spread.of(values) for key, values in figures.items() if key.startswith(_METRIC)
        },
        observations=np.concatenate(recorded)[:_RECORDED_MAX],
    )
