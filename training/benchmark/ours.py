"""Our sides of the comparisons."""

import tempfile
from pathlib import Path

import torch

from sim2real.configs.load import load_experiment
from sim2real.configs.schema.training import TrainingConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.interface import Algorithm
from sim2real.training.benchmark.paid_env import PaidEnv
from sim2real.training.benchmark.side import Stopwatch, serve
from sim2real.training.environment_interface import Environment
from sim2real.training.gymnasium.preset import gym_config
from sim2real.training.gymnasium.problem import GymnasiumProblem
from sim2real.training.runner import train
from sim2real.training.watched_environment import WatchedEnvironment

_EVALUATED = 10
_EVALUATION_SEED = 1_000_003


def _begun(experiment: TrainingConfig, environment: Environment) -> Algorithm:
    learner = make_algorithm(experiment.algorithm, WatchedEnvironment(environment), experiment.seed)
    learner.start(experiment.seed)
    return learner


def _gymnasium(task: str, algorithm: str, seed: int, settings: list[str]) -> tuple[GymnasiumProblem, Algorithm]:
    problem = GymnasiumProblem(gym_config(task, algorithm, (f"seed={seed}", *settings)))
    return problem, _begun(problem.experiment, problem.environment(Path()))


def speed(task: str, seconds: float, seed: int = 0, settings: tuple[str, ...] = ()) -> dict[str, float]:
    """Learn an environment of Gymnasium's with PPO for some time: steps per second, and the return at the end."""
    problem, learner = _gymnasium(task, "ppo", seed, list(settings))
    learner.iterate(0.0)  # what is made at first
    watch, steps = Stopwatch(), 0
    while watch.seconds < seconds:
        steps += learner.iterate(watch.seconds / seconds)[0]
    watch.pause()
    found = problem.evaluate(learner.policy.actor(), _EVALUATED, _EVALUATION_SEED)
    return {
        "steps_per_s": steps / watch.seconds,
        "steps_per_cpu_s": steps / watch.cpu_seconds,
        "return": found.return_mean,
        "steps": float(steps),
    }


def robot_speed(
    experiment: str, seconds: float, threads: int = 0, seed: int = 0, settings: tuple[str, ...] = ()
) -> dict[str, float]:
    """Learn a robot's task for some time: steps per second, and the reward of a step at the end."""
    config = load_experiment(experiment, (f"seed={seed}", *settings))
    environment = PaidEnv(config.training_task, config.randomization, config.environments, seed=seed, threads=threads)
    learner = _begun(config, environment)
    learner.iterate(0.0)
    watch, steps = Stopwatch(), 0
    while watch.seconds < seconds:
        environment.clear()
        steps += learner.iterate(steps / config.steps)[0]
        environment.episodes.drain()
    watch.pause()
    return {
        "steps_per_s": steps / watch.seconds,
        "steps_per_cpu_s": steps / watch.cpu_seconds,
        "reward_per_step": environment.reward_per_step,
        "steps": float(steps),
    }


def off_policy_updates(algorithm: str, updates: int, threads: int) -> dict[str, float]:
    """Take updates with batches of 256 and two layers of 256: updates per second."""
    rounds = 25
    settings = ["algorithm.warmup=2000", f"algorithm.iteration_steps={rounds}", "environments=8"]
    settings += [f"algorithm.updates_per_step={updates / rounds}", "algorithm.batch=256", "algorithm.hidden=[256, 256]"]
    settings += ["algorithm.activation=relu", "algorithm.n_step=1"]
    _, learner = _gymnasium("HalfCheetah-v5", algorithm, 0, settings)
    torch.set_num_threads(threads)
    for _ in range(2000 // (8 * rounds) + 1):
        learner.iterate(0.0)
    watch = Stopwatch()
    _, metrics = learner.iterate(0.0)
    return {"updates_per_s": updates / metrics["time/learn_s"], "updates_per_cpu_s": updates / watch.cpu_seconds}


def trpo_updates(updates: int) -> dict[str, float]:
    """Learn with TRPO from rollouts of 2048 steps, with Stable-Baselines3's settings: updates per second."""
    settings = [
        "environments=8",
        "algorithm.rollout_steps=256",
        "algorithm.hidden=[64, 64]",
        "algorithm.fisher_share=1",
    ]
    settings += ["algorithm.cg_iterations=15", "algorithm.value_epochs=10", "algorithm.value_minibatches=16"]
    _, learner = _gymnasium("HalfCheetah-v5", "trpo", 0, settings)
    learner.iterate(0.0)
    seconds = sum(learner.iterate(0.0)[1]["time/learn_s"] for _ in range(updates))
    return {"updates_per_s": updates / seconds}


def solved(task: str, bar: float, seconds: float, seed: int) -> dict[str, float]:
    """Learn until the mean return of ten evaluated episodes reaches a bar: time without evaluation, s."""
    problem, learner = _gymnasium(task, "ppo", seed, [])
    watch, steps, mean = Stopwatch(), 0, float("-inf")
    while mean < bar and watch.seconds < seconds:
        steps += learner.iterate(watch.seconds / seconds)[0]
        watch.pause()
        mean = problem.evaluate(learner.policy.actor(), _EVALUATED, _EVALUATION_SEED).return_mean
        watch.go_on()
    watch.pause()
    return {"seconds": watch.seconds, "cpu_seconds": watch.cpu_seconds, "steps": float(steps), "return": mean}


def parity(experiment: str, settings: tuple[str, ...] = ()) -> dict[str, float]:
    """Train for a few iterations and export: largest difference between onnxruntime and torch."""
    config = load_experiment(experiment, (*settings, "evaluation_episodes=4", "episode_duration=4 s"))
    with tempfile.TemporaryDirectory() as folder:
        return {"parity": train(config, Path(folder) / "run", progress=False).parity}


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(
        {
            "speed": speed,
            "robot_speed": robot_speed,
            "off_policy_updates": off_policy_updates,
            "trpo_updates": trpo_updates,
            "solved": solved,
            "parity": parity,
        }
    )
