"""Speed of our batch on Gymnasium's MuJoCo tasks, side by side with Gymnasium, Stable-Baselines3 and EnvPool.

Every side steps the same task with random actions through its user interface, and resets automatically. The sides take
turns; a ratio is the median over the rounds. On a shared machine ratios favour sides with fewer threads; CPU time per
step is more reliable there.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import count
from statistics import median
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from sim2real.reference.env import ReferenceEnv
from sim2real.reference.tasks import task_named

BARS = {"gymnasium_sync": 3.0, "envpool_async": 1.15}
"""Required speed-up of the batch over each side, on two cores."""

OURS = "sim2real"
_ENVIRONMENTS = 64
_THEIRS = 8  # more do not speed up Gymnasium and Stable-Baselines3, which step one by one or wait for pipes
_ROUNDS = 7
_ACTIONS = 16
_SETTLE_S = 0.02  # between sides: an asynchronous side may still have pending steps
_LIBRARIES = ("stable_baselines3", "envpool")
_ASYNC_SETTINGS = ((64, 32), (64, 16), (64, 8), (32, 16), (16, 8), (8, 4))
"""Environments and batch sizes to try in EnvPool's asynchronous mode."""


@dataclass(frozen=True)
class Side:
    """One competitor.

    `step` advances it with the actions of an index and returns the number of finished environment steps.
    """

    name: str
    step: Callable[[int], int]
    close: Callable[[], None]
    in_process: bool = True
    """Runs in threads of this process, so that its CPU time can be measured."""


@dataclass(frozen=True)
class Round:
    """Result of one side in one round."""

    steps_per_s: float
    cpu_us_per_step: float


def bench_gymnasium(tasks: Sequence[str], threads: int, seconds: float) -> dict[str, Any]:
    """Measure environment steps per second on each task, in interleaved rounds.

    Args:
        tasks: Gymnasium's names, such as `Ant-v5`.
        threads: Threads of our batch and of EnvPool; 0 uses every core.
        seconds: Time per side and round.

    Raises:
        UserError: No such task.
    """
    for task in tasks:
        task_named(task)
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {
        "environments": _ENVIRONMENTS,
        "not_installed": [f"{name} (pip install 'sim2real[bench]')" for name in missing],
        "versions": {name: version(name) for name in ("gymnasium", *_LIBRARIES) if name not in missing},
        "bars": BARS,
    }
    for task in tasks:
        rounds = _measure(task, threads, seconds)
        theirs = [side for side in rounds if not side.name.startswith(OURS)]
        ours = next(values for side, values in rounds.items() if side.name == OURS)
        ratios |= {f"{task}/over_{side.name}": _ratio(ours, rounds[side]) for side in theirs}
        figures[f"{task}/steps_per_s"] = {
            side.name: median(one.steps_per_s for one in values) for side, values in rounds.items()
        }
        figures[f"{task}/cpu_us_per_step"] = {
            side.name: median(one.cpu_us_per_step for one in values)
            for side, values in rounds.items()
            if side.in_process
        }
    return {"ratios": ratios, "figures": figures}


def _measure(task: str, threads: int, seconds: float) -> dict[Side, list[Round]]:
    """Return the results of every side in every round."""
    with ExitStack() as stack:
        sides = []
        # Sides that start processes come first, before this process has threads.
        for make in (_gymnasium_async, _baselines_subproc, _gymnasium_sync, _baselines_dummy, *_pools(), _ours):
            for side in make(task, threads, seconds):
                stack.callback(side.close)
                sides.append(side)
        for side in sides:
            _round(side, 0.3 * seconds)
        rounds: dict[Side, list[Round]] = {side: [] for side in sides}
        for index in range(_ROUNDS):
            # Alternate the order, so that a slowdown of the machine favours no side.
            for side in sides if index % 2 == 0 else reversed(sides):
                rounds[side].append(_round(side, seconds))
        return rounds


def _round(side: Side, seconds: float) -> Round:
    """Step one side for the given time."""
    time.sleep(_SETTLE_S)
    start, cpu, steps = time.perf_counter(), time.process_time(), 0
    for index in count():
        steps += side.step(index % _ACTIONS)
        if (elapsed := time.perf_counter() - start) >= seconds:
            break
    return Round(steps / elapsed, 1e6 * (time.process_time() - cpu) / steps)


def _ratio(ours: list[Round], theirs: list[Round]) -> float:
    return median(our.steps_per_s / their.steps_per_s for our, their in zip(ours, theirs, strict=True))


def _actions(space: gymnasium.spaces.Space[Any], environments: int) -> list[NDArray[Any]]:
    """Return batches of random actions within a space of one environment."""
    if not isinstance(space, gymnasium.spaces.Box):
        raise TypeError(f"a Box of actions is required, not {space}")
    rng = np.random.default_rng(0)
    shape = (_ACTIONS, environments, *space.shape)
    return list(rng.uniform(space.low, space.high, shape).astype(space.dtype))


