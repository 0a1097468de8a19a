"""DQN: targets, duels and exploration by hand; discrete and continuous environments; learning; export."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from gymnasium.spaces import Discrete

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.off_policy import DqnConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.dqn import dueling, q_target, value_losses
from sim2real.training.choices import choices_of
from sim2real.training.export import export_policy
from sim2real.training.gymnasium.spaces import ChoiceMap

SMALL = DqnConfig(name="dqn", batch=32, buffer=2048, warmup=0, iteration_steps=1, updates_per_step=1.0, hidden=(16,))


def learner_of(environment, **changes):
    learner = make_algorithm(SMALL.model_copy(update=changes), environment, 0)
    learner.start(0)
    return learner


def test_targets_by_hand():
    reward, discount = torch.tensor([1.0, 1.0]), torch.tensor([0.9, 0.0])
    slow, online = torch.tensor([[1.0, 4.0], [5.0, 6.0]]), torch.tensor([[3.0, 2.0], [0.0, 1.0]])
    # 1 + 0.9·max(1, 4); terminated: the reward alone
    assert q_target(reward, discount, slow, slow).tolist() == pytest.approx([4.6, 1.0])
    # Double: the online network picks the first, which the slow one values 1.
    assert q_target(reward, discount, slow, online).tolist() == pytest.approx([1.9, 1.0])


def test_losses_by_hand():
    fitted, target = torch.tensor([3.0, 3.0, -1.0]), torch.tensor([2.5, -7.0, 1.0])
    # ½·0.5²; of slope 1: 10 − ½, 2 − ½
    assert value_losses(fitted, target, 1.0).tolist() == pytest.approx([0.125, 9.5, 1.5])
    assert value_losses(fitted, target, 4.0).tolist() == pytest.approx([0.125, 4.0 * (10.0 - 2.0), 2.0])
    assert value_losses(fitted, target, None).tolist() == pytest.approx([0.125, 50.0, 2.0])


def test_a_duel_by_hand():
    # 2 + (1, 3, 5) − 3
    assert dueling(torch.tensor([[2.0]]), torch.tensor([[1.0, 3.0, 5.0]])).tolist() == [[0.0, 2.0, 4.0]]


def test_actions_of_a_continuous_environment_are_a_grid(point_environment):
    assert choices_of(point_environment(2), 3).tolist() == [[-1.0], [0.0], [1.0]]
    environment = point_environment(2)
    environment.action_size = 2
    assert choices_of(environment, 2).tolist() == [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    environment.action_size = 12
    with pytest.raises(ConfigError, match=r"action_levels: 3 levels of 12 actions are 531441 choices, more than 1024"):
        choices_of(environment, 3)


def test_discrete_actions_are_their_numbers():
    actions = ChoiceMap(Discrete(3, start=-1))
    assert actions.choices.tolist() == [[-1.0], [0.0], [1.0]]
    taken = actions(np.array([[-1.0], [1.0], [7.0]], np.float32))
    assert taken.tolist() == [-1, 1, 1]
    assert taken.dtype == np.int64


def test_epsilon_falls_over_its_share_of_the_run(point_environment):
    learner = learner_of(point_environment(4), exploration_range=(1.0, 0.2), exploration_share=0.5)
    assert [learner.exploration(share) for share in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


@pytest.mark.parametrize("exploration", ["epsilon_greedy", "boltzmann"])
def test_actions_are_explored_as_often_as_said(exploration, point_environment):
    n = 30_000
    environment = point_environment(n)
    learner = learner_of(environment, exploration=exploration, exploration_range=(0.6, 0.6), buffer=n)
    with torch.no_grad():
        learner.policy.head.weight.zero_()
        learner.policy.head.bias.copy_(torch.tensor([0.0, 1.0, 0.5]))
    seen = []
    step = environment.step_arrays
    environment.step_arrays = lambda actions: (seen.append(actions.copy()), step(actions))[1]
    learner.iterate(0.0)
    shares = [float(np.mean(seen[0] == action)) for action in (-1.0, 0.0, 1.0)]
    odds = np.exp(np.array([0.0, 1.0, 0.5]) / 0.6)
    expected = {"epsilon_greedy": [0.2, 0.6, 0.2], "boltzmann": (odds / odds.sum()).tolist()}[exploration]
    assert shares == pytest.approx(expected, abs=0.01)


def test_prioritised_replay_learns_its_errors_and_duels_its_value(point_environment):
    learner = learner_of(point_environment(8), prioritized=True, dueling=True, iteration_steps=30)
    before = learner.value_head.weight.clone()
    learner.iterate(0.0)
    assert not torch.equal(before, learner.value_head.weight)
    assert len(np.unique(learner.state()["replay"]["weights"].round(6))) > 10


def test_the_exported_graph_takes_the_best_choice(point_environment, tmp_path):
    environment = point_environment(8)
    learner = learner_of(environment, dueling=True, iteration_steps=5)
    learner.iterate(0.0)
    seen = np.random.default_rng(0).normal(size=(90, environment.observation_size)).astype(np.float32)
    report = export_policy(learner.policy, environment.contract, tmp_path / "policy.onnx", {}, seen)
    assert report.parity <= 1e-5
    assert [node.op_type for node in onnx.load(report.path).graph.node][-2:] == ["ArgMax", "Gather"]
    actions = onnxruntime.InferenceSession(report.path).run(["action"], {"observation": seen})[0]
    assert set(np.unique(actions)) <= {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(actions, learner.policy.act(seen))
    with torch.no_grad():
        values = learner.values(learner.policy.normalizer(torch.from_numpy(seen)))
    np.testing.assert_array_equal(actions[:, 0], values.argmax(-1).numpy() - 1.0)


def test_an_action_that_is_no_choice_has_no_parity(point_environment):
    policy = learner_of(point_environment(4)).policy
    seen = np.zeros((1, policy.normalizer.shift.numel()), np.float32)
    assert policy.shortfall(seen, policy.act(seen)) == 0.0
    assert policy.shortfall(seen, np.array([[0.5]], np.float32)) == np.inf


@pytest.mark.slow
def test_returns_improve(point_environment):
    environment = point_environment(32)
    changes = {"warmup": 256, "iteration_steps": 20, "updates_per_step": 2.0, "learning_rate": 1e-3, "hidden": (32, 32)}
    learner = learner_of(environment, batch=64, **changes)
    means = []
    for iteration in range(40):
        learner.iterate(iteration / 40)
        means.append(float(np.mean(environment.episodes.drain()["return"])))
    assert means[0] < 10.0
    assert np.nanmean(means[-5:]) > 25.0


@pytest.mark.slow
def test_cart_pole_is_trained_evaluated_and_exported(tmp_path):
    import sim2real

    small = ("algorithm.hidden=[8]", "algorithm.warmup=64", "evaluation_every=null", "evaluation_episodes=3")
    report = sim2real.train(
        "gym/CartPole-v1", algorithm="dqn", steps=512, overrides=small, runs_dir=tmp_path, name="run"
    )
    from_file = sim2real.evaluate(report.policy, episodes=3, seed=1)
    from_run = sim2real.evaluate(report.run.path, episodes=3, seed=1)
    assert from_file.rows[0].return_mean == from_run.rows[0].return_mean > 0.0


def test_values_of_long_episodes_are_compared_in_their_own_size(point_environment):
    """The values of CartPole reach 100, where rounding alone is above the bound of an action: nothing was exported."""
    policy = learner_of(point_environment(4)).policy
    seen = np.zeros((1, policy.normalizer.shift.numel()), np.float32)
    with torch.no_grad():
        policy.head.weight.zero_()
        policy.head.bias.copy_(torch.tensor([1024.0, 1024.0009765625, 0.0]))
    assert policy.shortfall(seen, np.array([[-1.0]], np.float32)) == pytest.approx(0.0009765625 / 1024.0, rel=1e-3)
    assert policy.shortfall(seen, np.array([[1.0]], np.float32)) == pytest.approx(1.0)
