"""Throughput of the randomised environment against bare `Batch.step` of the same model, side by side."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from mujoco.batch import Batch

from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig
from sim2real.env import BatchEnv

_ROUNDS = 7
_ACTIONS = 16


def bench_sim(
    task: TaskConfig, randomization: RandomizationConfig, environments: int, threads: int, seconds: float = 1.0
) -> dict[str, Any]:
    """Measure control steps per second in interleaved rounds; the ratio is the median of the rounds' ratios.

    Both sides step the same compiled model with the same random actions on the same number of threads, from the same
    states. The bare side writes controls and steps; the environment side does everything a learner sees: contract,
    latency, noise, quantisation, rewards, ends of episodes, randomisation of new ones.
    """
    env = BatchEnv(task, randomization, environments, threads=threads)
    env.reset_arrays(0)
    # Steady state: episodes end a few at a time, not all at once.
    length_max = env.simulation.length_max
    env.episodes.length[:] = np.random.default_rng(1).integers(0, length_max, environments)
    bare = Batch(env.simulation.batch.model, nsim=environments, nthread=threads)
    bare.state[:] = env.simulation.batch.state
    control = bare.bind("ctrl")
    effort = np.array([joint.effort_limit for joint in task.robot.joints.values()])
    rng = np.random.default_rng(0)
    actions = [rng.uniform(-1.0, 1.0, (environments, env.action_size)).astype(np.float32) for _ in range(_ACTIONS)]

    def step_env(index: int) -> None:
        env.step_arrays(actions[index % _ACTIONS])

    def step_bare(index: int) -> None:
        np.multiply(actions[index % _ACTIONS], effort, out=control)
        bare.step(nstep=task.decimation)

    for side in (step_env, step_bare):
        _rate(side, environments, 0.3 * seconds)
    rounds = []
    for index in range(_ROUNDS):
        # Alternate who goes first, so that a machine that slows down favours nobody.
        first, second = (step_env, step_bare) if index % 2 == 0 else (step_bare, step_env)
        rates = {side: _rate(side, environments, seconds) for side in (first, second)}
        rounds.append((rates[step_env], rates[step_bare]))
    return {
        "ratios": {"environment_over_bare_batch": median(ours / theirs for ours, theirs in rounds)},
        "figures": {
            "task": task.name,
            "randomization": randomization.name,
            "environments": environments,
            "threads": env.simulation.batch.nthread,
            "physics_steps_per_control_step": task.decimation,
            "environment_steps_per_s": median(ours for ours, _ in rounds),
            "bare_batch_steps_per_s": median(theirs for _, theirs in rounds),
            "episodes_ended": len(env.episodes.drain()["return"]),
            "rounds": [ours / theirs for ours, theirs in rounds],
        },
    }


def _rate(step: Callable[[int], None], environments: int, seconds: float) -> float:
    """Control steps per second of one side."""
    start = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        step(count)
        count += 1
    return count * environments / elapsed
