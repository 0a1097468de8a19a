"""Laws of `train` and `evaluate`: the reports are the commands' documents, and what is wrong is one line."""

import json

import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment, load_randomization, load_task
from sim2real.training.commands.eval import app as eval_app
from sim2real.training.commands.train import app as train_app
from sim2real.training.evaluate import evaluate
from sim2real.training.train import train

SHORT = (
    "environments=8",
    "steps=128",
    "evaluation_episodes=4",
    "task.episode_duration=0.2 s",
    "algorithm.rollout_steps=8",
    "algorithm.hidden=[8]",
    "threads=1",
)
TIMES = ("seconds", "steps_per_second")


def document_of(app, *arguments) -> dict:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def plain(document: dict) -> dict:
    """The document as JSON has it, without how long the machine took."""
    return {key: value for key, value in json.loads(json.dumps(document)).items() if key not in TIMES}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return train("pendulum_ppo", overrides=SHORT, name="first", runs_dir=folder)


def test_the_document_of_a_training_is_that_of_the_command(trained, tmp_path):
    sets = [part for text in SHORT for part in ("--set", text)]
    document = document_of(train_app, "pendulum_ppo", *sets, "--name", "first", "--runs-dir", tmp_path)
    here, there = str(trained.run.path.parent), str(tmp_path)
    assert json.loads(json.dumps(plain(trained.document())).replace(here, there)) == plain(document)


def test_the_document_of_an_evaluation_is_that_of_the_command(trained):
    report = evaluate(trained.policy, episodes=4, randomization="pendulum", overrides=("task.episode_duration=0.1 s",))
    arguments = (trained.policy, "--episodes", 4, "--randomization", "pendulum")
    document = document_of(eval_app, *arguments, "--set", "task.episode_duration=0.1 s")
    assert plain(report.document()) == plain(document)
    assert [row.randomization for row in report.rows] == ["pendulum", "none"]
    assert report.row("none").episodes == 4
    with pytest.raises(UserError, match="valid: pendulum, none"):
        report.row("quadruped")


@pytest.mark.parametrize(
    ("policy", "episodes"), [("pendulum_swingup", 2), ("so101_reach", 1), ("quadruped_walk", 1), ("hopper_hop", 1)]
)
def test_every_shipped_policy_is_evaluated_on_its_emulated_robot(policy, episodes):
    report = evaluate(policy, episodes=1, emulated=episodes)
    row = report.row("emulated")
    task = load_task(policy)
    assert row.episodes == episodes
    assert row.length_max <= round(task.episode_duration * task.control_rate)
    assert (row.survival, row.success) == (1.0, 1.0)
    assert set(row.metrics) == set(report.rows[0].metrics)
    assert set(row.rewards) == set(report.rows[0].rewards)


def test_an_emulated_robot_goes_with_no_change_of_the_world():
    with pytest.raises(UserError, match="does not go with overrides"):
        evaluate("pendulum_swingup", emulated=1, overrides=("task.physics.timestep=1 ms",))
    with pytest.raises(UserError, match="emulated: -1; valid: 0 and above"):
        evaluate("pendulum_swingup", emulated=-1)


def test_names_and_loaded_experiments_train_the_same(trained, tmp_path):
    again = train(load_experiment("pendulum_ppo", SHORT[:3]), overrides=SHORT[3:], name="again", runs_dir=tmp_path)
    assert again.evaluation.document() == trained.evaluation.document()


def test_a_loaded_randomization_is_one_more_row(trained):
    other = load_randomization("pendulum").model_copy(update={"name": "other"})
    report = evaluate(trained.run.path, episodes=2, randomization=other)
    assert [row.randomization for row in report.rows] == ["pendulum", "none", "other"]


def test_a_randomization_never_takes_the_place_of_another_of_its_name(trained):
    wider = load_randomization("pendulum", ("parameters.0.limits=null", "parameters.0.range=[0.5, 2.0]"))
    report = evaluate(trained.run.path, episodes=2, randomization=wider)
    assert [row.randomization for row in report.rows] == ["pendulum", "none", "pendulum, as given"]
    assert report.rows[0].return_mean == evaluate(trained.run.path, episodes=2).rows[0].return_mean
    assert report.rows[2].return_mean != report.rows[0].return_mean
    same = evaluate(trained.run.path, episodes=2, randomization="pendulum")
    assert [row.randomization for row in same.rows] == ["pendulum", "none"]


def test_a_report_is_short_enough_to_be_shown(trained):
    assert len(repr(evaluate(trained.run.path, episodes=2))) < 1500


@pytest.mark.parametrize("function", [train, evaluate])
def test_overrides_are_texts_and_not_one_text(function):
    with pytest.raises(TypeError, match=r"overrides: 'seed=3' is one text; valid: a sequence of texts, \('seed=3',\)"):
        function("pendulum_ppo" if function is train else "pendulum_swingup", overrides="seed=3")


def test_a_run_goes_on_where_it_was(trained, tmp_path):
    report = train("pendulum_ppo", resume=trained.run.path, overrides=("steps=192",))
    assert report.steps == 192
    with pytest.raises(UserError, match="is a run of pendulum_ppo, not of pendulum_sac"):
        train("pendulum_sac", resume=trained.run.path)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (train, "give an experiment, or a run to resume"),
        (lambda: train("pendulum_pop"), "did you mean 'pendulum_ppo'"),
        (lambda: train("pendulum_ppo", overrides=("sede=3",)), "sede"),
        (lambda: evaluate("nowhere.onnx"), "cannot be read"),
        (lambda: evaluate("pendulum_swingup", episodes=0), "episodes: 0; valid: 1 and above"),
        (lambda: evaluate("pendulum_swingup", seed=-1), "seed: -1; valid: 0 to"),
        (lambda: evaluate("pendulum_swingup", randomization="pendulm"), "did you mean 'pendulum'"),
    ],
)
def test_what_is_wrong_is_one_line(call, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        call()
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
