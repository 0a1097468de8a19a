"""DDPG and TD3: targets by hand, what moves when, exploration, learning."""

import numpy as np
import pytest
import torch

from sim2real.configs.schema.off_policy import DdpgConfig, Td3Config
from sim2real.training.action_noise import ActionNoise
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ddpg import ddpg_target
from sim2real.training.algorithms.td3 import smoothed, td3_target

SMALL = {"batch": 64, "buffer": 4096, "iteration_steps": 20, "updates_per_step": 2.0, "hidden": (32, 32)}


def test_targets_by_hand():
    reward, discount = torch.tensor([1.0, 1.0]), torch.tensor([0.9, 0.0])
    # 1 + 0.9·5; terminated: the reward alone
    assert ddpg_target(reward, discount, torch.tensor([5.0, 7.0])).tolist() == pytest.approx([5.5, 1.0])
    # 1 + 0.9·min(5, 4)
    assert td3_target(reward, discount, torch.tensor([[5.0, 7.0], [4.0, 9.0]])).tolist() == pytest.approx([4.6, 1.0])


def test_smoothing_clips_the_noise_and_then_the_action():
    action, noise = torch.tensor([[0.0, 0.9, -0.9]]), torch.tensor([[0.8, 0.8, -0.1]])
    # 0 + min(0.8, 0.5); 0.9 + 0.5 beyond 1; −0.9 − 0.1
    assert smoothed(action, noise, 0.5).tolist() == [pytest.approx([0.5, 1.0, -1.0])]


def one_update(config, environment):
    """A learner whose iterations are one step and one update each, from the first one on."""
    learner = make_algorithm(
        config.model_copy(update={"warmup": 0, "iteration_steps": 1, "updates_per_step": 1.0}), environment, 0
    )
    learner.start(0)
    return learner


def test_actor_and_targets_of_td3_move_at_every_dth_update(point_environment):
    learner = one_update(Td3Config(name="td3", policy_delay=3, **SMALL), point_environment(16))
    moved = []
    for _ in range(6):
        before = [
            learner.policy.head.weight.clone(),
            learner.target_critic.weights[0].clone(),
            learner.critic.weights[0].clone(),
        ]
        learner.iterate(0.0)
        after = [learner.policy.head.weight, learner.target_critic.weights[0], learner.critic.weights[0]]
        moved.append([not torch.equal(old, new) for old, new in zip(before, after, strict=True)])
    assert moved == [[False, False, True], [False, False, True], [True, True, True]] * 2


@pytest.mark.parametrize(
    "config",
    [DdpgConfig(name="ddpg", polyak=0.25, **SMALL), Td3Config(name="td3", polyak=0.25, policy_delay=1, **SMALL)],
    ids=["ddpg", "td3"],
)
def test_targets_move_by_the_polyak_share(config, point_environment):
    learner = one_update(config, point_environment(16))
    pairs = [(learner.target_critic, learner.critic), (learner.target_policy, learner.policy)]
    before = [[p.clone() for p in target.parameters()] for target, _ in pairs]
    learner.iterate(0.0)
    for olds, (target, network) in zip(before, pairs, strict=True):
        for old, slow, fast in zip(olds, target.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(slow, old + 0.25 * (fast.detach() - old))


def test_the_actor_ascends_the_first_critic_alone(point_environment):
    learner = one_update(Td3Config(name="td3", policy_delay=1, **SMALL), point_environment(16))
    inputs, action = torch.randn(5, learner.policy.normalizer.shift.numel()), torch.randn(5, 1)
    torch.testing.assert_close(learner.critic.first(inputs, action), learner.critic(inputs, action)[0])
    # DDPG's is one network.
    assert make_algorithm(DdpgConfig(name="ddpg", **SMALL), point_environment(4), 0).critic(inputs, action).shape == (
        1,
        5,
    )


def test_correlated_noise_has_its_deviation_and_its_correlation():
    noise, generator = ActionNoise(0.1, 0.8, 20_000, 1), torch.Generator().manual_seed(0)
    zeros = torch.zeros(20_000, 1)
    for _ in range(40):
        before = noise(zeros, generator)
    after = noise(zeros, generator)
    assert float(after.std()) == pytest.approx(0.1, rel=0.02)
    assert float(torch.corrcoef(torch.cat((before, after), 1).T)[0, 1]) == pytest.approx(0.8, abs=0.02)
    assert noise(zeros + 1.0, generator).max() <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpg", "td3"])
def test_returns_improve(name, point_environment):
    environment = point_environment(32)
    config = {"ddpg": DdpgConfig, "td3": Td3Config}[name](name=name, warmup=256, learning_rate=1e-3, **SMALL)
    learner = make_algorithm(config, environment, 0)
    learner.start(0)
    means = []
    for iteration in range(40):
        learner.iterate(iteration / 40)
        means.append(float(np.mean(environment.episodes.drain()["return"])))
    assert means[0] < 10.0
    assert np.nanmean(means[-5:]) > 20.0
