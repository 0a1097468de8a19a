"""Laws of learning with a robot's mirror, on a task with two equal sides: a mass on a line, pushed to the origin."""

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.replay_buffer import ReplayBuffer
from sim2real.training.symmetry import mirror_of

PPO = PpoConfig(name="ppo", rollout_steps=16, minibatches=2, epochs=2, hidden=(16,), learning_rate=3e-3, target_kl=None)
SAC = SacConfig(
    name="sac",
    batch=64,
    buffer=4096,
    warmup=64,
    iteration_steps=32,
    updates_per_step=1.0,
    hidden=(16,),
    learning_rate=3e-3,
)


@pytest.fixture
def one_sided(point_environment):
    """An environment in which nothing ever begins on the left."""

    class Right(point_environment):
        def _begin(self, rows):
            super()._begin(rows)
            self.x[rows, 0] = np.abs(self.x[rows, 0])

    return Right


def trained(config, environment, iterations=8):
    learner = make_algorithm(config, environment, 0)
    learner.start(0)
    for iteration in range(iterations):
        _, metrics = learner.iterate(iteration / iterations)
    return learner, metrics


def asymmetry(learner, environment):
    """How far the policy's actions in mirrored states are from the mirrored actions."""
    rows, mirror = environment.reset_arrays(7).copy(), environment.mirror
    return float(np.abs(learner.policy.act(mirror.observation(rows)) - mirror.action(learner.policy.act(rows))).mean())


def test_an_update_on_a_batch_that_has_every_image_is_the_same_with_symmetry(point_environment):
    class Symmetric(Ppo):
        """Of its rollout, the second half of the environments are images of the first."""

        def collect(self):
            super().collect()
            rollout, half = self.rollout, self.rollout.environments // 2
            for rows in (rollout.raw, rollout.normalized, rollout.output, rollout.action):
                rows[:, half:] = -rows[:, :half]
            for rows in (rollout.reward, rollout.terminated, rollout.ended):
                rows[:, half:] = rows[:, :half]

    states = []
    for symmetry in ("none", "data"):
        config = PPO.model_copy(update={"symmetry": symmetry, "minibatches": 1, "epochs": 1})
        learner = Symmetric(config, point_environment(16), 0)
        with torch.no_grad():
            learner.value.head.weight.zero_()  # so that the values of a state and of its image are equal
        learner.start(0)
        learner.iterate(0.0)
        states.append(learner.policy.state_dict() | {f"value.{k}": v for k, v in learner.value.state_dict().items()})
    for name, tensor in states[0].items():
        # A hundredth of Adam's first step, which also makes a little of a gradient that is zero but for rounding.
        torch.testing.assert_close(states[1][name], tensor, rtol=1e-4, atol=0.01 * PPO.learning_rate, msg=name)


@pytest.mark.parametrize(
    "config",
    [
        PPO,
        SAC,
        PPO.model_copy(update={"memory": MemoryConfig(kind="gru", size=8)}),
        SAC.model_copy(update={"memory": MemoryConfig(kind="lstm", size=8), "sequence_length": 8, "burn_in": 4}),
    ],
    ids=["ppo", "sac", "ppo with memory", "sac with memory"],
)
def test_what_is_learned_on_one_side_is_known_on_the_other(config, one_sided):
    environments = one_sided(32), one_sided(32)
    plain, mirrored = (
        trained(config.model_copy(update={"symmetry": symmetry}), environment)[0]
        for symmetry, environment in zip(("none", "data"), environments, strict=True)
    )
    assert asymmetry(mirrored, environments[1]) < 0.7 * asymmetry(plain, environments[0])
    assert mirrored.policy.normalizer.shift[:2].abs().max() < 1e-6
    assert plain.policy.normalizer.shift[0] > 0.1
    count = plain.policy.normalizer.moments.count
    assert float(mirrored.policy.normalizer.moments.count) == pytest.approx(float(count))


def test_the_penalty_is_zero_for_a_symmetrical_policy_and_leads_to_one(one_sided):
    first = trained(PPO.model_copy(update={"symmetry": "loss", "minibatches": 1, "epochs": 1}), one_sided(32), 1)
    assert first[1]["loss/symmetry"] < 1e-10  # tanh without biases is odd
    environments = one_sided(32), one_sided(32)
    settings = {"none": {}, "loss": {"symmetry_weight": 10.0}}
    plain, penalised = (
        trained(PPO.model_copy(update={"symmetry": symmetry, **more}), environment)
        for (symmetry, more), environment in zip(settings.items(), environments, strict=True)
    )
    assert "loss/symmetry" not in plain[1]
    assert asymmetry(penalised[0], environments[1]) < 0.3 * asymmetry(plain[0], environments[0])


def test_half_of_a_drawn_batch_is_replaced_by_its_images(point_environment):
    environment = point_environment(4, gift=True)
    mirror = mirror_of(environment, wanted=True)
    inputs, acted = environment.observation_size + 1, environment.action_size
    replay = ReplayBuffer(8, inputs, acted)
    replay.add(np.random.default_rng(0).normal(size=(8, 2 * inputs + acted + 2)).astype(np.float32))
    index = torch.arange(8)
    drawn, reflected = replay.batch_of(index), replay.batch_of(index)
    mirror.reflect(reflected, 4)
    for name in ("inputs", "next_inputs"):
        before, after = getattr(drawn, name), getattr(reflected, name)
        assert torch.equal(after[:4, :-1], -before[:4, :-1])
        assert torch.equal(after[:, -1], before[:, -1])
        assert torch.equal(after[4:], before[4:])
    assert torch.equal(reflected.action, torch.cat((-drawn.action[:4], drawn.action[4:])))
    assert torch.equal(reflected.reward, drawn.reward)


@pytest.mark.parametrize(("symmetry", "algorithm"), [("data", "ppo"), ("loss", "ppo"), ("data", "sac")])
def test_the_quadruped_learns_with_its_mirror(symmetry, algorithm):
    experiment = load_experiment("quadruped_walk")
    config = (PPO if algorithm == "ppo" else SAC).model_copy(update={"symmetry": symmetry})
    environment = BatchEnv(experiment.task, experiment.randomization, 8, seed=0, threads=1)
    learner, metrics = trained(config, environment, 2)
    assert all(np.isfinite(value) for name, value in metrics.items() if "loss" in name)
    assert asymmetry(learner, environment) > 0.0
    learner.policy.normalizer.update(torch.zeros(1, environment.observation_size))
    mirror, moments = environment.mirror, learner.policy.normalizer.moments
    np.testing.assert_allclose(mirror.observation(moments.mean.numpy()), moments.mean.numpy(), atol=1e-6)


def test_symmetry_without_a_mirror_is_refused(point_environment):
    class Lopsided(point_environment):
        mirror = None

    wanted = PPO.model_copy(update={"symmetry": "data"})
    with pytest.raises(ConfigError, match=r"algorithm\.symmetry: the environment has no mirror; valid: none"):
        make_algorithm(wanted, Lopsided(4), 0)
    experiment = load_experiment("pendulum_ppo")
    environment = BatchEnv(experiment.task, experiment.randomization, 2, threads=1)
    with pytest.raises(ConfigError, match=r"^algorithm\.symmetry: robot 'pendulum' has no `mirror`"):
        make_algorithm(wanted, environment, 0)
