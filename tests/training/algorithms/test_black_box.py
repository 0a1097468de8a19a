"""Black-box searches: their weights by hand and by closed form, and that each policy plays its own episode."""

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from sim2real.configs.schema.black_box import CemConfig, CmaEsConfig, RwrConfig
from sim2real.training.algorithms.cem import Cem, elite_weights
from sim2real.training.algorithms.cma_es import CmaEs
from sim2real.training.algorithms.reps import dual, temperature
from sim2real.training.algorithms.rwr import Rwr
from sim2real.training.population import Population


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_elite_shares_the_weight():
    # ⌈0.3·5⌉ = 2 of five
    assert elite_weights(doubles(1.0, 5.0, 3.0, 2.0, 4.0), 0.3).tolist() == [0.0, 0.5, 0.0, 0.0, 0.5]


def test_weights_of_reward_weighted_regression_by_hand(point_environment):
    learner = Rwr(RwrConfig(name="rwr", temperature=0.5), point_environment(4), 0)
    # Deviation of (0, 1, 2): 1; η = 0.5: weights 1 : e² : e⁴
    total = 1.0 + math.exp(2.0) + math.exp(4.0)
    found = learner.weights(doubles(0.0, 1.0, 2.0)).tolist()
    assert found == pytest.approx([1.0 / total, math.exp(2.0) / total, math.exp(4.0) / total], abs=1e-7)
    scaled = learner.weights(doubles(50.0, 150.0, 250.0)).tolist()
    assert scaled == pytest.approx(found, abs=1e-7)


def test_the_temperature_of_reps_minimises_its_dual_and_keeps_its_bound():
    returns = doubles(*np.random.default_rng(0).normal(100.0, 30.0, 20))
    for bound in (0.1, 0.5, 1.5):
        eta = temperature(returns, bound)
        best = minimize_scalar(
            lambda log, bound=bound: dual(returns, math.exp(log), bound),
            bounds=(0.0, 12.0),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert math.log(eta) == pytest.approx(best.x, abs=1e-5)
        weight = torch.softmax(returns / eta, 0)
        assert float((weight * (weight * 20).log()).sum()) == pytest.approx(bound, abs=1e-9)


def test_the_dual_of_reps_by_hand():
    # Returns 0 and log 3, η = 1: log((1 + 3)/2) = log 2; with ε = 0.1.
    assert dual(doubles(0.0, math.log(3.0)), 1.0, 0.1) == pytest.approx(0.1 + math.log(2.0), abs=1e-12)
    # Weights (1/4, 3/4) at η = 1: their divergence from (1/2, 1/2) is log 2 + ¼·log ¼ + ¾·log ¾.
    bound = math.log(2.0) + 0.25 * math.log(0.25) + 0.75 * math.log(0.75)
    assert temperature(doubles(0.0, math.log(3.0)), bound) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("returns", [(3.0, 3.0, 3.0), (0.0, 1.0, 2.0)])
def test_reps_has_weights_where_no_temperature_meets_its_bound(returns):
    weight = torch.softmax(doubles(*returns) / temperature(doubles(*returns), 50.0), 0)
    assert torch.isfinite(weight).all()
    assert float(weight.sum()) == pytest.approx(1.0)


def test_the_gaussian_is_the_weighted_fit(point_environment):
    learner = Cem(CemConfig(name="cem", elite_share=0.5, extra_std=0.5, population=4), point_environment(4), 0)
    size = len(learner.std)
    candidates = torch.tensor([[1.0], [3.0], [7.0], [9.0]]).expand(4, size)
    mean, figures = learner.tell(candidates, doubles(5.0, 6.0, 1.0, 2.0), 0.5)
    # The best two, 1 and 3: mean 2, variance 1 + (0.5·0.5)²
    assert mean.tolist() == pytest.approx([2.0] * size)
    assert learner.std.tolist() == pytest.approx([math.sqrt(1.0625)] * size)
    assert figures["search/effective_samples"] == pytest.approx(2.0)


@pytest.mark.parametrize(("hidden", "count", "episodes"), [((), 4, 1), ((6,), 10, 1), ((6,), 6, 3)])
def test_every_policy_plays_its_own_episodes(hidden, count, episodes, point_environment):
    environment = point_environment(4, episode_steps=7, seed=3)
    learner = Cem(CemConfig(name="cem", population=count, hidden=hidden), environment, 0)
    learner.start(1)
    candidates = learner.ask() * 3.0
    environment.reset_arrays(11)
    policy = deepcopy(learner.policy)  # the generation's observations are for the normaliser of the next one
    found, steps = Population(environment, learner.policy, 100).play(candidates, episodes)
    waves = math.ceil(count * episodes / 4)
    assert steps == waves * 7 * 4
    # The same, one robot at a time with the policy itself.
    environment.reset_arrays(11)
    expected, played = np.zeros(count), 0
    for _ in range(waves):
        observation = environment.reset_arrays()
        own = [min(played + row, count * episodes - 1) % count for row in range(4)]
        paid, running = np.zeros(4), np.ones(4, bool)
        for _ in range(7):
            actions = np.zeros((4, 1), np.float32)
            for row in range(4):
                weights = {name: part.squeeze(0) for name, part in _parameters(policy, candidates[own[row]])}
                actions[row] = torch.func.functional_call(policy, weights, (torch.tensor(observation[row : row + 1]),))[
                    0
                ].detach()
            out = environment.step_arrays(actions)
            paid[running] += out.reward[running]
            running &= ~(out.terminated | out.truncated)
            observation = out.observation
        for row in range(4):
            if played + row < count * episodes:
                expected[own[row]] += paid[row]
        played += 4
    np.testing.assert_allclose(found, expected / episodes, rtol=1e-4, atol=1e-4)


def _parameters(policy, vector):
    position = 0
    for name, parameter in policy.named_parameters():
        yield name, vector[position : position + parameter.numel()].view(1, *parameter.shape)
        position += parameter.numel()


@pytest.mark.parametrize("covariance", ["full", "diagonal"])
def test_cma_es_finds_the_minimum_of_a_quadratic(covariance, point_environment):
    learner = CmaEs(CmaEsConfig(name="cma_es", covariance=covariance, population=12), point_environment(4), 0)
    goal = torch.linspace(-1.0, 1.0, len(learner.mean))
    for _ in range(120):
        candidates = learner.ask()
        mean, _ = learner.tell(candidates, -(candidates - goal).square().sum(1).double(), 0.0)
    assert float((mean - goal).abs().max()) < 0.01
