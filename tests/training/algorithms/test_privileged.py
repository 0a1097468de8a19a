"""Laws of privileged values: they change the critic's values but not the policy."""

import numpy as np
import onnxruntime
import pytest
import torch

from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.export import export_policy
from sim2real.training.watched_environment import WatchedEnvironment

CONFIG = PpoConfig(name="ppo", rollout_steps=16, minibatches=2, hidden=(32, 32), learning_rate=1e-3)


def started(environment, config=CONFIG):
    learner = Ppo(config, environment, 0)
    learner.start(0)
    return learner


def test_privileged_values_change_every_value_but_no_action(point_environment):
    class Moved(point_environment):
        @property
        def privileged(self):
            return super().privileged * np.float32(7.0) + np.float32(3.0)

    plain, moved = (started(make(16, gift=True)) for make in (point_environment, Moved))
    plain.collect()
    moved.collect()
    assert torch.equal(plain.rollout.action, moved.rollout.action)
    values = [learner.value(learner.rollout.normalized)[0] for learner in (plain, moved)]
    assert not (values[0] == values[1]).any()


def test_the_exported_graph_takes_only_the_observation(point_environment, tmp_path):
    environment = point_environment(16, gift=True)
    learner = started(environment)
    learner.iterate(0.0)
    seen = np.random.default_rng(0).normal(size=(32, environment.observation_size)).astype(np.float32)
    report = export_policy(learner.policy, environment.contract, tmp_path / "policy.onnx", {}, seen)
    (entry,) = onnxruntime.InferenceSession(report.path).get_inputs()
    assert entry.shape[-1] == environment.observation_size
    assert learner.value.head.in_features == 32
    assert learner.value.body[0].in_features == environment.observation_size + 1


def test_a_truncated_episode_is_valued_at_its_own_final_privileged_values(point_environment):
    # V = the gift: no hidden layer, weight 1 on the privileged value; the normaliser is still the identity.
    config = CONFIG.model_copy(update={"hidden": (), "normalize_values": False, "gae_lambda": 0.0, "discount": 0.5})
    environment = point_environment(8, episode_steps=5, gift=True)
    learner = started(environment, config)
    with torch.no_grad():
        learner.value.head.weight.zero_()
        learner.value.head.weight[0, -1] = 1.0
    learner.collect()
    rollout = learner.rollout
    truncated = rollout.ended & ~rollout.terminated
    gift, following = rollout.normalized[:-1, :, -1], rollout.normalized[1:, :, -1]
    assert truncated.sum() >= 16
    assert (gift[truncated] != following[truncated]).all()
    # λ = 0: A = r + 0.5·V(s') − V(s); the gift is constant over an episode.
    advantage, _ = learner.targets(first=True)
    expected = rollout.reward + 0.5 * gift * ~rollout.terminated - gift
    torch.testing.assert_close(advantage.view(16, 8), expected)


def test_a_critic_that_sees_the_cause_of_rewards_explains_them(point_environment):
    explained = []
    for shown in (True, False):
        learner = started(point_environment(64, gift=True, shown=shown))
        for iteration in range(12):
            _, metrics = learner.iterate(iteration / 12)
        explained.append(metrics["value/explained_variance"])
    assert explained[0] > explained[1] + 0.2


def test_privileged_values_of_any_size_are_normalised(point_environment):
    environment = point_environment(64, gift=True)
    learner = started(environment)
    learner.iterate(0.0)
    normalizer = learner.state()["privileged_normalizer"]
    gifts = learner.rollout.raw[..., -1]
    assert float(normalizer["moments.mean"]) == pytest.approx(float(gifts.double().mean()), abs=1e-6)
    assert float(normalizer["moments.count"]) == gifts.numel()
    learner.collect()
    assert abs(float(learner.rollout.normalized[..., -1].std()) - 1.0) < 0.2


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_parameters_come_scaled_and_reach_the_critic_as_they_are(name):
    experiment = load_experiment(
        f"pendulum_{name}", ("task.privileged=[joint_state, parameters]", "environments=4", "algorithm.hidden=[8]")
    )
    environment = BatchEnv(experiment.task, experiment.randomization, 4, seed=0, threads=1)
    parameters = environment.privileged_size - 2
    assert parameters > 1
    assert environment.privileged_scaled.tolist() == [False] * 2 + [True] * parameters
    learner = make_algorithm(experiment.algorithm, WatchedEnvironment(environment), 0)
    learner.start(0)
    learner.iterate(0.0)
    normalizer = learner.state()["privileged_normalizer"]
    assert normalizer["shift"][:2].any()
    assert not normalizer["shift"][2:].any()
    assert torch.equal(normalizer["factor"][2:], torch.ones(parameters))
