"""Laws of the check before training: who does nothing must not be paid as if it had learned."""

import pytest
import torch

from sim2real.configs.library import ROOT, shipped
from sim2real.configs.load import load_experiment
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.task_check import check_task
from sim2real.training.train import train

SHORT = ("environments=8", "steps=128", "threads=1", "task.episode_duration=0.5 s", "evaluation_episodes=2",
         "algorithm.hidden=[8]", "algorithm.rollout_steps=8", "checkpoint_every=1")  # fmt: skip


def rewarded(*rewards):
    terms = ", ".join(f"{{term: {term}, weight: {weight}}}" for term, weight in rewards)
    return load_experiment("pendulum_ppo", (*SHORT, f"task.rewards=[{terms}]"))


def test_a_reward_for_staying_alive_is_warned_of_by_name():
    check = check_task(rewarded(("goal_cosine", 1.0), ("alive", 9.0)))
    assert check.possible == pytest.approx(5.0)
    idle, random = check.policies
    assert idle.name == "idling"
    assert idle.most == random.most == "alive"
    assert idle.most_earned == pytest.approx(4.5)
    found = check.warnings(0.5)
    assert len(found) == 2
    assert "idling earns 4" in found[0]
    assert "'alive' pays 4.5 of it" in found[0]
    assert check.warnings(1.0) == []
    assert "of the 5 that a good episode can earn, idling earns" in check.text


def test_a_reward_that_must_be_earned_is_not():
    assert check_task(rewarded(("goal_cosine", 1.0), ("joint_velocity", -0.001))).warnings(0.5) == []


def test_rewards_that_are_all_costs_are_warned_of():
    (warning,) = check_task(rewarded(("joint_velocity", -1.0))).warnings(0.5)
    assert "no reward has a positive weight" in warning


@pytest.mark.parametrize("name", shipped("experiments"))
def test_no_shipped_task_pays_for_standing_still(name):
    experiment = load_experiment(name, ("task.episode_duration=3 s", "threads=1"))
    assert check_task(experiment).warnings(experiment.idle_share_max) == []


def test_the_check_is_printed_and_changes_nothing_of_the_run(tmp_path, capsys):
    experiment = rewarded(("alive", 1.0))
    checked = train(experiment, runs_dir=tmp_path, name="checked", progress=True)
    said = capsys.readouterr().err
    assert "task check: of the 0.5 that a good episode can earn, idling earns 0.5 (100%)" in said
    assert "warning: idling earns 0.5 of the 0.5" in said
    unchecked = train(experiment, overrides=("idle_share_max=null",), runs_dir=tmp_path, name="unchecked")
    assert "idling" not in capsys.readouterr().err
    one, other = (newest_checkpoint(report.run.path) for report in (checked, unchecked))
    assert all(torch.equal(one.policy[name], other.policy[name]) for name in one.policy)


def test_a_simulation_that_diverges_is_warned_of(tmp_path):
    """Once the line said that both policies earn nothing: a diverged episode ends at once, and earns 0."""
    leaf = "<body><joint stiffness='1e9' springref='20'/><geom size='.01' mass='1e-6' pos='.1 0 0'/></body></body>"
    text = (ROOT / "robots" / "pendulum.xml").read_text(encoding="utf-8")
    (tmp_path / "leaf.xml").write_text(leaf.join(text.rsplit("</body>", 1)), encoding="utf-8")
    check = check_task(load_experiment("pendulum_ppo", (*SHORT, f"task.robot.model={tmp_path / 'leaf.xml'}")))
    assert [each.diverged for each in check.policies] == [8, 8]
    found = check.warnings(1.0)
    assert "idling makes the simulation diverge in 8 of 8 episodes: lower task.physics.timestep" in found[0]
    assert len(found) == 2
