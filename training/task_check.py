"""Looks at a task before it is learned: idling and acting at random must not pay as well as a good episode."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.stage import stage
from sim2real.envs.batch_env import BatchEnv
from sim2real.task.paid_reward import distinct
from sim2real.training.environment_interface import Floats
from sim2real.training.evaluation import first_episodes

_EPISODES: Final = 8  # of each policy: two digits of a mean return are enough for a warning
_SEED_OFFSET: Final = 3_000_001  # other episodes than those of training and evaluation
_ROW: Final = "reward/"


@dataclass(frozen=True)
class Untaught:
    """What a policy earns that has learned nothing."""

    name: str
    earned: float
    """Mean return."""
    most: str
    """Reward that pays it most; empty if none pays anything."""
    most_earned: float
    """What that one pays, as a part of the return."""
    diverged: int
    """Episodes in which the simulation diverged."""


@dataclass(frozen=True)
class TaskCheck:
    """What can be earned in an episode of a task, and what is earned without learning."""

    possible: float
    """Return of an episode in which every reward with a positive weight is 1 all the time; more, if one paid more."""
    policies: tuple[Untaught, ...]

    @property
    def text(self) -> str:
        """One line for people."""
        earned = ", ".join(
            f"{each.name} earns {each.earned:.3g}" + (f" ({each.earned / self.possible:.0%})" if self.possible else "")
            for each in self.policies
        )
        return f"task check: of the {self.possible:.3g} that a good episode can earn, {earned}"

    def warnings(self, share_max: float) -> list[str]:
        """Return what is wrong with the rewards, one line each; empty if nothing is.

        Args:
            share_max: Share of a good episode's return that may be earned without learning.
        """
        unstable = [
            f"{each.name} makes the simulation diverge in {each.diverged} of {_EPISODES} episodes: lower "
            "task.physics.timestep, or look for very small masses and stiff springs in the model"
            for each in self.policies
            if each.diverged
        ]
        if self.possible <= 0.0:
            return [
                *unstable,
                "no reward has a positive weight: an episode earns most by ending at once; add one that is earned",
            ]
        return unstable + [
            f"{each.name} earns {each.earned:.3g} of the {self.possible:.3g} that a good episode can, more than "
            f"idle_share_max {share_max:.0%}; {each.most!r} pays {each.most_earned:.3g} of it: a policy that learns "
            "nothing is paid well, so lower its weight, or end or penalise such episodes"
            for each in self.policies
            if each.earned > share_max * self.possible
        ]


def check_task(experiment: ExperimentConfig) -> TaskCheck:
    """Play some episodes with actions of zero and with random actions.

    Args:
        experiment: Source of task, randomisation and seed. Nothing of its training is touched.
    """
    task, seed = experiment.task, experiment.seed + _SEED_OFFSET
    n = 2 * _EPISODES
    stage("task check")
    environment = BatchEnv(task, experiment.randomization, n, seed=seed, threads=experiment.threads)
    random = np.random.default_rng(seed)

    def act(observation: Floats) -> Floats:
        actions = random.uniform(-1.0, 1.0, (len(observation), environment.action_size)).astype(np.float32)
        actions *= environment.contract.action.clip
        actions[:_EPISODES] = 0.0
        return actions

    steps = round(task.episode_duration * task.control_rate)
    told = partial(stage, "task check: idling, and acting at random")
    figures = first_episodes(act, environment, n, steps, seed=seed, told=told)
    parts = {"idling": slice(0, _EPISODES), "acting at random": slice(_EPISODES, n)}
    return TaskCheck(_possible(task, figures), tuple(_untaught(name, rows, figures) for name, rows in parts.items()))


def _possible(task: TaskConfig, figures: Mapping[str, NDArray[np.float64]]) -> float:
    names = distinct([entry.term for entry in task.rewards])
    return sum(
        max(entry.weight * task.episode_duration, float(figures[_ROW + name].max()))
        for name, entry in zip(names, task.rewards, strict=True)
        if entry.weight > 0.0
    )


def _untaught(name: str, rows: slice, figures: Mapping[str, NDArray[np.float64]]) -> Untaught:
    paid = {key.removeprefix(_ROW): float(figures[key][rows].mean()) for key in figures if key.startswith(_ROW)}
    most = max(paid, key=lambda key: paid[key], default="")
    diverged = int(np.count_nonzero(figures["diverged"][rows]))
    return Untaught(name, float(figures["return"][rows].mean()), most, paid.get(most, 0.0), diverged)