def _ours(task: str, threads: int, _seconds: float) -> list[Side]:
    """Return our sides: Gymnasium's interface, and the arrays of our learners."""
    sides = []
    for name, method in ((OURS, "step"), (f"{OURS}_arrays", "step_arrays")):
        env = ReferenceEnv(task, _ENVIRONMENTS, threads=threads)
        env.reset_arrays(0)
        env.stagger()
        step, actions = getattr(env, method), _actions(env.single_action_space, _ENVIRONMENTS)
        sides.append(Side(name, _counted(step, actions), env.close))
    return sides


def _gymnasium_sync(task: str, _threads: int, _seconds: float) -> list[Side]:
    env: Any = gymnasium.vector.SyncVectorEnv([partial(_gymnasium_env, task)] * _THEIRS)
    env.reset(seed=0)
    return [Side("gymnasium_sync", _counted(env.step, _actions(env.single_action_space, _THEIRS)), env.close)]


def _gymnasium_async(task: str, _threads: int, _seconds: float) -> list[Side]:
    env: Any = gymnasium.vector.AsyncVectorEnv([partial(_gymnasium_env, task)] * _THEIRS, context="spawn")
    env.reset(seed=0)
    actions = _actions(env.single_action_space, _THEIRS)
    return [Side("gymnasium_async", _counted(env.step, actions), env.close, in_process=False)]


def _baselines_dummy(task: str, _threads: int, _seconds: float) -> list[Side]:
    return _baselines("stable_baselines3_dummy", "DummyVecEnv", task)


def _baselines_subproc(task: str, _threads: int, _seconds: float) -> list[Side]:
    return _baselines("stable_baselines3_subproc", "SubprocVecEnv", task, start_method="spawn")


def _baselines(name: str, kind: str, task: str, **options: str) -> list[Side]:
    if find_spec("stable_baselines3") is None:
        return []
    env = getattr(import_module("stable_baselines3.common.vec_env"), kind)(
        [partial(_gymnasium_env, task)] * _THEIRS, **options
    )
    env.reset()
    actions = _actions(env.action_space, _THEIRS)
    return [Side(name, _counted(env.step, actions), env.close, in_process=kind == "DummyVecEnv")]


def _pools() -> list[Callable[[str, int, float], list[Side]]]:
    return [_pool_sync, _pool_async] if find_spec("envpool") is not None else []


def _pool_sync(task: str, threads: int, _seconds: float) -> list[Side]:
    pool = _pool(task, _ENVIRONMENTS, _ENVIRONMENTS, threads)
    pool.reset()
    return [Side("envpool_sync", _counted(pool.step, _actions(pool.action_space, _ENVIRONMENTS)), pool.close)]


def _pool_async(task: str, threads: int, seconds: float) -> list[Side]:
    """Return EnvPool's asynchronous mode with its fastest setting on this machine."""

    def side(setting: tuple[int, int]) -> Side:
        environments, batch = setting
        pool = _pool(task, environments, batch, threads)
        pool.async_reset()
        actions = _actions(pool.action_space, batch)

        def step(index: int) -> int:
            info = pool.recv()[4]
            pool.send(actions[index], info["env_id"])
            return batch

        return Side("envpool_async", step, pool.close)

    speeds = dict.fromkeys(_ASYNC_SETTINGS, 0.0)
    for setting in [*_ASYNC_SETTINGS, *reversed(_ASYNC_SETTINGS)]:
        tried = side(setting)
        _round(tried, 0.1 * seconds)
        speeds[setting] = max(speeds[setting], _round(tried, 0.3 * seconds).steps_per_s)
        tried.close()
    return [side(max(speeds, key=lambda setting: speeds[setting]))]


def _pool(task: str, environments: int, batch: int, threads: int) -> Any:  # noqa: ANN401 - EnvPool has no types
    return import_module("envpool").make(
        task, env_type="gymnasium", num_envs=environments, batch_size=batch, num_threads=threads, seed=0
    )


def _counted(step: Callable[[Any], object], actions: list[NDArray[Any]]) -> Callable[[int], int]:
    """Return a step function that takes the index of its actions and returns the number of environments."""
    environments = len(actions[0])

    def counted(index: int) -> int:
        step(actions[index])
        return environments

    return counted


def _gymnasium_env(task: str) -> gymnasium.Env[Any, Any]:
    """Create Gymnasium's own environment; also called in worker processes."""
    with _quiet():
        return gymnasium.make(task)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence MuJoCo's warning about an old attribute in one of Gymnasium's models."""
    before = mujoco.MjLogConfig.get()
    silent = mujoco.MjLogConfig.get()
    silent.logto_console = silent.logto_file = False
    mujoco.MjLogConfig.set(silent)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*settotalmass.*")
            yield
    finally:
        mujoco.MjLogConfig.set(before)
