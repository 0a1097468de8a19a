"""REINFORCE, A2C, natural gradients, PPO with a penalty: their arithmetic and their promises."""

import pytest
import torch

from sim2real.configs.schema.on_policy import A2cConfig, NpgConfig, PpoPenaltyConfig, ReinforceConfig, TrpoConfig
from sim2real.training.algorithms.a2c import A2c
from sim2real.training.algorithms.npg import Npg
from sim2real.training.algorithms.ppo_penalty import PpoPenalty, adapted_weight
from sim2real.training.algorithms.reinforce import Reinforce
from sim2real.training.algorithms.trpo import Trpo


def collected(learner):
    learner.start(0)
    learner.collect()
    return learner


@pytest.mark.parametrize(
    ("credit", "baseline", "expected"),
    [
        # γ = 0.5. Rewards 1, 2, 4: to go 1 + 1 + 1 = 3, 2 + 2 = 4, 4.  Rewards 8, 2: 9, 2.
        ("reward_to_go", "none", [[3.0, 9.0], [4.0, 2.0], [4.0, None]]),
        ("reward_to_go", "mean", [[-1.4, 4.6], [-0.4, -2.4], [-0.4, None]]),  # mean 22/5
        ("whole_return", "none", [[3.0, 9.0], [3.0, 9.0], [3.0, None]]),
        ("whole_return", "mean", [[-3.0, 3.0], [-3.0, 3.0], [-3.0, None]]),  # mean 6
        # V = 1 everywhere; the first episode is cut by a time limit: + 0.5³, 0.5², 0.5.
        ("reward_to_go", "value", [[2.125, 8.0], [3.25, 1.0], [3.5, None]]),
        ("whole_return", "value", [[2.125, 8.0], [2.125, 8.0], [2.125, None]]),
    ],
)
def test_what_reinforce_credits_an_action_with(credit, baseline, expected, point_environment):
    config = ReinforceConfig(
        name="reinforce", credit=credit, baseline=baseline, discount=0.5, hidden=(), normalize_values=False,
        rollout_steps=3,
    )  # fmt: skip
    learner = collected(Reinforce(config, point_environment(2, episode_steps=3), 0))
    rollout = learner.rollout
    rollout.clear()
    rollout.reward.copy_(torch.tensor([[1.0, 8.0], [2.0, 2.0], [4.0, 77.0]]))
    rollout.terminated.copy_(torch.tensor([[0, 0], [0, 1], [0, 0]], dtype=torch.bool))
    rollout.ended.copy_(torch.tensor([[0, 0], [0, 1], [0, 0]], dtype=torch.bool))
    rollout.skip(2, torch.tensor([False, True]))
    with torch.no_grad():
        learner.value.head.weight.zero_()
        learner.value.head.bias.fill_(1.0)
    weight, _ = learner.weights()
    for row, wanted in zip(weight.tolist(), expected, strict=True):
        assert [value for value, hoped in zip(row, wanted, strict=True) if hoped is not None] == pytest.approx(
            [hoped for hoped in wanted if hoped is not None], abs=1e-6
        )


def test_a_rollout_of_whole_episodes_is_over_when_the_last_of_them_is(point_environment):
    config = ReinforceConfig(name="reinforce", rollout_steps=40, hidden=(8,))
    environment = point_environment(6, episode_steps=9)
    learner = Reinforce(config, environment, 0)
    learner.start(0)
    environment.reset_arrays = lambda seed=None: (
        type(environment).reset_arrays(environment, seed), environment.x.__setitem__(2, (1.99, 5.0))
    )[0]  # fmt: skip
    steps, _ = learner.iterate(0.0)
    assert steps == 9 * 6
    assert learner.rollout.ended[0].tolist() == [False, False, True, False, False, False]
    assert len(learner.rollout.steps_of(learner.rollout.reward.flatten())) == 5 * 9 + 1
    assert learner.policy.normalizer.moments.count == 5 * 9 + 1


