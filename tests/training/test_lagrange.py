"""Constraints: multipliers by hand, costs in the log, and an optimum that is known."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.algorithm import ALGORITHMS, LagrangeConfig, PpoConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.lagrange import Lagrange
from sim2real.training.penalized_reward import PenalizedReward


def lagrange(budgets, **gains):
    return Lagrange(LagrangeConfig(**gains), budgets)


def test_a_multiplier_is_the_sum_of_its_three_parts():
    multiplier = lagrange({"power": 2.0}, integral_gain=0.1, proportional_gain=0.5, derivative_gain=0.25)
    # J = 3: e = 3/2 - 1 = 0.5; I = 0.05; P = 0.25; no step before, D = 0.
    multiplier.update(torch.tensor([[2.0], [4.0]]))
    assert multiplier.multiplier.tolist() == pytest.approx([0.30])
    # J = 4: e = 1; I = 0.15; P = 0.5; D = 0.25 * (1 - 0.5) = 0.125.
    multiplier.update(torch.tensor([[4.0]]))
    assert multiplier.multiplier.tolist() == pytest.approx([0.775])
    # J = 3: e = 0.5; I = 0.2; P = 0.25; the error falls, D = 0.
    multiplier.update(torch.tensor([[3.0]]))
    assert multiplier.multiplier.tolist() == pytest.approx([0.45])
    # J = 0.4: e = -0.8; I = 0.12; P = -0.4: the sum is negative, and no multiplier is.
    multiplier.update(torch.tensor([[0.4]]))
    assert multiplier.multiplier.tolist() == [0.0]
    assert multiplier.figures() == pytest.approx(
        {"cost/power": 0.4, "cost/power/budget": 2.0, "cost/power/multiplier": 0.0}
    )


def test_an_integral_stays_within_its_bounds():
    multiplier = lagrange({"a": 1.0, "b": 1.0}, integral_gain=1.0, proportional_gain=0.0, multiplier_max=3.0)
    for _ in range(9):
        multiplier.update(torch.tensor([[9.0, 0.0]]))
    assert multiplier.multiplier.tolist() == [3.0, 0.0]
    # Nothing was wound up: one rollout within the budget lowers one, one beyond it raises the other.
    multiplier.update(torch.tensor([[0.0, 2.0]]))
    assert multiplier.multiplier.tolist() == [2.0, 1.0]


def test_the_proportional_part_damps_the_oscillation_of_the_integral_alone():
    def swing(gain):
        multiplier, cost, costs = lagrange({"a": 1.0}, proportional_gain=gain), 0.5, []
        for _ in range(1500):
            multiplier.update(torch.tensor([[cost]]))
            cost += 0.02 * (1.0 - float(multiplier.multiplier))  # a multiplier of 1 balances reward and cost
            costs.append(cost)
        return max(costs[-200:]) - min(costs[-200:])

    assert swing(0.0) > 0.5
    assert swing(0.5) < 0.02


def test_the_advantage_of_the_lagrangian_by_hand():
    multiplier = lagrange({"a": 1.0, "b": 1.0}, integral_gain=1.0, proportional_gain=0.0)
    multiplier.update(torch.tensor([[3.0, 2.0]]))  # multipliers 2 and 1
    reward, a, b = torch.tensor([[4.0, 0.0]]), torch.tensor([[1.0, -1.0]]), torch.tensor([[-2.0, 2.0]])
    # (4 - 2*1 + 1*2) / 4 = 1;   (0 + 2*1 - 1*2) / 4 = 0
    assert multiplier.combined(reward, [a, b]).tolist() == [[1.0, 0.0]]


@pytest.fixture
def reaching(point_environment):
    """Reward -(a - 1)², cost a²: without a budget the best action is 1, with a budget d it is sqrt(d)."""

    class Reaching(point_environment):
        def __init__(self, budget):
            super().__init__(64, costly=True)
            self.cost_budgets = {"square": budget}

        def step_arrays(self, actions):
            out = super().step_arrays(np.zeros_like(actions))
            self.costs = np.square(actions[:, :1])
            none = np.zeros(self.num_envs, bool)
            return dataclasses.replace(
                out, reward=-np.square(actions[:, 0] - 1.0), terminated=none, truncated=none.copy()
            )

        def _observation(self):
            return np.zeros((self.num_envs, self.observation_size), np.float32)

    return Reaching


def test_the_constrained_optimum_is_reached(reaching):
    budget, std, iterations = 0.25, 0.1, 60
    config = PpoConfig(
        name="ppo",
        hidden=(8,),
        rollout_steps=4,
        minibatches=2,
        epochs=3,
        initial_std=std,
        std_range=(std, std),
        discount=0.5,
        learning_rate=3e-3,
        learning_rate_range=(1e-4, 1e-2),
    )
    learner = make_algorithm(config, reaching(budget), 1)
    learner.start(1)
    for iteration in range(iterations):
        _, metrics = learner.iterate(iteration / iterations)
    action = float(learner.policy.act(np.zeros((1, learner.policy.normalizer.shift.numel()), np.float32))[0, 0])
    # E[a²] = m² + std² is the budget; standardised, reward and cost then pull equally: the multiplier is 1.
    assert action == pytest.approx(math.sqrt(budget - std**2), abs=0.03)
    assert metrics["cost/square"] == pytest.approx(budget, rel=0.1)  # of one rollout, 256 steps
    assert metrics["cost/square/multiplier"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["sac", "td3", "ddpg"])
def test_off_policy_learners_reach_it_too(reaching, name):
    budget, iterations = 0.25, 80
    settings = {
        "name": name,
        "hidden": (16,),
        "batch": 64,
        "buffer": 64 * 32,  # of late policies: a bandit needs no more
        "warmup": 64 * 8,
        "iteration_steps": 8,
        "updates_per_step": 4.0,
        "discount": 0.1,
        "learning_rate": 3e-3,
        "polyak": 0.05,
        "lagrange": {"integral_gain": 0.2, "proportional_gain": 1.0},
    }
    settings |= {"initial_temperature": 0.01, "learn_temperature": False} if name == "sac" else {}
    settings |= {} if name == "sac" else {"exploration_std": 0.1}
    learner = make_algorithm(ALGORITHMS[name].config.model_validate(settings), reaching(budget), 1)
    learner.start(1)
    costs = []
    for iteration in range(iterations):
        _, metrics = learner.iterate(iteration / iterations)
        costs.append(metrics["cost/square"])
    action = float(learner.policy.act(np.zeros((1, learner.policy.normalizer.shift.numel()), np.float32))[0, 0])
    assert action == pytest.approx(math.sqrt(budget), abs=0.05)
    assert np.mean(costs[-20:]) == pytest.approx(budget, rel=0.1)
    assert metrics["cost/square/multiplier"] == pytest.approx(1.0, abs=0.4)


def test_the_penalized_reward_by_hand(reaching):
    environment = reaching(2.0)
    environment.costs = np.array([[2.0], [6.0]], np.float32)  # e = 0 and 2
    penalized = PenalizedReward(LagrangeConfig(integral_gain=1.0, proportional_gain=0.0), environment)
    excess = penalized.take(np.array([-1.0, 5.0], np.float32), None)
    assert excess.tolist() == [[0.0], [2.0]]
    figures = penalized.update(learned=True)  # mean cost 4: e = 1, λ = 1; mean |r| = 3
    assert figures == {"cost/square": 4.0, "cost/square/budget": 2.0, "cost/square/multiplier": 1.0}
    # (-1 - 3·1·0) / 2 and (5 - 3·1·2) / 2
    assert penalized.of(torch.tensor([-1.0, 5.0]), torch.from_numpy(excess)).tolist() == [-0.5, -0.5]


def test_random_actions_move_no_multiplier(reaching):
    environment = reaching(2.0)
    environment.costs = np.array([[6.0]], np.float32)
    penalized = PenalizedReward(LagrangeConfig(integral_gain=1.0), environment)
    penalized.take(np.array([1.0], np.float32), None)
    assert penalized.update(learned=False)["cost/square/multiplier"] == 0.0


def test_costs_are_only_measured_without_multipliers(reaching):
    learner = make_algorithm(PpoConfig(name="ppo", lagrange=None, rollout_steps=8), reaching(0.25), 1)
    learner.start(1)
    assert not [figure for figure in learner.iterate(0.0)[1] if figure.startswith("cost/")]


def test_a_learner_without_multipliers_is_refused_where_there_are_costs(reaching):
    config = ALGORITHMS["a2c"].config.model_validate({"name": "a2c"})
    with pytest.raises(
        ConfigError, match=r"'a2c' keeps no cost to its budget.* costs square; valid: .*ppo, ppo_penalty"
    ):
        make_algorithm(config, reaching(0.25), 1)
