"""Laws of evaluation: its figures, and overrides of the world of a saved policy."""

import json
import math
import types

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment, load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.commands.eval import table
from sim2real.training.evaluation import Spread, play, round_seeds
from sim2real.training.export import export_policy
from sim2real.training.provenance import provenance_of
from sim2real.training.saved_policy import load_saved_policy


def test_the_spread_of_a_metric_by_hand():
    spread = Spread.of([float("nan"), 1.0, 2.0, 3.0, 4.0, 15.0])
    # mean 25/5; variance (16 + 9 + 4 + 1 + 100)/5 = 26; 90 %: 0.6 of the way from the fourth to the fifth
    assert spread == Spread(5, 5.0, pytest.approx(math.sqrt(26.0)), 3.0, pytest.approx(4.0 + 0.6 * 11.0))
    nothing = Spread.of([float("nan")])
    assert nothing.episodes == 0
    assert math.isnan(nothing.mean)


def pushing(force):
    return lambda observation: np.full((len(observation), 1), force, dtype=np.float32)


def test_survival_and_metrics_of_a_policy_that_leaves_and_of_one_that_stays(point_environment):
    gone = play(pushing(1.0), point_environment(8), 20, 50, "point", seed=0)
    assert gone.survival == 0.0
    assert gone.metrics["distance"].median > 2.0

    def hold(observation):
        return -(observation[:, :1] + 1.5 * observation[:, 1:2])

    stayed = play(hold, point_environment(8), 20, 50, "point", seed=0)
    assert stayed.survival == 1.0
    assert stayed.metrics["distance"].episodes == stayed.episodes == 20
    assert stayed.metrics["distance"].p90 < 0.5
    document = json.loads(json.dumps(stayed.document()))
    assert document["metrics"]["distance"]["p90"] == stayed.metrics["distance"].p90
    text = table([gone, stayed])
    assert "survival" in text
    assert "distance" in text


class Scripted:
    """Environments whose episodes are settled by seed and number: how long they last, and whether they end well."""

    observation_size = action_size = 1
    privileged_size = 0

    def __init__(self, num_envs, lengths, outcomes):
        self.num_envs, self.lengths, self.outcomes = num_envs, lengths, outcomes
        self.rounds, self.seeds = -1, []
        self.ends, self.finished = None, []
        self.episodes = self
        self.diverged = 0

    def reset_arrays(self, seed=None):
        self.rounds, self.age = self.rounds + 1, np.zeros(self.num_envs, int)
        self.seeds.append(seed)
        self.first = np.ones(self.num_envs, bool)
        return np.zeros((self.num_envs, 1), np.float32)

    def step_arrays(self, actions):
        self.age += 1
        # An environment that begins anew fails at once, time and again.
        ended = np.where(self.first, self.age >= self.lengths[self.rounds], True)
        values = np.where(self.first, self.outcomes[self.rounds], -1000.0)
        self.finished += [(value, value > 0.0) for value in values[ended]]
        self.first &= ~ended
        flat = np.zeros((self.num_envs, 1), np.float32)
        return types.SimpleNamespace(
            observation=flat, terminated=ended & (values <= 0.0), truncated=ended & (values > 0.0)
        )

    def drain(self):
        drained, self.finished = np.array(self.finished).reshape(-1, 2), []
        names = ("return", "success", "terminated", "length", "metric/value")
        columns = (drained[:, 0], drained[:, 1], 1.0 - drained[:, 1], drained[:, 0], drained[:, 0])
        return dict(zip(names, columns, strict=True))


OUTCOMES = np.array([[0, 1, 2, 0, 4, 5, 0, 7], [10, 0, 12, 0, 14, 15, 16, 0], [20, 21, 0, 23, 24, 0, 26, 27]])
"""What the episodes of three rounds of eight environments are worth; nothing is a failure."""


def scripted(lengths, episodes):
    environment = Scripted(8, lengths, OUTCOMES)
    return environment, play(lambda observation: observation, environment, episodes, 50, "scripted", seed=7)