@pytest.mark.parametrize("target", ["monte_carlo", "td0", "n_step", "gae"])
def test_the_targets_of_a2c_agree_where_they_are_the_same(target, point_environment):
    switches = {"n_step": {"n_steps": 1}, "gae": {"gae_lambda": 0.0}}.get(target, {})
    config = A2cConfig(name="a2c", target=target, hidden=(8,), rollout_steps=6, **switches)
    learner = collected(A2c(config, point_environment(8, episode_steps=4, gift=True), 0))
    found, _ = learner.targets()
    reference = A2cConfig(
        name="a2c", target="gae", gae_lambda=float(target == "monte_carlo"), hidden=(8,), rollout_steps=6
    )
    expected, _ = collected(A2c(reference, point_environment(8, episode_steps=4, gift=True), 0)).targets()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_weight_of_the_penalty_follows_the_divergence():
    assert adapted_weight(1.0, 0.0066, 0.01) == 0.5  # below 0.01/1.5 = 0.00667
    assert adapted_weight(1.0, 0.0067, 0.01) == 1.0
    assert adapted_weight(1.0, 0.015, 0.01) == 1.0
    assert adapted_weight(1.0, 0.0151, 0.01) == 2.0
    assert adapted_weight(1.0, float("nan"), 0.01) == 2.0
    assert adapted_weight(1e6, 1.0, 0.01) == 1e6


@pytest.mark.parametrize("adaptive", [True, False])
def test_the_penalty_is_the_one_of_the_formula(adaptive, point_environment):
    config = PpoPenaltyConfig(name="ppo_penalty", kl_weight=3.0, adaptive=adaptive, hidden=(8,), rollout_steps=8)
    learner = PpoPenalty(config, point_environment(8), 0)
    log_prob, advantage = torch.tensor([1.5, 0.5]).log(), torch.tensor([2.0, -1.0])
    loss, _ = learner.surrogate(log_prob, torch.zeros(2), advantage, torch.tensor(0.2))
    # −(1.5·2 − 0.5·1)/2 + 3·0.2
    assert float(loss) == pytest.approx(-1.25 + 0.6, abs=1e-6)
    learner.start(0)
    for _ in range(2):
        _, metrics = learner.iterate(0.0)
    assert (learner.kl_weight == 3.0) != adaptive
    assert metrics["policy/update_kl"] > 0.0


@pytest.mark.parametrize("max_kl", [0.003, 0.05])
def test_no_update_of_trpo_has_a_divergence_above_its_bound(max_kl, point_environment):
    config = TrpoConfig(name="trpo", max_kl=max_kl, hidden=(16,), rollout_steps=12, damping=1e-3)
    learner = Trpo(config, point_environment(8), 0)
    learner.start(0)
    moved = []
    for iteration in range(30):
        _, metrics = learner.iterate(iteration / 30)
        moved.append(metrics["policy/kl"])
    assert max(moved) <= max_kl
    assert sum(divergence > 0.2 * max_kl for divergence in moved) > 15


def test_a_step_that_promises_nothing_leaves_the_policy_as_it_was(point_environment):
    learner = collected(Trpo(TrpoConfig(name="trpo", hidden=(8,), rollout_steps=8), point_environment(8), 0))
    before = {name: tensor.clone() for name, tensor in learner.policy.state_dict().items()}
    held = learner.before(learner.targets()[0])
    metrics = learner.move(held, torch.full_like(held.parameters, torch.nan))
    assert metrics["policy/backtracks"] == 10.0
    assert metrics["policy/kl"] == pytest.approx(0.0, abs=1e-7)
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.policy.state_dict().items())


def test_the_step_of_npg_has_about_the_divergence_that_is_set(point_environment):
    config = NpgConfig(name="npg", max_kl=1e-3, hidden=(16,), rollout_steps=32, fisher_share=1.0, damping=0.1)
    learner = Npg(config, point_environment(32), 0)
    learner.start(0)
    learner.iterate(0.0)
    _, metrics = learner.iterate(0.5)
    assert 0.3e-3 < metrics["policy/kl"] < 1.1e-3  # damping shortens it
