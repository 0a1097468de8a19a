"""The commands train, export and eval: documents, verdicts, exit statuses."""

import json

import pytest
from typer.testing import CliRunner
from worlds import between, randomized

from sim2real.configs.load import load_task
from sim2real.simulation.model_options import hidden_parameters
from sim2real.training.commands.eval import app as eval_app
from sim2real.training.commands.export import app as export_app
from sim2real.training.commands.train import app as train_app

SETS = [
    f"--set={text}"
    for text in (
        "environments=8",
        "steps=128",
        "evaluation_episodes=4",
        "task.episode_duration=0.2 s",
        "algorithm.rollout_steps=8",
        "algorithm.hidden=[8]",
        "threads=1",
    )
]


def invoke(app, *arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    result = invoke(train_app, "pendulum_ppo", *SETS, "--name", "first", "--runs-dir", folder, "--json")
    assert result.exit_code == 0, result.output
    return folder / "first", json.loads(result.stdout)


def test_train_notes_parameters_without_effect(tmp_path):
    noise = "randomization.parameters=[" + ", ".join(
        f"{{parameter: {name}, range: [{value}, {value}]}}"
        for name, value in (
            ("joint_effort_white", "1 mN*m"),
            ("joint_velocity_white", "1 rad/s"),
            ("imu_latency", "10 ms"),
            ("joint_latency", "10 ms"),
            ("orientation_bias", "1 deg"),
            ("action_bias", "0.1"),
        )
    )
    result = invoke(train_app, "pendulum_ppo", *SETS, "--set", noise + "]", "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    told = "does not observe the effect of joint_effort_white, imu_latency, orientation_bias (randomization"
    assert result.stderr.count("note: ") == 1
    assert told in result.stderr


def test_train_notes_errors_that_no_observation_shows_where_a_curriculum_widens_them(tmp_path):
    """A policy cannot adapt to a joint that reads 1 deg off; where the tip is read too, it can."""
    errors = "randomization.parameters=[{parameter: joint_offset, range: [-1 deg, 1 deg]}]"
    said = "the curriculum widens joint_offset, which no observation of task"
    for strategy, count in (("adr", 1), ("fixed", 0)):
        arguments = (*SETS, "--set", errors, "--set", f"curriculum={{strategy: {strategy}}}", "--runs-dir", tmp_path)
        result = invoke(train_app, "pendulum_ppo", *arguments)
        assert result.exit_code == 0, result.output
        assert result.stderr.count(said) == count


def test_a_parameter_is_hidden_where_no_reading_tells_it_from_the_truth():
    offset = randomized(between("joint_offset", "-1 deg", "1 deg"), between("joint_friction", 0.5, 1.5))
    assert hidden_parameters(load_task("quadruped_walk"), offset) == ("joint_offset",)
    task = load_task("so101_reach")
    measured = task.observation[0].model_copy(update={"term": "measured_tip_error"})
    seen = task.model_copy(update={"observation": (*task.observation, measured)})
    assert hidden_parameters(seen, offset) == ()


def test_train_reports_one_document(trained):
    run, document = trained
    assert document["ok"] is True
    assert document["run"] == str(run)
    assert document["steps"] == 128
    assert (run / "policy.onnx").is_file()


def test_export_and_eval(trained, tmp_path):
    run, _ = trained
    exported = invoke(export_app, run, "-o", tmp_path / "policy.onnx", "--json")
    assert json.loads(exported.stdout)["parity"] <= 1e-5
    rows = []
    for policy in (run, tmp_path / "policy.onnx"):
        result = invoke(eval_app, policy, "--episodes", 4, "--json")
        assert result.exit_code == 0, result.output
        rows.append(json.loads(result.stdout)["rows"])
    assert [row["randomization"] for row in rows[0]] == ["pendulum", "none"]
    for torch_row, onnx_row in zip(*rows, strict=True):
        assert torch_row["return_mean"] == pytest.approx(onnx_row["return_mean"], abs=1e-2)
    text = invoke(eval_app, run, "--episodes", 4)
    assert "randomization" in text.stdout


@pytest.mark.parametrize(
    ("app", "arguments", "message"),
    [
        (train_app, [], "give an experiment"),
        (train_app, ["pendulum_pop"], "did you mean 'pendulum_ppo'"),
        (train_app, ["pendulum_ppo", "--set", "environment=3"], "environment"),
        (train_app, ["--resume", "nowhere"], "not a run"),
        (export_app, ["nowhere", "-o", "x.onnx"], "not a run"),
        (eval_app, ["nowhere.onnx"], "cannot be read"),
    ],
)
def test_mistakes_get_one_line_and_status_1(app, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(app, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("\n") == 1


def test_a_run_of_another_experiment_is_not_resumed(trained):
    run, _ = trained
    result = invoke(train_app, "pendulum_sac", "--resume", run)
    assert result.exit_code == 1
    assert "is a run of pendulum_ppo" in result.stderr
