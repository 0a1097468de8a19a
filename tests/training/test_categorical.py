"""Categorical policies: the distribution by hand, and every on-policy algorithm on discrete actions."""

import math

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.training.action_distribution import Categorical
from sim2real.training.algorithms import algorithm_kind, make_algorithm

ON_POLICY = ["a2c", "importance_pg", "npg", "ppo", "ppo_penalty", "reinforce", "trpo"]

THIRDS = torch.tensor([[math.log(1.0), math.log(2.0), math.log(3.0)]])  # P = 1/6, 1/3, 1/2
EVEN = torch.zeros(1, 3)


@pytest.fixture
def distribution():
    return Categorical(torch.tensor([[-1.0, 5.0], [0.0, 6.0], [1.0, 7.0]]))


def test_probability_entropy_and_divergence_by_hand(distribution):
    chosen = torch.tensor([[0.0], [1.0], [2.0]])
    assert distribution.log_prob(THIRDS.expand(3, 3), chosen).exp().tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 2])
    # (ln 6)/6 + (ln 3)/3 + (ln 2)/2
    assert float(distribution.entropy(THIRDS)) == pytest.approx(1.0114042648)
    assert float(distribution.entropy(EVEN)) == pytest.approx(math.log(3.0))
    # against the even one: ln 3 - entropy; the other way: (ln 2 + ln 1 + ln(2/3))/3
    assert float(distribution.divergence(distribution, THIRDS, EVEN)) == pytest.approx(math.log(3.0) - 1.0114042648)
    assert float(distribution.divergence(distribution, EVEN, THIRDS)) == pytest.approx(math.log(4 / 3) / 3, rel=1e-5)
    assert float(distribution.divergence(distribution, THIRDS, THIRDS + 7.0)) == pytest.approx(0.0, abs=1e-6)


def test_samples_come_as_often_as_they_are_probable_and_stand_for_the_choices(distribution):
    n = 60_000
    noise = distribution.noise(torch.Size((n, 3)), torch.Generator().manual_seed(3))
    number = torch.zeros(n, 1)
    distribution.sample(THIRDS.expand(n, 3), noise, number)
    shares = torch.bincount(number[:, 0].long(), minlength=3) / n
    assert shares.tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 2], abs=4 * 0.5 / math.sqrt(n))
    assert distribution.executed(torch.tensor([[2.0], [0.0]])).tolist() == [[1.0, 7.0], [-1.0, 5.0]]


def test_the_noise_is_finite_whatever_is_drawn(distribution, monkeypatch):
    for drawn in (0.0, 1.0):
        monkeypatch.setattr(torch, "rand", lambda shape, generator, drawn=drawn: torch.full(shape, drawn))
        assert torch.isfinite(distribution.noise(torch.Size((1, 3)), torch.Generator())).all()


@pytest.fixture
def bandit(point_environment):
    """Pays 1 for the first of three choices and nothing for the others."""

    class Bandit(point_environment):
        def __init__(self):
            super().__init__(32, episode_steps=4, choosing=True)

        def step_arrays(self, actions):
            out = super().step_arrays(np.zeros_like(actions))
            assert set(actions[:, 0].tolist()) <= {-1.0, 0.0, 1.0}
            out.reward[:] = actions[:, 0] == -1.0
            return out

        def _observation(self):
            return np.zeros((self.num_envs, self.observation_size), np.float32)

    return Bandit


@pytest.mark.parametrize("name", ON_POLICY)
def test_it_learns_which_choice_pays(bandit, name):
    config = ALGORITHMS[name].config.model_validate({"name": name, "hidden": (4,), "rollout_steps": 5})
    assert algorithm_kind(config).choosing
    learner = make_algorithm(config, bandit(), 2)
    learner.start(2)
    nothing = torch.zeros(1, learner.policy.normalizer.shift.numel())

    def probability():
        with torch.no_grad():
            return float(torch.softmax(learner.policy.mean(learner.policy.normalizer(nothing)), -1)[0, 0])

    before = probability()
    for iteration in range(3):
        _, metrics = learner.iterate(iteration / 3)
    assert probability() > before
    assert 0.0 < metrics["policy/entropy"] <= math.log(3.0) + 1e-6
    assert "policy/std" not in metrics


def test_a_memory_is_refused(bandit):
    config = ALGORITHMS["ppo"].config.model_validate({"name": "ppo", "memory": MemoryConfig(kind="gru", size=4)})
    with pytest.raises(ConfigError, match=r"algorithm\.memory: not with discrete actions; valid: null"):
        make_algorithm(config, bandit(), 1)
