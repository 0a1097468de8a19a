"""Registers every shipped task with Gymnasium as `sim2real/NAME-v0`; importing this module does it."""

from typing import TYPE_CHECKING

import gymnasium

from configs.library import shipped
from configs.load import load_randomization, load_task

if TYPE_CHECKING:
    from sim2real.env import BatchEnv
    from sim2real.single_env import SingleEnv

_NOTHING_RANDOM = "none"


def register() -> None:
    """Register the shipped tasks; once is enough."""
    for task in shipped("tasks"):
        gymnasium.register(
            id=f"sim2real/{task}-v0",
            entry_point="sim2real.gymnasium:make_single",
            vector_entry_point="sim2real.gymnasium:make_vector",
            kwargs={"task": task},
            # The time limit is the task's own: the learner must see it as truncation with its bootstrap value.
            max_episode_steps=None,
        )


def make_single(
    task: str, randomization: str = _NOTHING_RANDOM, render_mode: str | None = None, seed: int = 0
) -> "SingleEnv":
    """Make one environment from names or paths of YAML files."""
    from sim2real.single_env import SingleEnv

    return SingleEnv(load_task(task), load_randomization(randomization), render_mode=render_mode, seed=seed)


def make_vector(
    task: str, num_envs: int = 1, randomization: str = _NOTHING_RANDOM, seed: int = 0, threads: int = 0
) -> "BatchEnv":
    """Make a vector environment from names or paths of YAML files."""
    from sim2real.env import BatchEnv

    return BatchEnv(load_task(task), load_randomization(randomization), num_envs, seed=seed, threads=threads)


register()
