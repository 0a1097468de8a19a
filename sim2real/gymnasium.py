"""Registers tasks with Gymnasium; importing this module does it.

Every shipped task is `sim2real/NAME-v0`. Gymnasium's own MuJoCo tasks are `sim2real/HalfCheetah-v5` and so on: one
environment is Gymnasium's own, a vector of them is ours, with the same numbers.
"""

from functools import partial
from typing import TYPE_CHECKING

import gymnasium

from sim2real.configs.library import shipped
from sim2real.configs.load import load, load_randomization
from sim2real.configs.schema.task import TaskConfig
from sim2real.reference.catalog import TASKS as REFERENCE_TASKS

if TYPE_CHECKING:
    from sim2real.envs.batch_env import BatchEnv
    from sim2real.envs.single_env import SingleEnv
    from sim2real.reference.env import ReferenceEnv

_NOTHING_RANDOM = "none"


def register() -> None:
    """Register the shipped tasks and Gymnasium's; once is enough."""
    for task in shipped("tasks"):
        gymnasium.register(
            id=f"sim2real/{task}-v0",
            entry_point="sim2real.gymnasium:make_single",
            vector_entry_point="sim2real.gymnasium:make_vector",
            kwargs={"task": task},
            # The time limit is the task's own: the learner must see it as truncation with its bootstrap value.
            max_episode_steps=None,
        )
    for name in REFERENCE_TASKS:
        theirs = gymnasium.spec(name)
        gymnasium.register(
            id=f"sim2real/{name}",
            entry_point=theirs.entry_point,
            vector_entry_point=partial(make_reference, name),
            reward_threshold=theirs.reward_threshold,
            max_episode_steps=theirs.max_episode_steps,
        )


def make_single(
    task: str, randomization: str = _NOTHING_RANDOM, render_mode: str | None = None, seed: int = 0
) -> "SingleEnv":
    """Make one environment from names or paths of YAML files."""
    from sim2real.envs.single_env import SingleEnv

    return SingleEnv(_task(task), load_randomization(randomization), render_mode=render_mode, seed=seed)


def make_vector(
    task: str, num_envs: int = 1, randomization: str = _NOTHING_RANDOM, seed: int = 0, threads: int = 0
) -> "BatchEnv":
    """Make a vector environment from names or paths of YAML files."""
    from sim2real.envs.batch_env import BatchEnv

    return BatchEnv(_task(task), load_randomization(randomization), num_envs, seed=seed, threads=threads)


def _task(reference: str) -> TaskConfig:
    """Load a task all of whose terms are known. Raises ConfigError with the line of one that is not."""
    from sim2real.task.check import check_terms

    return load("tasks", TaskConfig, reference, check=check_terms)


def make_reference(
    task: str, num_envs: int = 1, seed: int = 0, threads: int = 0, max_episode_steps: int | None = None
) -> "ReferenceEnv":
    """Make a vector environment of one of Gymnasium's tasks; its own time limit unless another is given."""
    from sim2real.reference.env import EPISODE_STEPS, ReferenceEnv

    limit = EPISODE_STEPS if max_episode_steps is None else max_episode_steps
    return ReferenceEnv(task, num_envs, seed=seed, threads=threads, max_episode_steps=limit)


register()
