"""Registers the tasks with Gymnasium on import.

Shipped tasks are `sim2real/NAME-v0`. Gymnasium's own MuJoCo tasks are `sim2real/HalfCheetah-v5` etc.: a single
environment is Gymnasium's, a vector environment is ours and gives the same numbers.
"""

from functools import partial
from typing import TYPE_CHECKING

import gymnasium

from sim2real.configs.library import shipped
from sim2real.configs.load import as_task, load_randomization
from sim2real.configs.schema.task import TaskConfig
from sim2real.reference.tasks import TASKS as REFERENCE_TASKS

if TYPE_CHECKING:
    from sim2real.envs.batch_env import BatchEnv
    from sim2real.envs.single_env import SingleEnv
    from sim2real.reference.env import ReferenceEnv

_NO_RANDOMIZATION = "none"


def register() -> None:
    """Register the shipped tasks and Gymnasium's."""
    for task in shipped("tasks"):
        gymnasium.register(
            id=f"sim2real/{task}-v0",
            entry_point="sim2real.gymnasium:make_single",
            vector_entry_point="sim2real.gymnasium:make_vector",
            kwargs={"task": task},
            # The task has its own time limit, which the learner sees as truncation with a bootstrap value.
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
    task: str, randomization: str = _NO_RANDOMIZATION, render_mode: str | None = None, seed: int | None = 0
) -> "SingleEnv":
    """Create a single environment from names or paths of YAML files; arguments as of `sim2real.make_env`."""
    from sim2real.envs.requests import chosen_seed
    from sim2real.envs.single_env import SingleEnv

    return SingleEnv(_task(task), load_randomization(randomization), render_mode=render_mode, seed=chosen_seed(seed))


def make_vector(
    task: str,
    num_envs: int = 1,
    randomization: str = _NO_RANDOMIZATION,
    seed: int | None = 0,
    threads: int = 0,
    render_mode: str | None = None,
) -> "BatchEnv":
    """Create a vector environment from names or paths of YAML files; arguments as of `sim2real.make_env`."""
    from sim2real.envs.batch_env import BatchEnv
    from sim2real.envs.requests import checked_size, checked_threads, chosen_seed

    return BatchEnv(
        _task(task),
        load_randomization(randomization),
        checked_size(num_envs),
        seed=chosen_seed(seed),
        threads=checked_threads(threads),
        render_mode=render_mode,
    )


def _task(reference: str) -> TaskConfig:
    """Load a task all of whose terms are known. Raises ConfigError with the line of one that is not."""
    from sim2real.task.check import check_terms

    return as_task(reference, check_terms)


def make_reference(
    task: str, num_envs: int = 1, seed: int | None = 0, threads: int = 0, max_episode_steps: int | None = None
) -> "ReferenceEnv":
    """Create a vector environment of one of Gymnasium's tasks, by default with its own time limit."""
    from sim2real.envs.requests import checked_size, checked_threads, chosen_seed
    from sim2real.reference.env import EPISODE_STEPS, ReferenceEnv

    limit = EPISODE_STEPS if max_episode_steps is None else max_episode_steps
    size, threads = checked_size(num_envs), checked_threads(threads)
    return ReferenceEnv(task, size, seed=chosen_seed(seed), threads=threads, max_episode_steps=limit)


register()
