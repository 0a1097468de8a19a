"""PPO: arithmetic of its losses, learning, determinism."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch

from sim2real.configs.schema.algorithm import ALGORITHMS, PpoConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.algorithms.ppo_loss import adapted_rate, clipped_surrogate, value_loss
from sim2real.training.networks import ValueNetwork
from sim2real.training.rollout import Rollout
from sim2real.training.value_scale import ValueScale

CONFIG = PpoConfig(name="ppo", rollout_steps=16, minibatches=2, hidden=(32, 32), learning_rate=1e-3)


def test_clipped_surrogate_by_hand():
    ratio = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.1])
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0, 2.0])
    loss, clipped = clipped_surrogate(ratio.log(), torch.zeros(5), advantage, 0.2)
    # min(1.5, 1.2) = 1.2; min(−1.5, −1.2) = −1.5; min(0.5, 0.8) = 0.5; min(−0.5, −0.8) = −0.8; 2.2
    assert float(loss) == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8 + 2.2) / 5)
    assert float(clipped) == pytest.approx(4 / 5)


def test_no_gradient_where_the_clip_binds():
    log_prob = torch.tensor([np.log(1.5), np.log(0.5)], requires_grad=True)
    loss, _ = clipped_surrogate(log_prob, torch.zeros(2), torch.tensor([1.0, -1.0]), 0.2)
    loss.backward()
    assert log_prob.grad.tolist() == [0.0, 0.0]


def test_value_loss_by_hand():
    assert float(value_loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0]))) == pytest.approx((1 + 4) / 4)


def test_the_learning_rate_follows_the_divergence_within_its_bounds():
    bounds = 1e-5, 1e-2
    assert adapted_rate(1e-3, 0.004, 0.01, *bounds) == pytest.approx(1.5e-3)
    assert adapted_rate(1e-3, 0.01, 0.01, *bounds) == 1e-3
    assert adapted_rate(1e-3, 0.021, 0.01, *bounds) == pytest.approx(1e-3 / 1.5)
    assert adapted_rate(1e-3, float("nan"), 0.01, *bounds) < 1e-3
    assert adapted_rate(1e-5, 1.0, 0.01, *bounds) == 1e-5
    assert adapted_rate(1e-2, 0.0, 0.01, *bounds) == 1e-2


def test_a_large_divergence_lowers_a_rate_below_a_ceiling_that_has_fallen():
    assert adapted_rate(9e-3, 0.05, 0.01, 1e-5, 3e-3) == pytest.approx(2e-3)


def test_the_divergence_before_the_first_step_does_not_change_the_rate(point_environment):
    single = CONFIG.model_copy(update={"minibatches": 1, "epochs": 1, "target_kl": 1e-9})
    learner = Ppo(single, point_environment(16), 0)
    learner.start(0)
    assert [learner.iterate(0.0)[1]["learning_rate"] for _ in range(3)] == [1e-3] * 3
    learner = Ppo(single.model_copy(update={"epochs": 2}), point_environment(16), 0)
    learner.start(0)
    _, metrics = learner.iterate(0.0)
    # The second step sees a divergence far above the target.
    assert metrics["learning_rate"] == pytest.approx(1e-3 / 1.5)
    assert metrics["gradient_norm"] > 0.0


def test_rescaling_the_value_head_keeps_every_value():
    generator = torch.Generator().manual_seed(0)
    network, scale = ValueNetwork(3, (8,), "tanh", generator), ValueScale()
    states = torch.randn(10, 3, generator=generator)
    scale.update(torch.randn(50, generator=generator) * 7.0 + 3.0, network.head)
    before = scale.denormalized(network(states)[0])
    scale.update(torch.randn(50, generator=generator) * 100.0 - 40.0, network.head)
    after = network(states)[0]
    torch.testing.assert_close(scale.denormalized(after), before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scale.normalized(scale.denormalized(after)), after, rtol=1e-4, atol=1e-4)


def test_the_rollout_keeps_the_final_rows_of_truncated_episodes_only(point_environment):
    environment = point_environment(8, episode_steps=5, gift=True)
    rollout = Rollout(5, 8, environment.observation_size, 1, privileged_size=1)
    environment.reset_arrays(3)
    environment.x[0] = (1.99, 5.0)  # leaves the range at once: terminated
    finals = []
    for step in range(5):
        transition = environment.step_arrays(np.zeros((8, 1), dtype=np.float32))
        rollout.record(step, transition)
        true = np.hstack((transition.final_observation, transition.final_privileged))
        finals += [(step * 8 + row, true[row]) for row in np.flatnonzero(transition.truncated)]
    rows, raw = rollout.final()
    assert bool(rollout.terminated[0, 0])
    assert 0 not in rows.tolist()
    assert rows.tolist() == [row for row, _ in finals]
    assert len(finals) >= 6
    np.testing.assert_array_equal(raw.numpy(), np.array([final for _, final in finals]))


def returns_of(config, environment, seed, iterations):
    learner = Ppo(config, environment, seed)
    learner.start(seed)
    means = []
    for iteration in range(iterations):
        learner.iterate(iteration / iterations)
        finished = environment.episodes.drain()["return"]
        means.append(float(np.mean(finished)) if len(finished) else float("nan"))
    return learner, means


@pytest.mark.slow
@pytest.mark.parametrize(
    "switches",
    [{}, {"normalize_values": False}, {"recompute_advantages": False}, {"target_kl": None, "learning_rate": 3e-3}],
)
def test_returns_improve(point_environment, switches):
    _, means = returns_of(CONFIG.model_copy(update=switches), point_environment(64), 0, 25)
    # Staying at the origin returns nearly 50; a random policy about -10.
    assert np.nanmean(means[:3]) < 10.0
    assert np.nanmean(means[-5:]) > 30.0


def test_the_entropy_weight_keeps_the_policy_exploring(point_environment):
    spread = []
    for weight in (0.0, 0.1):
        learner, _ = returns_of(CONFIG.model_copy(update={"entropy_weight": weight}), point_environment(16), 0, 6)
        spread.append(float(learner.distribution.log_std.detach().exp().mean()))
    assert spread[1] > spread[0] * 1.05


@pytest.mark.parametrize(("std_range", "weight", "bound"), [((0.55, 9.0), 0.0, 0.55), ((0.1, 0.62), 0.5, 0.62)])
def test_the_standard_deviation_stays_in_its_range(point_environment, std_range, weight, bound):
    config = CONFIG.model_copy(update={"std_range": std_range, "entropy_weight": weight, "target_kl": None})
    learner, _ = returns_of(config.model_copy(update={"learning_rate": 1e-2}), point_environment(16), 0, 12)
    assert learner.distribution.log_std.detach().exp().tolist() == pytest.approx([bound], rel=1e-5)


def test_a_final_standard_deviation_is_a_ceiling_that_falls_geometrically(point_environment):
    update = {"final_std": 0.15, "entropy_weight": 0.5, "target_kl": None, "learning_rate": 1e-2}
    learner = Ppo(CONFIG.model_copy(update=update), point_environment(16), 0)
    learner.start(0)
    for progress, ceiling in ((0.0, 0.6), (0.5, 0.6), (0.75, 0.3), (1.0, 0.15)):
        for _ in range(3):
            _, metrics = learner.iterate(progress)
        assert metrics["policy/std"] == pytest.approx(ceiling, rel=1e-5)


def test_a_final_standard_deviation_lies_between_floor_and_initial():
    with pytest.raises(ValueError, match=r"0\.7 is out of reach; valid: 0\.0 to 0\.6"):
        PpoConfig(name="ppo", final_std=0.7)
    with pytest.raises(ValueError, match=r"valid: 0\.2 to 0\.6"):
        PpoConfig(name="ppo", std_range=(0.2, 0.9), final_std=0.1)


def test_the_range_of_standard_deviations_contains_the_initial_one():
    with pytest.raises(ValueError, match="ordered"):
        PpoConfig(name="ppo", std_range=(1.0, 0.5))
    with pytest.raises(ValueError, match=r"outside std_range; valid: 0\.7 to 2\.0"):
        PpoConfig(name="ppo", std_range=(0.7, 2.0), initial_std=0.6)


def test_the_same_seed_gives_the_same_policy_and_another_one_another(point_environment):
    first, again, other = (
        returns_of(CONFIG, point_environment(16), seed, 2)[0].policy.state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


@pytest.mark.parametrize("name", ["ppo", "ppo_penalty"])
def test_at_first_the_value_network_learns_alone_where_it_is_to_be(name, point_environment):
    config = ALGORITHMS[name].config.model_validate(
        {"name": name, "hidden": (8,), "rollout_steps": 8, "minibatches": 2, "value_first": 2}
    )
    learner = make_algorithm(config, point_environment(8), 3)
    learner.start(3)
    begins = [deepcopy((learner.policy.head.weight, learner.value.head.weight))]
    for iteration in range(3):
        _, metrics = learner.iterate(iteration / 3)
        begins.append(deepcopy((learner.policy.head.weight, learner.value.head.weight)))
        if iteration < 2:
            assert metrics["learning_rate"] == config.learning_rate
            assert metrics["policy/kl"] == 0.0
    policies, values = zip(*begins, strict=True)
    assert [torch.equal(one, other) for one, other in pairwise(policies)] == [True, True, False]
    assert [torch.equal(one, other) for one, other in pairwise(values)] == [False, False, False]
    resumed = make_algorithm(config, point_environment(8), 4)
    resumed.restore(learner.state())
    assert resumed.state()["rollouts"] == 3
