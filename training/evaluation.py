"""Evaluates a fixed policy over whole episodes."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.stage import stage
from sim2real.training.actor import Act, forget
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.privileged_batch import batch_kind
from sim2real.training.recorded import Recorded, Sequences

_ENVIRONMENTS_MAX: Final = 256
_METRIC: Final = "metric/"
_COST: Final = "cost/"
_END: Final = "end/"
_REWARD: Final = "reward/"


class EpisodeTooLongError(ValueError):
    """An episode lasts longer than the bound of an evaluation."""


@dataclass(frozen=True)
class Spread:
    """Distribution of a metric over the episodes in which it was measured; NaN if there are none."""

    episodes: int
    mean: float
    std: float
    median: float
    p90: float
    """90th percentile."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of values; NaN values are left out."""
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
    """The task's metrics, by name."""
    rewards: dict[str, float]
    """Mean sum over an episode of each reward term, and of the penalty."""
    costs: dict[str, Spread]
    """Means of the task's costs over the steps of an episode, by name."""
    ends: dict[str, float]
    """Share of episodes by what ended them: a termination of the task, `diverged`, `time_limit`. Two terminations may
    end one episode together."""
    length_max: int
    """Control steps of the longest episode."""
    observations: Floats = field(repr=False)
    """Some of the observations, (k, O)."""
    sequences: Sequences = field(repr=False)
    """All observations of some environments, from the first step on."""

    @classmethod
    def of(
        cls,
        name: str,
        figures: Mapping[str, NDArray[np.float64]],
        observations: Floats,
        sequences: Sequences,
    ) -> "Evaluation":
        """Return the results of episodes.

        Args:
            name: Name of the randomization, or of what stands in its place.
            figures: Figures of the E episodes by name, (E,) each, as an environment or a recorder gives them.
            observations: Some of the observations, (k, O).
            sequences: All observations of some environments.
        """
        return cls(
            randomization=name,
            episodes=len(figures["return"]),
            return_mean=float(np.mean(figures["return"])),
            return_std=float(np.std(figures["return"])),
            success=float(np.mean(figures["success"])),
            survival=1.0 - float(np.mean(figures["terminated"])),
            length_mean=float(np.mean(figures["length"])),
            metrics=_spreads(figures, _METRIC),
            costs=_spreads(figures, _COST),
            rewards=_means(figures, _REWARD),
            ends=_means(figures, _END),
            length_max=int(np.max(figures["length"])),
            observations=observations,
            sequences=sequences,
        )

    def metrics_row(self) -> dict[str, float]:
        """Return the figures for a run's log, by name."""
        return {
            "evaluation/return": self.return_mean,
            "evaluation/return_std": self.return_std,
            "evaluation/success": self.success,
            "evaluation/survival": self.survival,
            "evaluation/length": self.length_mean,
            **{f"evaluation/metric/{name}": spread.mean for name, spread in self.metrics.items()},
            **{f"evaluation/cost/{name}": spread.mean for name, spread in self.costs.items()},
        }

    def document(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        figures = {name: value for name, value in vars(self).items() if name not in ("observations", "sequences")}
        return figures | {
            key: {name: asdict(spread) for name, spread in spreads.items()}
            for key, spreads in (("metrics", self.metrics), ("costs", self.costs))
        }


def evaluate(
    act: Act,
    task: TaskConfig,
    randomization: RandomizationConfig,
    episodes: int,
    *,
    seed: int,
    threads: int = 0,
    privileged: bool = False,
) -> Evaluation:
    """Play `episodes` episodes of a task and return their figures; the same seed gives the same robots and figures.

    `privileged` says whether the policy sees the privileged values after its observation.
    """
    stage(f"making robots under {randomization.name}")
    n = min(episodes, _ENVIRONMENTS_MAX)
    environment = batch_kind(privileged)(task, randomization, n, seed=seed, threads=threads)
    steps = round(task.episode_duration * task.control_rate)
    return play(act, environment, episodes, steps, randomization.name, seed=seed)


def play(act: Act, environment: Environment, episodes: int, episode_steps: int, name: str, *, seed: int) -> Evaluation:
    """Play in rounds, each with its own seed; the episodes that count are chosen before the first round.

    In each round the first episode of every environment counts; in the last round only those of the first environments,
    up to the number that is left. Episodes are never chosen by when they end: failures end first. An episode depends on
    seed, round and environment alone, not on other episodes.

    Args:
        act: The policy.
        environment: The environments.
        episodes: Number of episodes.
        episode_steps: Upper bound of an episode's length.
        name: Name of the randomization, for the report.
        seed: Seed of the first round.
    """
    n = environment.num_envs
    recorded = Recorded(act)

    def told(begin: int) -> Callable[[float], None]:
        return lambda share: stage(f"evaluating under {name}", min((begin + share * n) / episodes, 1.0))

    rounds = [
        first_episodes(recorded, environment, min(n, episodes - begin), episode_steps, seed=of_round, told=told(begin))
        for begin, of_round in zip(range(0, episodes, n), round_seeds(seed), strict=False)
    ]
    figures = {key: np.concatenate([each[key] for each in rounds]) for key in rounds[0]}
    return Evaluation.of(name, figures, recorded.observations(), recorded.sequences())


def _spreads(figures: Mapping[str, NDArray[np.float64]], prefix: str) -> dict[str, Spread]:
    """Return the spreads of the figures whose names begin so, by the rest of their names."""
    return {
        key.removeprefix(prefix): Spread.of(values.tolist())
        for key, values in figures.items()
        if key.startswith(prefix)
    }


def _means(figures: Mapping[str, NDArray[np.float64]], prefix: str) -> dict[str, float]:
    """Return the means of the figures whose names begin so, by the rest of their names."""
    return {
        key.removeprefix(prefix): float(np.mean(values)) for key, values in figures.items() if key.startswith(prefix)
    }


def first_episodes(
    act: Act,
    environment: Environment,
    count: int,
    episode_steps: int,
    *,
    seed: int,
    told: Callable[[float], None] = lambda share: None,
) -> dict[str, NDArray[np.float64]]:
    """Play the first episode of every environment after a reset; return the figures of the first `count`.

    Args:
        act: The policy.
        environment: The environments.
        count: Number of environments that count.
        episode_steps: Upper bound of an episode's length.
        seed: Seed of the reset.
        told: Called at each step with the share of the steps that are taken.

    Returns:
        Figures by name, (count,) each, in the order of the environments.

    Raises:
        EpisodeTooLongError: An episode is longer than the bound.
    """
    observation = environment.reset_arrays(seed)
    forget(act)
    environment.episodes.drain()
    figures: dict[str, NDArray[np.float64]] = {}
    pending = np.arange(environment.num_envs) < count
    for step in range(episode_steps):
        told(step / episode_steps)
        transition = environment.step_arrays(act(observation))
        observation = transition.observation
        ended = transition.terminated | transition.truncated
        if not ended.any():
            continue
        forget(act, ended)
        chosen = ended & pending
        # One entry for each environment that ended in this step, in their order.
        for name, values in environment.episodes.drain().items():
            figures.setdefault(name, np.full(count, np.nan))[chosen[:count]] = np.asarray(values)[chosen[ended]]
        pending &= ~ended
        if not pending.any():
            return figures
    raise EpisodeTooLongError(f"{np.count_nonzero(pending)} episodes last longer than {episode_steps} steps")


def round_seeds(seed: int) -> Iterator[int]:
    """Yield the seeds of the rounds: the evaluation's own, then seeds that evaluations with other seeds do not use."""
    yield seed
    for index in itertools.count(1):
        yield int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
