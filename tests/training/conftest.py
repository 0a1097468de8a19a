"""A small batched environment in numpy, to test learners without a simulator."""

import dataclasses

import numpy as np
import pytest
import torch

from sim2real.configs.load import load_task
from sim2real.model.signed_permutation import SignedPermutation
from sim2real.runtime.contract.spec import contract_of
from sim2real.simulation.mirror import TaskMirror

torch.set_num_threads(1)  # as in training: more threads do not help for networks this small


@dataclasses.dataclass
class Transition:
    observation: np.ndarray
    final_observation: np.ndarray
    privileged: np.ndarray
    final_privileged: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    skipped: np.ndarray | None = None


class Episodes:
    def __init__(self):
        self.finished = {"return": [], "length": [], "success": [], "terminated": [], "metric/distance": []}

    diverged = 0

    def drain(self):
        drained = {name: np.array(values) for name, values in self.finished.items()}
        self.finished = {name: [] for name in self.finished}
        return drained


class PointEnvironment:
    """A unit mass on a line: push it to the origin and hold it there; leaving [-2, 2] terminates, 50 steps truncate.

    It uses the pendulum's contract, but only its sizes; the observation is (position, velocity, 0 …).
    With `gift`, every episode has one of its own that is added to each reward and that only a critic can see. With
    `costly`, force has a cost, with a budget; with `choosing`, only three forces are possible.
    """

    DT = 0.1

    def __init__(self, num_envs=16, seed=0, episode_steps=50, *, gift=False, shown=True, costly=False, choosing=False):
        self.contract = contract_of(load_task("pendulum_swingup"))
        self.observation_size = self.contract.observation_size
        self.action_size = self.contract.action_size
        self.gift = np.zeros((num_envs, 1 if gift else 0))
        self.privileged_size = self.gift.shape[1] if shown else 0
        self.choices = np.array([[-1.0], [0.0], [1.0]], np.float32) if choosing else None
        self.cost_budgets = {"force": 0.3} if costly else {}
        self.costs = np.zeros((num_envs, len(self.cost_budgets)), np.float32)
        self.num_envs = num_envs
        self.episode_steps = episode_steps
        self.episodes = Episodes()
        self.rng = np.random.default_rng(seed)
        self.x = np.zeros((num_envs, 2))
        self.age = np.zeros(num_envs, dtype=np.int64)
        self.total = np.zeros(num_envs)

    def reset_arrays(self, seed=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self._begin(np.ones(self.num_envs, dtype=bool))
        return self._observation()

    def stagger(self):
        self.age[:] = self.rng.integers(0, self.episode_steps, self.num_envs)

    def step_arrays(self, actions):
        force = np.clip(actions[:, 0].astype(np.float64), -1, 1) * 2.0
        self.costs = np.repeat(np.square(force)[:, None], self.costs.shape[1], 1).astype(np.float32)
        self.x[:, 1] += self.DT * force
        self.x[:, 0] += self.DT * self.x[:, 1]
        self.age += 1
        reward = (1.0 - np.abs(self.x[:, 0]) - 0.1 * np.abs(self.x[:, 1])).astype(np.float32)
        terminated = np.abs(self.x[:, 0]) > 2.0
        truncated = (self.age >= self.episode_steps) & ~terminated
        reward[terminated] -= 10.0
        reward += self.gift.sum(1, dtype=np.float32)
        self.total += reward
        final, final_privileged = self._observation(), self.privileged
        done = terminated | truncated
        self.episodes.finished["return"] += list(self.total[done])
        self.episodes.finished["length"] += list(self.age[done])
        self.episodes.finished["success"] += list(np.abs(self.x[done, 0]) < 0.2)
        self.episodes.finished["terminated"] += list(terminated[done])
        self.episodes.finished["metric/distance"] += list(np.abs(self.x[done, 0]))
        self._begin(done)
        return Transition(self._observation(), final, self.privileged, final_privileged, reward, terminated, truncated)

    def curriculum_figures(self):
        return {}

    def state_dict(self):
        return {
            "rng": self.rng.bit_generator.state,
            "x": self.x.copy(),
            "age": self.age.copy(),
            "total": self.total.copy(),
            "gift": self.gift.copy(),
            "finished": {name: [float(v) for v in values] for name, values in self.episodes.finished.items()},
        }

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state["rng"]
        self.x, self.age, self.total = state["x"].copy(), state["age"].copy(), state["total"].copy()
        self.gift = state["gift"].copy()
        self.episodes.finished = {name: list(values) for name, values in state["finished"].items()}

    def _begin(self, rows):
        self.x[rows] = self.rng.uniform(-1, 1, (int(rows.sum()), 2))
        self.gift[rows] = self.rng.uniform(-2, 2, (int(rows.sum()), self.gift.shape[1]))
        self.age[rows] = 0
        self.total[rows] = 0

    @property
    def mirror(self):
        """Left and right of the origin are alike; the gift is on neither side."""
        flipped, same = (
            (lambda width, sign=sign: SignedPermutation.of(range(width), [sign] * width)) for sign in (-1, 1)
        )
        return TaskMirror(flipped(self.observation_size), same(self.privileged_size), flipped(self.action_size))

    @property
    def privileged(self):
        return self.gift[:, : self.privileged_size].astype(np.float32)

    def _observation(self):
        observation = np.zeros((self.num_envs, self.observation_size), dtype=np.float32)
        observation[:, :2] = self.x
        return observation


@pytest.fixture
def leaves():
    """Return a function that flattens states: arrays and tensors to tensors, the rest to text."""

    def flat(value):
        if isinstance(value, dict):
            return [leaf for key in sorted(value, key=str) for leaf in flat(value[key])]
        if isinstance(value, list | tuple):
            return [leaf for item in value for leaf in flat(item)]
        # Integers of random number generators exceed 64 bits.
        return [torch.as_tensor(value) if isinstance(value, np.ndarray | torch.Tensor) else str(value)]

    return flat


@pytest.fixture
def point_environment():
    return PointEnvironment