@pytest.mark.parametrize("episodes", [3, 8, 11, 21])
def test_which_episodes_count_does_not_depend_on_which_end_first(episodes):
    """The last round once kept those that ended first, which are the failures."""
    failures_first = np.where(OUTCOMES == 0, 1, 40)
    failures_last = np.where(OUTCOMES == 0, 40, 1)
    random = np.random.default_rng(0).integers(1, 50, OUTCOMES.shape)
    expected = OUTCOMES.reshape(-1)[:episodes]
    for lengths in (failures_first, failures_last, random):
        environment, found = scripted(lengths, episodes)
        assert environment.rounds + 1 == -(-episodes // 8)
        assert found.return_mean == expected.mean()
        assert found.return_std == expected.std()
        assert found.success == (expected > 0).mean()
        assert found.survival == pytest.approx(found.success)
        assert found.metrics["value"] == Spread.of(expected.tolist())


def test_rounds_have_seeds_of_their_own_that_only_the_seed_of_the_evaluation_decides():
    lengths = np.full(OUTCOMES.shape, 3)
    first, again, neighbour = (scripted(lengths, 24)[0].seeds for _ in range(3))
    assert first == again
    assert first[0] == 7
    environment = Scripted(8, lengths, OUTCOMES)
    play(lambda observation: observation, environment, 24, 50, "scripted", seed=8)
    neighbour = environment.seeds
    assert len({*first, *neighbour}) == 6


def test_an_episode_that_is_longer_than_the_bound_is_an_error():
    with pytest.raises(ValueError, match="3 episodes last longer than 50 steps"):
        scripted(np.where(OUTCOMES == 0, 51, 1), 8)


def test_every_episode_of_an_evaluation_is_that_of_its_environment_and_round():
    """With a real task, in which failures end first: each is played apart and looked up."""
    task = load_task("quadruped_walk", ("episode_duration=1 s",))
    randomization = load_randomization("quadruped")
    n, episodes, seed = 6, 15, 11

    def act(observation):  # tumbles; how soon depends on what was drawn
        return np.tanh(20.0 * observation[:, :12])

    environment = BatchEnv(task, randomization, n, threads=1)
    found = play(act, environment, episodes, 50, "tumbling", seed=seed)
    returns, terminated, lengths = [], [], []
    for number, of_round in zip(range(0, episodes, n), round_seeds(seed), strict=False):
        alone = BatchEnv(task, randomization, n, threads=1)
        observation = alone.reset_arrays(of_round)
        total, over = np.zeros(n), np.zeros(n, bool)
        ends, length = np.zeros(n, bool), np.zeros(n)
        while not over.all():
            out = alone.step_arrays(act(observation))
            observation = out.observation
            total[~over] += out.reward[~over]
            length[~over] += 1
            ends |= out.terminated & ~over
            over |= out.terminated | out.truncated
        left = min(n, episodes - number)
        returns += total[:left].tolist()
        terminated += ends[:left].tolist()
        lengths += length[:left].tolist()
    assert len(returns) == episodes
    assert len(set(lengths)) > 2
    assert found.return_mean == np.mean(returns)
    assert found.survival == 1.0 - np.mean(terminated)
    assert found.length_mean == np.mean(lengths)


EXPERIMENT = load_experiment("pendulum_ppo", ("algorithm.hidden=[8]",))


def exported(path, environment, experiment=EXPERIMENT, rename=("", "")):
    """Export an untrained policy with a changed experiment text."""
    policy = Ppo(experiment.algorithm, environment, 0).policy
    provenance = provenance_of(experiment, steps=1, iterations=1, seconds=1.0)
    provenance["experiment_yaml"] = provenance["experiment_yaml"].replace(*rename)
    seen = np.zeros((1, environment.observation_size), np.float32)
    return export_policy(policy, contract_of(experiment.task), path, provenance, seen).path


def test_overrides_change_the_world_but_not_the_policy(point_environment, tmp_path):
    path = exported(tmp_path / "policy.onnx", point_environment(2))
    saved = load_saved_policy(path, ("task.physics.friction=lugre", "task.episode_duration=3 s", "task.goal.hold=1 s"))
    assert saved.experiment.task.physics.friction == "lugre"
    assert saved.experiment.task.episode_duration == 3.0
    assert saved.act(np.zeros((2, 5), np.float32)).shape == (2, 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "task.control_rate=50 Hz",
            "--set changes the policy's own control_rate; only the rest of the task may change",
        ),
        ("task.action.fraction=0.5", "--set changes the policy's own action;"),
        ("task.observation=[{term: joint_velocity}]", "--set changes the policy's own observation;"),
        ("task.frictoin=3", "frictoin"),
    ],
)
def test_observations_and_actions_cannot_be_overridden(point_environment, tmp_path, override, message):
    path = exported(tmp_path / "policy.onnx", point_environment(2))
    with pytest.raises(UserError) as caught:
        load_saved_policy(path, (override,))
    assert message in str(caught.value)
    assert "another version" not in str(caught.value)


def test_a_policy_of_another_version_says_which_key_and_what_to_do(point_environment, tmp_path):
    path = exported(tmp_path / "policy.onnx", point_environment(2), rename=("timestep:", "time_step:"))
    with pytest.raises(
        UserError, match=r"task\.physics\.time_step: unknown key.*another version: train again, or expo"
    ) as e:
        load_saved_policy(path)
    assert "\n" not in str(e.value)
