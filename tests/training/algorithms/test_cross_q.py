"""SAC with a normalised critic: no target networks, a delayed actor, what it goes with, and that it learns."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import NormalizedCriticConfig, SacConfig
from sim2real.training.algorithms import make_algorithm

CONFIG = SacConfig(
    name="sac",
    batch=64,
    buffer=4096,
    warmup=256,
    iteration_steps=20,
    updates_per_step=2.0,
    hidden=(32, 32),
    learning_rate=1e-3,
    normalized_critic=NormalizedCriticConfig(renormalize_after=300),
)


def begun(environment, seed=0, **changes):
    learner = make_algorithm(CONFIG.model_copy(update=changes), environment, seed)
    learner.start(seed)
    return learner


def one_update(environment, **changes):
    return begun(environment, warmup=0, iteration_steps=1, updates_per_step=1.0, **changes)


def test_there_are_no_target_networks(point_environment):
    one, other = (begun(point_environment(16), polyak=polyak) for polyak in (0.005, 1.0))
    for learner in (one, other):
        learner.iterate(0.0)
        assert not any("target" in name for name in learner.state())
    weights = one.policy.state_dict(), other.policy.state_dict()
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())


def test_the_actor_and_the_temperature_move_at_every_third_update_and_the_critics_at_all(point_environment):
    learner = one_update(point_environment(16))
    moved = []
    for _ in range(6):
        before = learner.policy.head.weight.clone(), learner.log_temperature.clone(), deepcopy(learner.critic)
        learner.iterate(0.0)
        after = learner.policy.head.weight, learner.log_temperature, learner.critic
        assert all(not torch.equal(a, b) for a, b in zip(before[2].weights, after[2].weights, strict=True))
        moved.append([not torch.equal(a, b) for a, b in zip(before[:2], after[:2], strict=True)])
    assert moved == [[False, False], [False, False], [True, True]] * 2
    assert int(learner.critic.batches) == learner.updates == 6


def test_the_actor_is_valued_with_the_running_moments_which_it_leaves_alone(point_environment):
    normalized = NormalizedCriticConfig(momentum=0.5, policy_delay=1)
    slow = normalized.model_copy(update={"policy_delay": 2})
    every, second = (one_update(point_environment(16), normalized_critic=config) for config in (normalized, slow))
    for learner in (every, second):
        learner.iterate(0.0)
    # The first update of the one was also the actor's, of the other it was not: the moments are the same.
    for one, other in zip(every.critic.normalizations, second.critic.normalizations, strict=True):
        assert torch.equal(one.mean, other.mean)
        assert not torch.equal(one.mean, torch.zeros_like(one.mean))


def test_the_width_of_the_critics_is_their_own(point_environment):
    learner = begun(point_environment(4), normalized_critic=NormalizedCriticConfig(hidden=(48,)))
    assert [tuple(weight.shape[1:]) for weight in learner.critic.weights][1:] == [(48, 1)]
    assert learner.policy.head.in_features == 32


def test_the_critics_see_privileged_values_and_the_actor_does_not(point_environment):
    learner = one_update(point_environment(16, gift=True))
    shown = learner.policy.normalizer.shift.numel()
    learner.iterate(0.0)
    inputs, action = torch.randn(5, shown + 1), torch.randn(5, 1)
    other = inputs.clone()
    other[:, -1] += 1.0
    assert not torch.equal(learner.critic(inputs, action), learner.critic(other, action))
    assert learner.policy(inputs[:, :shown])[0].shape == (5, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value_network": True}, "value_network: not with algorithm.normalized_critic"),
        ({"memory": MemoryConfig(kind="gru", size=4)}, "normalized_critic: not with algorithm.memory"),
    ],
)
def test_what_it_does_not_go_with_is_refused_by_name(point_environment, changes, said):
    with pytest.raises(ConfigError, match=rf"algorithm\.{said}; valid: "):
        begun(point_environment(4), **changes)


@pytest.mark.slow
def test_returns_improve(point_environment):
    environment = point_environment(32)
    learner, means = begun(environment), []
    for iteration in range(40):
        learner.iterate(iteration / 40)
        finished = environment.episodes.drain()["return"]
        means.append(float(np.mean(finished)) if len(finished) else float("nan"))
    assert int(learner.critic.batches) > 300  # the last ones were renormalised
    assert np.nanmean(means[:5]) < 10.0
    assert np.nanmean(means[-5:]) > 30.0
