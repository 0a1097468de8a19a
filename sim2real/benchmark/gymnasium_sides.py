"""Sides of the benchmark on Gymnasium's MuJoCo tasks: our batch, Gymnasium, Stable-Baselines3 and EnvPool.

Every side steps the same task with random actions through its user interface, and resets automatically.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from sim2real.hardware.child_process import safe_workers
from sim2real.reference.env import ReferenceEnv

OURS = "sim2real"
ENVIRONMENTS = 64
LIBRARIES = ("stable_baselines3", "envpool")
"""Packages to compare with if they are installed."""

_THEIRS = 8  # more do not speed up Gymnasium and Stable-Baselines3, which step one by one or wait for pipes
_ACTIONS = 16
_SETTLE_S = 0.02  # between sides: an asynchronous side may still have pending steps
_ASYNC_SETTINGS = ((64, 32), (64, 16), (64, 8), (32, 16), (16, 8), (8, 4))
"""Environments and batch sizes to try in EnvPool's asynchronous mode."""


@dataclass(frozen=True)
class Round:
    """Result of one side in one round."""

    steps_per_s: float
    cpu_us_per_step: float


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

    def run(self, seconds: float) -> Round:
        """Step for the given time, s."""
        time.sleep(_SETTLE_S)
        start, cpu, steps = time.perf_counter(), time.process_time(), 0
        for index in count():
            steps += self.step(index % _ACTIONS)
            if (elapsed := time.perf_counter() - start) >= seconds:
                break
        return Round(steps / elapsed, 1e6 * (time.process_time() - cpu) / steps)


Maker = Callable[[str, int, float], Sequence[Side]]
"""Returns sides for a task, a number of threads and the time per round, s; none if their library is not installed."""


def missing_libraries() -> list[str]:
    """Return the packages to compare with that are not installed."""
    return [name for name in LIBRARIES if find_spec(name) is None]


def _actions(space: gymnasium.spaces.Space[Any], environments: int) -> list[NDArray[Any]]:
    """Return batches of random actions within a space of one environment."""
    if not isinstance(space, gymnasium.spaces.Box):
        raise TypeError(f"a Box of actions is required, not {space}")
    rng = np.random.default_rng(0)
    shape = (_ACTIONS, environments, *space.shape)
    return list(rng.uniform(space.low, space.high, shape).astype(space.dtype))


def ours(task: str, threads: int, _seconds: float) -> list[Side]:
    """Return our sides: Gymnasium's interface, and the arrays of our learners."""
    sides = []
    for name, method in ((OURS, "step"), (f"{OURS}_arrays", "step_arrays")):
        env = ReferenceEnv(task, ENVIRONMENTS, threads=threads)
        env.reset_arrays(0)
        env.stagger()
        step, actions = getattr(env, method), _actions(env.single_action_space, ENVIRONMENTS)
        sides.append(Side(name, counted(step, actions), env.close))
    return sides


def gymnasium_sync(task: str, _threads: int, _seconds: float) -> list[Side]:
    """Return Gymnasium's environments in one thread."""
    env: Any = gymnasium.vector.SyncVectorEnv([partial(_gymnasium_env, task)] * _THEIRS)
    env.reset(seed=0)
    return [Side("gymnasium_sync", counted(env.step, _actions(env.single_action_space, _THEIRS)), env.close)]


def gymnasium_async(task: str, _threads: int, _seconds: float) -> list[Side]:
    """Return Gymnasium's environments in processes."""
    with safe_workers():
        env: Any = gymnasium.vector.AsyncVectorEnv([partial(_gymnasium_env, task)] * _THEIRS, context="spawn")
    env.reset(seed=0)
    actions = _actions(env.single_action_space, _THEIRS)
    return [Side("gymnasium_async", counted(env.step, actions), env.close, in_process=False)]


def baselines_dummy(task: str, _threads: int, _seconds: float) -> list[Side]:
    """Return Stable-Baselines3's environments in one thread."""
    return _baselines("stable_baselines3_dummy", "DummyVecEnv", task)


def baselines_subproc(task: str, _threads: int, _seconds: float) -> list[Side]:
    """Return Stable-Baselines3's environments in processes."""
    return _baselines("stable_baselines3_subproc", "SubprocVecEnv", task, start_method="spawn")


def _baselines(name: str, kind: str, task: str, **options: str) -> list[Side]:
    if find_spec("stable_baselines3") is None:
        return []
    env = getattr(import_module("stable_baselines3.common.vec_env"), kind)(
        [partial(_gymnasium_env, task)] * _THEIRS, **options
    )
    env.reset()
    actions = _actions(env.action_space, _THEIRS)
    return [Side(name, counted(env.step, actions), env.close, in_process=kind == "DummyVecEnv")]


def pool_sync(task: str, threads: int, _seconds: float) -> list[Side]:
    """Return EnvPool's synchronous mode."""
    if find_spec("envpool") is None:
        return []
    pool = make_pool(task, ENVIRONMENTS, ENVIRONMENTS, threads)
    pool.reset()
    return [Side("envpool_sync", counted(pool.step, _actions(pool.action_space, ENVIRONMENTS)), pool.close)]


def pool_async(task: str, threads: int, seconds: float) -> list[Side]:
    """Return EnvPool's asynchronous mode with its fastest setting on this machine."""
    if find_spec("envpool") is None:
        return []

    def side(setting: tuple[int, int]) -> Side:
        environments, batch = setting
        pool = make_pool(task, environments, batch, threads)
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
        tried.run(0.1 * seconds)
        speeds[setting] = max(speeds[setting], tried.run(0.3 * seconds).steps_per_s)
        tried.close()
    return [side(max(speeds, key=lambda setting: speeds[setting]))]


def make_pool(task: str, environments: int, batch: int, threads: int) -> Any:  # noqa: ANN401 - EnvPool has no types
    """Create EnvPool's environments of one task; a step takes actions of `batch` environments."""
    return import_module("envpool").make(
        task, env_type="gymnasium", num_envs=environments, batch_size=batch, num_threads=threads, seed=0
    )


def counted(step: Callable[[Any], object], actions: list[NDArray[Any]]) -> Callable[[int], int]:
    """Return a step function that takes the index of its actions and returns the number of environments."""
    environments = len(actions[0])

    def indexed(index: int) -> int:
        step(actions[index])
        return environments

    return indexed


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


# Sides that start processes come first, before this process has threads.
SIDES: tuple[Maker, ...] = (
    gymnasium_async,
    baselines_subproc,
    gymnasium_sync,
    baselines_dummy,
    pool_sync,
    pool_async,
    ours,
)
"""All sides."""
