"""Laws of evaluation: its figures, and overrides of the world of a saved policy."""

import json
import math

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.commands.eval import table
from sim2real.training.evaluation import Spread, play
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
    gone = play(pushing(1.0), point_environment(8), 20, 50, "point")
    assert gone.survival == 0.0
    assert gone.metrics["distance"].median > 2.0

    def hold(observation):
        return -(observation[:, :1] + 1.5 * observation[:, 1:2])

    stayed = play(hold, point_environment(8), 20, 50, "point")
    assert stayed.survival == 1.0
    assert stayed.metrics["distance"].episodes == stayed.episodes == 20
    assert stayed.metrics["distance"].p90 < 0.5
    document = json.loads(json.dumps(stayed.document()))
    assert document["metrics"]["distance"]["p90"] == stayed.metrics["distance"].p90
    text = table([gone, stayed])
    assert "survival" in text
    assert "distance" in text


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
