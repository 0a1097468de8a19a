"""Throughput and memory of an environment with tens to thousands of robots."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any, Protocol

import numpy as np

from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.hardware.child_process import safe_workers
from sim2real.reference.env import ReferenceEnv
from sim2real.reference.tasks import TASKS
from sim2real.runtime.contract.observation import Float32Array

_ROUNDS = 3
_ACTIONS = 4
_WARM_UP_STEPS = 3
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """Result of one size in one round; CPU time is summed over all cores."""

    steps_per_s: float
    cpu_us_per_step: float
    kib_per_environment: float


class Steppable(Protocol):
    """Interface of the measured environments."""

    @property
    def action_size(self) -> int:
        """Length of one action."""

    def reset_arrays(self, seed: int | None = None) -> Float32Array:
        """Start new episodes in all environments."""

    def stagger(self) -> None:
        """Give every running episode a random age."""

    def step_arrays(self, actions: Float32Array) -> object:
        """Advance one control step."""


def bench_scale(
    task: str, randomization: str, sizes: tuple[int, ...], threads: int, seconds: float = 1.0
) -> dict[str, Any]:
    """Measure each size in a fresh process, every size once per round.

    Args:
        task: Name or path of one of our tasks, or one of Gymnasium's, such as `Ant-v5`.
        randomization: Name or path; used for our tasks.
        sizes: Numbers of environments.
        threads: Threads that step them; 0 uses every core.
        seconds: Time per size and round.

    Returns:
        Ratios: throughput of each size but the smallest over the best of the smaller sizes; it should not fall below 1
        by more than the noise of the machine. On a shared machine CPU time per step is more reliable. Memory is the
        growth of the process by the environment after some steps, relative to a single environment.
    """
    sizes = tuple(sorted(set(sizes)))
    rounds = [
        {size: _in_fresh_process(task, randomization, size, threads, seconds) for size in sizes} for _ in range(_ROUNDS)
    ]
    ratios = {
        f"throughput_at_{size}_over_best_of_smaller": median(
            one[size].steps_per_s / max(one[smaller].steps_per_s for smaller in sizes if smaller < size)
            for one in rounds
        )
        for size in sizes[1:]
    }
    return {
        "ratios": ratios,
        "figures": {
            "task": task,
            "randomization": randomization if task not in TASKS else "Gymnasium's own",
            **{
                f"at_{size}": {
                    name: median(getattr(one[size], name) for one in rounds)
                    for name in ("steps_per_s", "cpu_us_per_step", "kib_per_environment")
                }
                for size in sizes
            },
        },
    }


def _in_fresh_process(task: str, randomization: str, size: int, threads: int, seconds: float) -> Measured:
    """Measure one size in a process of its own."""
    with safe_workers(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, task, randomization, size, threads, seconds).result()


def measure(task: str, randomization: str, size: int, threads: int, seconds: float) -> Measured:
    """Measure one size in this process, which must be fresh so that its peak memory is that of this size."""
    one = _make(task, randomization, 1, threads)
    _prepare(one, 1)
    before = _resident()
    env = _make(task, randomization, size, threads)
    actions = _prepare(env, size)
    grown = _resident() - before
    start, cpu, steps, elapsed = time.perf_counter(), time.process_time(), 0, 0.0
    while steps == 0 or elapsed < seconds:  # one at least, however busy the machine is
        env.step_arrays(actions[steps % _ACTIONS])
        steps += 1
        elapsed = time.perf_counter() - start
    cpu = time.process_time() - cpu
    return Measured(steps * size / elapsed, 1e6 * cpu / (steps * size), max(grown, 0) / size / 1024)


def _make(task: str, randomization: str, size: int, threads: int) -> Steppable:
    if task in TASKS:
        return ReferenceEnv(task, size, threads=threads)
    return BatchEnv(load_task(task), load_randomization(randomization), size, threads=threads)


def _prepare(env: Steppable, size: int) -> list[Float32Array]:
    """Step an environment until all its memory is allocated; return random actions, (n, A) each."""
    rng = np.random.default_rng(0)
    actions = [rng.uniform(-1.0, 1.0, (size, env.action_size)).astype(np.float32) for _ in range(_ACTIONS)]
    env.reset_arrays(0)
    env.stagger()
    for index in range(_WARM_UP_STEPS):
        env.step_arrays(actions[index])
    return actions


def _resident() -> int:
    """Return the resident memory of this process, bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * _PAGE
