"""DQN with costs that have budgets: what its values are by hand, and a budget that is kept."""

import dataclasses

import numpy as np
import pytest
import torch

from sim2real.configs.schema.algorithm import LagrangeConfig
from sim2real.configs.schema.off_policy import DqnConfig
from sim2real.training.algorithms import make_algorithm

pytestmark = pytest.mark.slow

FIXED = LagrangeConfig(initial=1.0, integral_gain=0.0, proportional_gain=0.0)
"""λ = 1, whatever the costs are."""


@pytest.fixture
def choosing(point_environment):
    """Reward b - (a - 1)², cost a², for a of -1, 0 and 1: the best choice is 1, and 0 is the one without cost."""

    class Choosing(point_environment):
        def __init__(self, budget, best=0.0):
            super().__init__(32, costly=True, choosing=True)
            self.cost_budgets, self.best = {"square": budget}, best

        def step_arrays(self, actions):
            out = super().step_arrays(np.zeros_like(actions))
            self.costs = np.square(actions[:, :1])
            none = np.zeros(self.num_envs, bool)
            reward = self.best - np.square(actions[:, 0] - 1.0)
            return dataclasses.replace(out, reward=reward, terminated=none, truncated=none.copy())

        def _observation(self):
            return np.zeros((self.num_envs, self.observation_size), np.float32)

    return Choosing


def learner_of(environment, **changes):
    config = {
        "name": "dqn",
        "batch": 128,
        "buffer": 4096,
        "warmup": 0,
        "iteration_steps": 10,
        "updates_per_step": 4.0,
        "hidden": (8,),
        "learning_rate": 0.05,
        "discount": 1e-9,
        "exploration_range": (1.0, 1.0),
    }
    learner = make_algorithm(DqnConfig.model_validate(config | changes), environment, 0)
    learner.start(0)
    return learner


def values_of(learner):
    with torch.no_grad():
        return learner.values(torch.zeros(1, learner.policy.normalizer.shift.numel()))[0].tolist()


@pytest.mark.parametrize(
    ("lagrange", "budget", "expected", "prioritized"),
    [
        # Random choices: ρ = (4 + 1 + 0)/3. Budget 1: e = a² − 1 = 0, −1, 0, and r̂ = (r − ρ·e)/2.
        (FIXED, 1.0, [-2.0, (-1.0 + 5.0 / 3.0) / 2.0, 0.0], False),
        # Budget 1/4: e = 3, −1, 3; the choice without cost is the best one now.
        (FIXED, 0.25, [(-4.0 - 5.0) / 2.0, (-1.0 + 5.0 / 3.0) / 2.0, -5.0 / 2.0], True),
        (None, 0.25, [-4.0, -1.0, 0.0], False),
    ],
)
def test_the_values_are_those_of_the_reward_that_pays_for_the_costs(lagrange, budget, expected, prioritized, choosing):
    learner = learner_of(choosing(budget), lagrange=lagrange, prioritized=prioritized)
    for _ in range(15):
        _, metrics = learner.iterate(0.0)
    assert values_of(learner) == pytest.approx(expected, abs=0.15)  # ρ is that of late, of random choices
    best = int(np.argmax(expected)) - 1.0
    assert learner.policy.act(np.zeros((1, 5), np.float32)).tolist() == [[best]]
    assert ("cost/square" in metrics) == (lagrange is not None)


def test_costs_of_several_steps_are_paid_for_as_their_rewards_are(choosing):
    learner = learner_of(choosing(0.25), lagrange=FIXED, n_step=2, discount=0.5, buffer=65536, iteration_steps=50)
    for _ in range(5):
        learner.iterate(0.0)
    mean = np.mean([-4.5, 1.0 / 3.0, -2.5])
    # The step after, by a random choice, counts half; then the best value, x = 1/3 + mean/2 + x/4, counts a quarter.
    best = (1.0 / 3.0 + mean / 2.0) / 0.75
    expected = [first + mean / 2.0 + best / 4.0 for first in (-4.5, 1.0 / 3.0, -2.5)]
    assert values_of(learner) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("budget", [0.5, 4.0])
def test_a_budget_is_kept_in_the_mean_and_costs_nothing_where_it_is_ample(budget, choosing):
    gains = LagrangeConfig(integral_gain=0.05, proportional_gain=0.5)
    changes = {"exploration_range": (1.0, 0.05), "exploration_share": 0.2, "lagrange": gains}
    learner, seen = learner_of(choosing(budget, best=5.0), iteration_steps=4, **changes), []
    for iteration in range(150):
        _, metrics = learner.iterate(iteration / 150)
        seen.append((metrics["cost/square"], metrics["cost/square/multiplier"]))
    cost, multiplier = np.mean(seen[-75:], axis=0)
    # The best choice costs 1: where that is too much, it is made as often as the budget allows.
    assert cost == pytest.approx(min(budget, 0.98), rel=0.15)
    assert (multiplier > 0.0) == (budget < 1.0)
