"""Stable-Baselines3's sides of the comparisons, with its defaults and eight environments."""

import time
from typing import Any

import torch
from stable_baselines3 import DDPG, PPO, SAC, TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from sim2real.training.benchmark.side import Stopwatch, serve

_ENVIRONMENTS = 8
_EVALUATED = 10
_EVALUATION_SEED = 1_000_003
_STEPS_MAX = 10**9


class _Timed(BaseCallback):
    """Ends the learning after some time, from the second rollout on: whole rollouts with what is learned of them."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.limit_s, self.watch, self.begun_at, self.ended_at = seconds, Stopwatch(), 0, 0

    def _on_step(self) -> bool:
        return not self.ended_at

    def _on_rollout_start(self) -> None:
        if not self.begun_at and self.num_timesteps:
            self.watch, self.begun_at = Stopwatch(), self.num_timesteps
        elif self.begun_at and self.watch.seconds >= self.limit_s:
            self.watch.pause()
            self.ended_at = self.num_timesteps


class _Solved(BaseCallback):
    """Ends the learning when ten evaluated episodes reach a bar, or after some time."""

    def __init__(self, task: str, bar: float, seconds: float) -> None:
        super().__init__()
        self.apart = make_vec_env(task, 1, seed=_EVALUATION_SEED)
        self.bar, self.limit_s, self.mean = bar, seconds, float("-inf")
        self.watch = Stopwatch()

    def _on_step(self) -> bool:
        return self.mean < self.bar and self.watch.seconds < self.limit_s

    def _on_rollout_start(self) -> None:
        self.watch.pause()
        self.mean = _mean_return(self.model, self.apart)
        self.watch.go_on()


def _mean_return(model: Any, env: Any) -> float:  # noqa: ANN401 - its own types
    mean, _ = evaluate_policy(model, env, _EVALUATED, deterministic=True, warn=False)
    return float(mean)  # type: ignore[arg-type]


def speed(task: str, seconds: float, seed: int = 0) -> dict[str, float]:
    """Learn with PPO for some time: steps per second, and the return at the end."""
    model = PPO("MlpPolicy", make_vec_env(task, _ENVIRONMENTS, seed=seed), seed=seed, device="cpu")
    timed = _Timed(seconds)
    model.learn(_STEPS_MAX, callback=timed)
    steps = timed.ended_at - timed.begun_at
    return {
        "steps_per_s": steps / timed.watch.seconds,
        "steps_per_cpu_s": steps / timed.watch.cpu_seconds,
        "return": _mean_return(model, make_vec_env(task, 1, seed=_EVALUATION_SEED)),
        "steps": float(steps),
    }


def off_policy_updates(algorithm: str, updates: int, threads: int) -> dict[str, float]:
    """Take updates with its defaults, batches of 256 and two layers of 256: updates per second."""
    torch.set_num_threads(threads)
    kind: Any = {"sac": SAC, "td3": TD3, "ddpg": DDPG}[algorithm]
    environments = make_vec_env("HalfCheetah-v5", _ENVIRONMENTS, seed=0)
    network = {"net_arch": [256, 256]}
    model = kind("MlpPolicy", environments, learning_starts=2000, policy_kwargs=network, device="cpu")
    model.learn(2000)
    model.train(gradient_steps=20, batch_size=256)
    begin, cpu = time.perf_counter(), time.process_time()
    model.train(gradient_steps=updates, batch_size=256)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return {"updates_per_s": updates / seconds, "updates_per_cpu_s": updates / cpu_seconds}


def trpo_updates(updates: int) -> dict[str, float]:
    """Learn with sb3-contrib's TRPO from rollouts of 2048 steps, with its defaults: updates per second."""
    from sb3_contrib import TRPO

    environments = make_vec_env("HalfCheetah-v5", _ENVIRONMENTS, seed=0)
    model = TRPO("MlpPolicy", environments, n_steps=2048 // _ENVIRONMENTS, device="cpu")
    model.learn(2048)
    begin = time.perf_counter()
    for _ in range(updates):
        model.train()
    return {"updates_per_s": updates / (time.perf_counter() - begin)}


def solved(task: str, bar: float, seconds: float, seed: int) -> dict[str, float]:
    """Learn until the mean return of ten evaluated episodes reaches a bar: time without evaluation, s."""
    callback = _Solved(task, bar, seconds)
    model = PPO("MlpPolicy", make_vec_env(task, _ENVIRONMENTS, seed=seed), seed=seed, device="cpu")
    callback.watch = Stopwatch()
    model.learn(_STEPS_MAX, callback=callback)
    callback.watch.pause()
    watch = callback.watch
    return {
        "seconds": watch.seconds,
        "cpu_seconds": watch.cpu_seconds,
        "steps": float(model.num_timesteps),
        "return": callback.mean,
    }


if __name__ == "__main__":
    serve({"speed": speed, "off_policy_updates": off_policy_updates, "trpo_updates": trpo_updates, "solved": solved})
