"""Plays whole episodes with a policy that no longer learns, and counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig
from sim2real.env import BatchEnv
from training.environment import Environment, Floats

Act = Callable[[Floats], Floats]
"""Deterministic actions (n, A) for observations (n, O)."""

_ENVIRONMENTS_MAX: Final = 256
_RECORDED_MAX: Final = 4096


@dataclass(frozen=True)
class Evaluation:
    """Figures over whole episodes."""

    randomization: str
    episodes: int
    return_mean: float
    return_std: float
    success: float
    """Share of episodes that reached the task's goal."""
    length_mean: float
    """Control steps."""
    observations: Floats
    """(k, O) observations met on the way."""

    def document(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {name: value for name, value in vars(self).items() if name != "observations"}


def evaluate(
    act: Act, task: TaskConfig, randomization: RandomizationConfig, episodes: int, *, seed: int, threads: int = 0
) -> Evaluation:
    """Play `episodes` episodes of a task and return their figures; the same seed gives the same figures."""
    environment = BatchEnv(task, randomization, min(episodes, _ENVIRONMENTS_MAX), seed=seed, threads=threads)
    steps = round(task.episode_duration * task.control_rate)
    return play(act, environment, episodes, steps, randomization.name)


def play(act: Act, environment: Environment, episodes: int, episode_steps: int, name: str) -> Evaluation:
    """Play in rounds; of each round every environment's first episode counts: short ones do not count more often.

    Args:
        act: The policy.
        environment: Where to play; its random numbers go on from where they are.
        episodes: How many episodes.
        episode_steps: Upper bound of an episode's length.
        name: Name of the randomization, for the report.
    """
    n = environment.num_envs
    finished: dict[str, list[float]] = {"return": [], "success": [], "length": []}
    recorded: list[Floats] = []
    while len(finished["return"]) < episodes:
        observation = environment.reset_arrays()
        environment.episodes.drain()
        first = np.ones(n, dtype=np.bool_)
        for step in range(episode_steps):
            if step % 10 == 0 and len(recorded) * n < _RECORDED_MAX:
                recorded.append(observation.copy())
            transition = environment.step_arrays(act(observation))
            observation = transition.observation
            ended = transition.terminated | transition.truncated
            if ended.any():
                # One entry for each environment that ended in this step, in their order.
                counts = first[ended]
                for key, values in environment.episodes.drain().items():
                    if key in finished:
                        finished[key] += np.asarray(values)[counts].tolist()
                first &= ~ended
            if not first.any():
                break
    returns = np.array(finished["return"][:episodes])
    return Evaluation(
        randomization=name,
        episodes=episodes,
        return_mean=float(returns.mean()),
        return_std=float(returns.std()),
        success=float(np.mean(finished["success"][:episodes])),
        length_mean=float(np.mean(finished["length"][:episodes])),
        observations=np.concatenate(recorded)[:_RECORDED_MAX],
    )
