"""Law of memory: it learns a task that no memoryless policy can do, whatever it does.

The sign of an episode is seen in its first step alone; every step pays action · sign. Without memory the actions of all
later steps are drawn from one distribution, p(a | 0), for either sign, and so pay E[sign] · E[a] = 0. The first step
pays 1 at most. So the best return of a memoryless policy is 1, and that of one with memory the number of steps.
"""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

import sim2real
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.runtime.contract.manifest import ENVIRONMENT_KEY
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.evaluation import play
from sim2real.training.export import metadata_of
from sim2real.training.gymnasium.environment import GymnasiumEnvironment

STEPS = 6
SIGNS = (-1.0, 1.0)


class HiddenSign(VectorEnv):
    """Episodes of `STEPS` steps with a sign each; all of them end together."""

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.single_observation_space = Box(-1.0, 1.0, (1,), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.random = np.random.default_rng(seed)
        self.age, self.sign = 0, self.random.permutation(np.resize(SIGNS, self.num_envs))
        return self.sign[:, None].astype(np.float32), {}

    def step(self, actions):
        self.age += 1
        reward = self.sign * np.clip(actions[:, 0], -1.0, 1.0)
        ended = np.full(self.num_envs, self.age == STEPS)
        seen = np.zeros((self.num_envs, 1), np.float32)
        info = {}
        if ended[0]:
            info = {"final_obs": np.array([*seen, None], dtype=object)[:-1], "_final_obs": ended}
            seen, _ = self.reset()
        return seen, reward, np.zeros_like(ended), ended, info


def best_memoryless_return():
    """Maximise over first and later actions, of either sign: a grid that has the corners, where a linear sum peaks."""
    actions = np.linspace(-1.0, 1.0, 21)
    first = sum(0.5 * max(sign * action for action in actions) for sign in SIGNS)
    later = max(sum(0.5 * sign * action for sign in SIGNS) for action in actions)
    return first + (STEPS - 1) * later


def learned_return(memory):
    torch.set_num_threads(1)
    environment = GymnasiumEnvironment(HiddenSign(64))
    config = PpoConfig(
        name="ppo", hidden=(16,), memory=memory, rollout_steps=12, minibatches=1, epochs=4, learning_rate=1e-2
    )
    learner = Ppo(config, environment, seed=1)
    learner.start(1)
    for iteration in range(15):
        learner.iterate(iteration / 15)
    return play(learner.policy.actor(), environment, 64, STEPS, "hidden sign", seed=5).return_mean


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_policy_with_memory_does_what_none_without_can(kind):
    assert best_memoryless_return() == pytest.approx(1.0)
    assert learned_return(MemoryConfig(kind=kind, size=8)) > 0.9 * STEPS


def returned_by_sac(memory):
    torch.set_num_threads(1)
    environment = GymnasiumEnvironment(HiddenSign(16))
    config = SacConfig(
        name="sac", hidden=(16,), memory=memory, batch=96, buffer=4800, warmup=192, iteration_steps=30,
        updates_per_step=1.0, learning_rate=1e-2, sequence_length=STEPS, burn_in=0, target_entropy_scale=3.0,
    )  # fmt: skip
    learner = make_algorithm(config, environment, seed=1)
    learner.start(1)
    for iteration in range(12):
        learner.iterate(iteration / 12)
    return play(learner.policy.actor(), environment, 64, STEPS, "hidden sign", seed=5).return_mean


def test_sac_with_memory_does_what_none_without_can():
    assert returned_by_sac(MemoryConfig(kind="gru", size=8)) > 0.9 * STEPS
    assert returned_by_sac(None) <= 1.0 + 1e-6


def test_a_policy_without_memory_cannot():
    assert learned_return(None) <= 1.0 + 1e-6


def test_a_run_in_an_environment_of_gymnasium_s_carries_the_state_into_its_files(tmp_path):
    report = sim2real.train(
        HiddenSign(16),
        steps=384,
        overrides=("algorithm.memory={kind: lstm, size: 4}", "algorithm.hidden=[8]", "algorithm.rollout_steps=12",
                   "algorithm.minibatches=2", "evaluation_episodes=16", "environment.episode_steps_max=6"),
        runs_dir=tmp_path,
        name="run",
    )  # fmt: skip
    assert ENVIRONMENT_KEY in metadata_of(report.policy)
    in_torch = sim2real.evaluate(report.run.path, episodes=16, seed=3, env=HiddenSign(16)).rows[0]
    in_file = sim2real.evaluate(report.policy, episodes=16, seed=3, env=HiddenSign(16)).rows[0]
    assert in_file.return_mean == pytest.approx(in_torch.return_mean, abs=1e-5)
