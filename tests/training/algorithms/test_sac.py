"""SAC: arithmetic of its targets and losses, replay, learning, determinism."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms.sac import Sac
from sim2real.training.algorithms.sac_loss import (
    actor_loss,
    critic_loss,
    soft_target,
    soft_value,
    temperature_loss,
    value_loss,
)
from sim2real.training.critics import Critics
from sim2real.training.n_step import NStepTransitions
from sim2real.training.replay_buffer import ReplayBuffer

CONFIG = SacConfig(
    name="sac",
    batch=64,
    buffer=4096,
    warmup=256,
    iteration_steps=20,
    updates_per_step=2.0,
    hidden=(32, 32),
    learning_rate=1e-3,
)


def test_soft_target_by_hand():
    values, log_prob = torch.tensor([[5.0, 5.0], [4.0, 9.0]]), torch.tensor([-2.0, -2.0])
    successor = soft_value(values, log_prob, torch.tensor(0.5))
    # min(5, 4) + 0.5·2, min(5, 9) + 0.5·2
    assert successor.tolist() == pytest.approx([5.0, 6.0])
    target = soft_target(torch.tensor([1.0, 1.0]), torch.tensor([0.9, 0.0]), successor)
    # 1 + 0.9·5 = 5.5; terminated: only the reward
    assert target.tolist() == pytest.approx([5.5, 1.0])


def test_losses_by_hand():
    values, log_prob = torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([-1.0, 1.0])
    # ½·((1−2)² + (2−2)²)/2 + ½·((3−2)² + (0−2)²)/2 = 0.25 + 1.25
    assert float(critic_loss(values, torch.tensor([2.0, 2.0]))) == pytest.approx(1.5)
    # ((0.5·−1 − 1) + (0.5·1 − 0)) / 2
    assert float(actor_loss(values, log_prob, torch.tensor(0.5))) == pytest.approx(-0.5)

    # ½·((1 − 2)² + (4 − 2)²)/2
    assert float(value_loss(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0]))) == pytest.approx(1.25)


def test_a_fixed_temperature_stays_and_a_learned_one_moves(point_environment):
    for learns in (False, True):
        learner = stepping(point_environment(16), updates_per_step=2.0, learn_temperature=learns)
        before = learner.log_temperature.clone()
        learner.iterate(0.0)
        assert torch.equal(before, learner.log_temperature) != learns


def test_the_value_network_is_fitted_and_its_slow_copy_values_successors(point_environment):
    learner = stepping(point_environment(16), updates_per_step=1.0, value_network=True, polyak=0.25)
    state = deepcopy(learner.state())
    learner.iterate(0.0)
    after = learner.state()
    for name, weight in state["target_value"].items():
        torch.testing.assert_close(after["target_value"][name], weight + 0.25 * (after["value"][name] - weight))
        assert not torch.equal(after["value"][name], state["value"][name])
    # The slow critics have no part in it.
    assert all(torch.equal(weight, after["target_critic"][name]) for name, weight in state["target_critic"].items())


def test_the_temperature_rises_while_the_entropy_is_below_its_target():
    log_temperature = torch.tensor(0.0, requires_grad=True)
    # Entropy is 0.5 (log-probability −0.5), its target 1.
    temperature_loss(log_temperature, torch.tensor([-0.5]), target_entropy=1.0).backward()
    assert float(log_temperature.grad) < 0.0


def test_the_stacked_critics_are_two_separate_networks():
    generator = torch.Generator().manual_seed(0)
    critic = Critics(4, (8, 8), "relu", generator)
    observation, action = torch.randn(5, 3, generator=generator), torch.randn(5, 1, generator=generator)
    together = critic(observation, action)
    for twin in range(2):
        value = torch.cat((observation, action), -1)
        for layer, (weight, bias) in enumerate(zip(critic.weights, critic.biases, strict=True)):
            value = value @ weight[twin] + bias[twin]
            value = torch.relu(value) if layer < 2 else value
        torch.testing.assert_close(together[twin], value.squeeze(-1))
    assert not torch.equal(together[0], together[1])


def stepping(environment, **updates):
    """A learner whose iteration is one step and the updates that are due after it, from the first one on."""
    learner = Sac(CONFIG.model_copy(update={"warmup": 0, "iteration_steps": 1, **updates}), environment, 0)
    learner.start(0)
    return learner


def gradients(parameter):
    """Count how often a parameter is given a gradient."""
    count = [0]

    def counting(_):
        count[0] += 1

    parameter.register_post_accumulate_grad_hook(counting)
    return count


def test_the_actor_update_leaves_no_gradient_in_the_critics(point_environment):
    learner = stepping(point_environment(16), updates_per_step=3.0)
    counts = [gradients(parameter) for part in (learner.critic, learner.policy) for parameter in part.parameters()]
    learner.iterate(0.0)
    # Each update gives every parameter a gradient once: a critic from its own loss alone.
    assert counts == [[3]] * len(counts)


def test_target_critics_move_by_the_polyak_share(point_environment):
    learner = stepping(point_environment(16), updates_per_step=1.0, polyak=0.25)
    before = [parameter.clone() for parameter in learner.target_critic.parameters()]
    learner.iterate(0.0)
    for old, slow, fast in zip(before, learner.target_critic.parameters(), learner.critic.parameters(), strict=True):
        torch.testing.assert_close(slow, old + 0.25 * (fast.detach() - old))


def stored(environment, replay, action, observation):
    """Take a step and store it; return the result."""
    transitions = NStepTransitions(1, 0.9, environment.num_envs, observation.shape[1], 1)
    out = environment.step_arrays(action)
    replay.add(transitions.add(observation, action, out))
    return out


def test_the_replay_overwrites_the_oldest_and_keeps_the_true_successor(point_environment):
    environment = point_environment(8, episode_steps=3)
    size = environment.observation_size
    replay = ReplayBuffer(20, size, 1)
    observation = environment.reset_arrays(0).copy()
    environment.x[0] = (1.99, 5.0)
    for step in range(4):
        action = np.full((8, 1), step, dtype=np.float32)
        transition = stored(environment, replay, action, observation)
        if step == 0:
            assert transition.terminated[0]
            first = replay.state()["rows"]
            goes_on = ~transition.terminated
            np.testing.assert_array_equal(first[:, size + 2].numpy(), np.float32(0.9) * goes_on)
            np.testing.assert_array_equal(first[:, -size:].numpy(), transition.final_observation)
        if step == 2:
            assert transition.truncated.any()
            assert not np.array_equal(transition.final_observation, transition.observation)
            assert (replay.state()["rows"][16:20, size + 2] > 0.0).all()  # a time limit has a successor
        observation = transition.observation.copy()
    assert len(replay) == 20
    actions = replay.state()["rows"][:, size].tolist()
    # 32 rows into a buffer of 20: the first 12 are overwritten.
    assert sorted(actions) == [1.0] * 4 + [2.0] * 8 + [3.0] * 8
    with pytest.raises(ValueError, match="do not fit"):
        stored(environment, ReplayBuffer(4, size, 1), action, observation)


def test_a_fraction_of_an_update_is_carried_over(point_environment):
    learner = stepping(point_environment(16), updates_per_step=0.4)
    count = gradients(learner.log_temperature)
    totals = [(learner.iterate(0.0), count[0])[1] for _ in range(5)]
    assert totals == [0, 0, 1, 1, 2]


def learned(environment, seed, iterations):
    learner = Sac(CONFIG, environment, seed)
    learner.start(seed)
    means = []
    for iteration in range(iterations):
        learner.iterate(iteration / iterations)
        finished = environment.episodes.drain()["return"]
        means.append(float(np.mean(finished)) if len(finished) else float("nan"))
    return learner, means


@pytest.mark.slow
def test_returns_improve(point_environment):
    _, means = learned(point_environment(32), 0, 40)
    assert np.nanmean(means[:5]) < 10.0
    assert np.nanmean(means[-5:]) > 30.0


def test_the_same_seed_gives_the_same_policy_and_another_one_another(point_environment):
    first, again, other = (learned(point_environment(16), seed, 2)[0].policy.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_the_replay_keeps_the_privileged_values_of_the_episode_that_ended(point_environment):
    environment = point_environment(8, episode_steps=3, gift=True)
    width = environment.observation_size + 1
    replay = ReplayBuffer(64, width, 1)
    observation = environment.reset_arrays(0)
    ends = []
    for _ in range(3):
        inputs = np.concatenate((observation, environment.privileged), axis=1)
        transition = stored(environment, replay, np.zeros((8, 1), dtype=np.float32), inputs)
        ends.append((inputs, np.concatenate((transition.final_observation, transition.final_privileged), axis=1)))
        observation = transition.observation.copy()
    assert not np.array_equal(transition.final_privileged, transition.privileged)
    rows = replay.state()["rows"].numpy()
    np.testing.assert_array_equal(rows[:, :width], np.concatenate([before for before, _ in ends]))
    np.testing.assert_array_equal(rows[:, -width:], np.concatenate([after for _, after in ends]))


def test_the_critics_see_privileged_values_and_the_actor_does_not(point_environment):
    learner = stepping(point_environment(16, gift=True), updates_per_step=1.0)
    shown = learner.policy.normalizer.shift.numel()
    learner.iterate(0.0)
    inputs, action = torch.randn(5, shown + 1), torch.randn(5, 1)
    other = inputs.clone()
    other[:, -1] += 1.0
    assert not torch.equal(learner.critic(inputs, action), learner.critic(other, action))
    assert learner.policy(inputs[:, :shown])[0].shape == (5, 1)


def test_metrics_have_the_diagnostics_of_critics_and_actor(point_environment):
    learner = stepping(point_environment(16), updates_per_step=1.0)
    _, metrics = learner.iterate(0.0)
    for name in ("value/target", "value/twin_gap", "gradient_norm/critic", "gradient_norm/actor"):
        assert np.isfinite(metrics[name])
    squares = sum(float(parameter.grad.square().sum()) for parameter in learner.critic.parameters())
    assert metrics["gradient_norm/critic"] == pytest.approx(squares**0.5, rel=1e-5)


def test_a_checkpoint_of_an_earlier_version_is_refused_in_one_line(point_environment):
    learner = Sac(CONFIG, point_environment(), 0)
    state = {key: value for key, value in learner.state().items() if key != "transitions"}
    with pytest.raises(UserError, match=r"an earlier version of SAC.*--init-from"):
        learner.restore(state)
