"""Throughput of the randomised environment and of bare `Batch.step` on the same model, side by side."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract

_ROUNDS = 7
_ACTIONS = 16


def bench_sim(
    pairs: Sequence[tuple[TaskConfig, RandomizationConfig]],
    sizes: Sequence[int],
    threads: int,
    seconds: float = 1.0,
) -> dict[str, Any]:
    """Measure every task with every number of environments, see `measure`; ratios are named TASK/ENVIRONMENTS."""
    found = {
        f"{task.name}/{size}": measure(task, randomization, size, threads, seconds)
        for task, randomization in pairs
        for size in sizes
    }
    return {
        "ratios": {f"{name} environment_over_bare_batch": figures["ratio"] for name, figures in found.items()},
        "figures": found,
    }


def measure(
    task: TaskConfig, randomization: RandomizationConfig, environments: int, threads: int, seconds: float = 1.0
) -> dict[str, Any]:
    """Measure control steps per second in interleaved rounds; the ratio is the median of the rounds' ratios.

    Both sides step the same compiled model with the same random actions and number of threads, in each round from the
    same states, because fallen robots are slower to step. The bare side writes controls and steps. The environment side
    does all that a learner sees: contract, latency, noise, quantisation, disturbances, rewards, terminations, and
    randomisation of new episodes.
    """
    env = BatchEnv(task, randomization, environments, threads=threads)
    env.reset_arrays(0)
    env.stagger()  # steady state: episodes end a few at a time, not all at once
    bare = Batch(env.simulation.batch.model, nsim=environments, nthread=threads)
    control = bare.bind("ctrl")
    rng = np.random.default_rng(0)
    actions = [rng.uniform(-1.0, 1.0, (environments, env.action_size)).astype(np.float32) for _ in range(_ACTIONS)]
    controls = _controls(env.contract, actions)

    def step_env(index: int) -> None:
        env.step_arrays(actions[index % _ACTIONS])

    def step_bare(index: int) -> None:
        np.copyto(control, controls[index % _ACTIONS])
        bare.step(nstep=task.decimation)

    for side in (step_env, step_bare):
        bare.state[:] = env.simulation.batch.state
        _rate(side, environments, 0.3 * seconds)
    rounds = []
    for index in range(_ROUNDS):
        # Alternate the order, so that a slowdown of the machine favours no side.
        first, second = (step_env, step_bare) if index % 2 == 0 else (step_bare, step_env)
        bare.state[:] = env.simulation.batch.state
        rates = {side: _rate(side, environments, seconds) for side in (first, second)}
        rounds.append((rates[step_env], rates[step_bare]))
    return {
        "ratio": median(ours / theirs for ours, theirs in rounds),
        "randomization": randomization.name,
        "threads": env.simulation.batch.nthread,
        "physics_steps_per_control_step": task.decimation,
        "environment_steps_per_s": median(ours for ours, _ in rounds),
        "bare_batch_steps_per_s": median(theirs for _, theirs in rounds),
        "episodes_ended": len(env.episodes.drain()["return"]),
        "rounds": [ours / theirs for ours, theirs in rounds],
    }


def _controls(contract: Contract, actions: list[Float32Array]) -> list[Float64Array]:
    """Convert actions to controls by the contract."""
    pipeline = ActionPipeline(contract, len(actions[0]))
    by_effort = contract.action.target == "effort"
    controls = []
    for action in actions:
        targets = pipeline.apply(action)  # buffers that the next call overwrites
        controls.append((targets.effort if by_effort else targets.position).copy())
    return controls


def _rate(step: Callable[[int], None], environments: int, seconds: float) -> float:
    """Return the control steps per second of one side."""
    start = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        step(count)
        count += 1
    return count * environments / elapsed
