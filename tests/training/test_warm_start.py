"""Laws of a run that begins from the policy of another: what fits is taken over, all else begins anew."""

import json

import pytest
import torch
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training import runner
from sim2real.training.algorithms import make_algorithm
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.commands.train import app
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.robot_problem import RobotProblem
from sim2real.training.train import train
from sim2real.training.warm_start import take_over

SMALL = ("environments=8", "steps=128", "checkpoint_every=1", "evaluation_episodes=2", "threads=1",
         "task.episode_duration=0.3 s", "algorithm.hidden=[8]")  # fmt: skip
PPO = (*SMALL, "algorithm.rollout_steps=8", "algorithm.minibatches=2")
SAC = (*SMALL, "algorithm.warmup=32", "algorithm.iteration_steps=8", "algorithm.batch=16", "algorithm.buffer=512")


def small(*overrides, algorithm="ppo"):
    return load_experiment(f"pendulum_{algorithm}", (*(PPO if algorithm == "ppo" else SAC), *overrides))


@pytest.fixture(scope="module", params=["ppo", "sac"])
def taught(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / request.param
    return request.param, runner.train(small(algorithm=request.param), folder, progress=False)


def test_policy_and_learner_are_those_of_the_run_before_the_first_step(taught, point_environment):
    algorithm, report = taught
    experiment, saved = small("seed=9", algorithm=algorithm), newest_checkpoint(report.run.path)
    environment = point_environment(8)
    learner = make_algorithm(experiment.algorithm, environment, 9)
    before = learner.state()
    origin, taken = take_over(learner, RobotProblem(experiment, None), report.run.path)
    for name, tensor in learner.policy.state_dict().items():
        assert torch.equal(tensor, saved.policy[name])
    state = learner.state()
    for name in taken[1:]:
        torch.testing.assert_close(state[name], saved.algorithm[name], rtol=0.0, atol=0.0)
    assert torch.equal(state["generator"], before["generator"])
    assert str(state.get("optimizer", state.get("optimizers"))) == str(
        before.get("optimizer", before.get("optimizers"))
    )
    learned = {
        "ppo": {"log_std", "value", "value_scale"},
        "sac": {"log_temperature", "log_std_head", "critic", "target_critic"},
    }
    assert set(taken) == {"policy", "privileged_normalizer"} | learned[algorithm]
    assert origin["init_from"] == str(report.run.path)
    assert origin["init_from_steps"] == "128"


def test_the_new_run_is_a_run_of_its_own_and_knows_where_it_began(taught, tmp_path):
    algorithm, report = taught
    other = small("task.rewards=[{term: alive, weight: 1}]", "curriculum={strategy: none}", algorithm=algorithm)
    new = runner.train(other, tmp_path / "new", progress=False, init_from=report.run.path)
    assert new.steps == 128
    longer = runner.resume(new.run.path, ("steps=192",), progress=False)
    provenance = OnnxPolicy(longer.policy).provenance
    assert provenance["init_from"] == str(report.run.path)
    assert len(provenance["init_from_sha256"]) == 64
    scratch = runner.train(other, tmp_path / "scratch", progress=False)
    one, two = (load_checkpoint(run.latest_checkpoint()).policy for run in (new.run, scratch.run))
    assert not torch.equal(one["head.weight"], two["head.weight"])


def test_a_critic_that_sees_something_else_begins_anew(tmp_path):
    first = runner.train(small(), tmp_path / "first", progress=False)
    seeing = small("task.privileged=[joint_state]")
    new = runner.train(seeing, tmp_path / "new", progress=False, init_from=first.run.path)
    assert new.steps == 128


@pytest.mark.parametrize(
    ("overrides", "algorithm", "named"),
    [
        (("algorithm.hidden=[4]",), "ppo", r"algorithm\.hidden \(there \[\d+\], here \[4\]\)"),
        (("algorithm.activation=relu",), "ppo", r"algorithm\.activation \(there tanh, here relu\)"),
        (("task.action.fraction=0.5",), "ppo", "action"),
        (("task.control_rate=50 Hz",), "ppo", "control_rate"),
        (("algorithm.activation=tanh",), "sac", r"algorithm\.name"),
    ],
)
def test_another_policy_is_refused_by_what_differs_and_leaves_no_folder(overrides, algorithm, named, tmp_path):
    first = runner.train(small(), tmp_path / "first", progress=False)
    with pytest.raises(UserError, match=rf"--init-from .*: its policy has another .*{named}.*; valid: the same"):
        runner.train(small(*overrides, algorithm=algorithm), tmp_path / "new", progress=False, init_from=first.run.path)
    assert not (tmp_path / "new").exists()


def test_a_robots_policy_and_one_of_an_environment_are_told_apart(tmp_path):
    robots = runner.train(small(), tmp_path / "robot", progress=False).run.path
    few = (
        "environments=2",
        "steps=32",
        "evaluation_episodes=1",
        "algorithm.rollout_steps=8",
        "algorithm.minibatches=1",
    )
    options = {"overrides": few, "runs_dir": tmp_path}
    for_gymnasium = train("gym/Pendulum-v1", name="gym", **options).run.path
    with pytest.raises(
        UserError, match="is for a robot's task, and for no environment of Gymnasium's; valid: a run of"
    ):
        train("gym/Pendulum-v1", init_from=robots, **options)
    with pytest.raises(
        UserError, match="is for the environment Pendulum-v1, and for no robot; valid: a run of the same"
    ):
        runner.train(small(), tmp_path / "new", progress=False, init_from=for_gymnasium)
    assert not (tmp_path / "new").exists()


def test_the_command_takes_it_and_says_what_was_taken_over(tmp_path):
    first = runner.train(small(), tmp_path / "first", progress=False)
    arguments = ["pendulum_ppo", "--init-from", str(first.run.path), "--runs-dir", str(tmp_path), "--name", "new"]
    result = CliRunner().invoke(app, [*arguments, "--json", *(f"--set={text}" for text in PPO)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ok"] is True
    assert f"begins from {first.run.path} at step 128: policy, log_std, value" in result.stderr
    with pytest.raises(UserError, match="give one of them"):
        train(resume=tmp_path / "new", init_from=first.run.path)
    with pytest.raises(UserError, match="not a run"):
        train(small(), runs_dir=tmp_path, init_from=tmp_path)
