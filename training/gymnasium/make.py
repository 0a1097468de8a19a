"""Makes the environments of an id: our batch where there is one, else Gymnasium's, in this process or in others."""

import os
import signal
import time
from functools import partial
from typing import Any, Final, Literal

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from sim2real.configs.errors import UserError
from sim2real.configs.schema.gymnasium import EnvironmentConfig
from sim2real.hardware.child_process import safe_workers
from sim2real.reference.env import EPISODE_STEPS, ReferenceEnv
from sim2real.reference.tasks import TASKS
from sim2real.training.gymnasium.foreign_code import closed, running
from sim2real.training.gymnasium.registry import made, spec_of

Vectorization = Literal["batch", "sync", "async"]

ASYNC_STEP_S: Final = 1e-3
"""Step of one environment, s, from which on processes pay: what they cost is several hundred microseconds a step."""
_TRIAL_S: Final = 0.2
_TRIAL_STEPS_MAX: Final = 200


def chosen(config: EnvironmentConfig) -> tuple[Vectorization, str]:
    """Return how the environments of an id step together, and why, in words.

    Raises:
        UserError: There is no such environment, or no batch of it.
    """
    name = str(config.id)
    limit = spec_of(name).max_episode_steps
    measured = name in TASKS and set(config.costs) <= set(TASKS[name].measured)
    has_batch = measured and not config.arguments and limit == EPISODE_STEPS
    if config.vectorization == "batch" and not has_batch:
        what = f"of {name}"
        if name in TASKS and not measured:
            what = f"of {name} that measures {', '.join(set(config.costs) - set(TASKS[name].measured))}"
        elif name in TASKS:
            what = "with arguments"
        raise UserError(f"environment.vectorization: no batch {what}; valid: auto, sync, async; batches: {_batches()}")
    if config.vectorization != "auto":
        return config.vectorization, "as set"
    if has_batch:
        return "batch", "on native threads, with Gymnasium's numbers"
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        return "sync", "there is one core"
    step_s = _step_time(config)
    bound = f"{1e3 * ASYNC_STEP_S:g} ms"
    if step_s >= ASYNC_STEP_S:
        return "async", f"in processes: a step of one takes {1e3 * step_s:.2g} ms, and {bound} or more is worth them"
    return (
        "sync",
        f"in this process: a step of one takes {1e3 * step_s:.2g} ms, and less than {bound} is not worth others",
    )


def make(config: EnvironmentConfig, how: Vectorization, environments: int, *, seed: int, threads: int) -> Any:  # noqa: ANN401 - two interfaces
    """Return `environments` environments of an id.

    Args:
        config: The id and its arguments.
        how: See `chosen`.
        environments: n
        seed: Seed until the first reset; of a batch.
        threads: Threads of a batch.

    Raises:
        UserError: They cannot be made.
    """
    name = str(config.id)
    if how == "batch":
        return ReferenceEnv(name, environments, seed=seed, threads=threads, costs=config.costs)
    makers = [partial(_one, name, dict(config.arguments), os.getpid())] * environments
    if how == "sync":
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    makers[0]().close()  # what cannot be made is said here, and not by a process
    with safe_workers():
        # Not forked: threads of torch and MuJoCo may hold locks.
        return AsyncVectorEnv(makers, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)


def _one(name: str, arguments: dict[str, Any], parent: int) -> gymnasium.Env[Any, Any]:
    """Make one environment, in this process or in a worker, which leaves Ctrl-C to the process that began it."""
    if os.getpid() != parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return made(name, **arguments)


def _step_time(config: EnvironmentConfig) -> float:
    """Return the mean time of a step of one environment with random actions, s."""
    name = f"gym/{config.id}"
    env = made(str(config.id), **config.arguments)
    try:
        with running(name, "step"):
            env.reset(seed=0)
            env.action_space.seed(0)
            begin, steps = time.perf_counter(), 0
            while steps < _TRIAL_STEPS_MAX and time.perf_counter() - begin < _TRIAL_S:
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                steps += 1
                if terminated or truncated:
                    env.reset()
            return (time.perf_counter() - begin) / steps
    finally:
        closed(name, env.close)


def _batches() -> str:
    return ", ".join(TASKS)
