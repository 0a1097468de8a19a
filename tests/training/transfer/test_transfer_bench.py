"""Laws of running a transfer study: finished runs are not repeated; emulated episodes are evaluated by true states."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task, load_transfer
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.transfer import results
from sim2real.training.transfer.benchmark import Options, bench_transfer, ratios, text_of
from sim2real.training.transfer.emulated import evaluate_emulated

SMALL = (
    "steps=256",
    "tasks.0.training_duration=1000 s",
    "tasks.0.experiment.environments=8",
    "tasks.0.experiment.threads=1",
    "tasks.0.experiment.task.episode_duration=0.5 s",
    "tasks.0.experiment.algorithm.hidden=[8]",
    "tasks.0.experiment.episode_duration=0.5 s",
    "worlds=[{name: home, description: as trained, held_out: false},"
    " {name: heavy, description: heavier, changes: [{parameter: body_mass, value: 1.4}]}]",
)
STUDY = load_transfer("sim_to_sim", SMALL)


def options(folder, **changes):
    return Options(
        folder,
        **{
            "seeds": (0,),
            "tasks": ("pendulum_swingup",),
            "strategies": ("fixed_1", "adr"),
            "episodes": 3,
            "gap_s": 2.0,
            "progress": False,
        }
        | changes,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    said = []
    return folder, bench_transfer(STUDY, options(folder), said.append), said


def test_a_study_trains_evaluates_and_compares(finished):
    folder, findings, said = finished
    found = findings["pendulum_swingup"]
    assert set(found.tables["performance"].figures) == {"fixed_1", "adr"}
    assert not found.missing
    assert found.gaps[0].aligned_rms < 0.01
    assert list(ratios(findings)) in ([], ["pendulum_swingup_adr_over_best_fixed"])
    assert "heavy" in text_of(findings)
    assert (folder / "transfer.png").is_file()
    document = json.loads((folder / "transfer.json").read_text())
    assert document["pendulum_swingup"]["tables"]["survival"]["adr"]["heavy"]["seeds"] == 1
    assert sum("training" in line for line in said) == 2


def documents(findings):
    return {name: table.document() for name, table in findings["pendulum_swingup"].tables.items()}


def test_finished_runs_are_not_repeated(finished, monkeypatch):
    folder, findings, _ = finished

    def refuse(*_arguments, **_options):
        raise AssertionError("done again")

    monkeypatch.setattr(results, "train", refuse)
    monkeypatch.setattr(results, "evaluate_in_world", refuse)
    said = []
    again = bench_transfer(STUDY, options(folder, gap_s=0.0), said.append)
    assert documents(again) == documents(findings)
    assert not said
    # In a changed world it is evaluated again.
    with pytest.raises(AssertionError, match="done again"):
        bench_transfer(STUDY, options(folder, episodes=4), said.append)


def test_only_an_interrupted_run_is_trained_again(finished, monkeypatch):
    folder, _, _ = finished
    broken = folder / "pendulum_swingup/adr/seed0"
    (broken / "policy.onnx").unlink()
    trained = []
    really = results.train
    monkeypatch.setattr(
        results, "train", lambda experiment, path, **more: (trained.append(path), really(experiment, path, **more))
    )
    only = bench_transfer(STUDY, options(folder, train=False, gap_s=0.0), lambda _line: None)
    assert only["pendulum_swingup"].missing == ("pendulum_swingup/adr/seed0",)
    assert not trained
    bench_transfer(STUDY, options(folder, gap_s=0.0), lambda _line: None)
    assert trained == [broken]


def test_runs_of_another_study_are_refused(finished):
    folder, _, _ = finished
    other = load_transfer("sim_to_sim", (*SMALL, "steps=512"))
    with pytest.raises(UserError, match="trained with another experiment"):
        bench_transfer(other, options(folder), lambda _line: None)


def test_wrong_names_and_empty_folders_cost_one_line(tmp_path):
    with pytest.raises(UserError, match=r"no task 'fly'.*valid: pendulum_swingup, so101_reach, quadruped_walk"):
        bench_transfer(STUDY, options(tmp_path, tasks=("fly",)), print)
    with pytest.raises(
        UserError, match=r"no strategy 'luck'.*valid: none, fixed_0\.5, fixed_1, fixed_1\.5, adr, doraemon"
    ):
        bench_transfer(STUDY, options(tmp_path, strategies=("luck",)), print)
    with pytest.raises(UserError, match="no finished run"):
        bench_transfer(STUDY, options(tmp_path, train=False), print)


def test_the_command_continues_an_unfinished_study(finished):
    folder, findings, _ = finished
    arguments = ["--task", "pendulum_swingup", "--strategy", "fixed_1", "--seeds", "0", "--episodes", "3"]
    overrides = [word for text in SMALL for word in ("--set", text)]
    done = CliRunner().invoke(
        app,
        [
            "bench",
            "transfer",
            *arguments,
            "--output",
            str(folder),
            "--no-gap",
            "--evaluate-only",
            "--json",
            *overrides,
        ],
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["bench"], document["ok"]) == ("transfer", True)
    table = document["figures"]["tasks"]["pendulum_swingup"]["tables"]["performance"]
    assert table["fixed_1"] == findings["pendulum_swingup"].tables["performance"].document()["fixed_1"]
    wrong = CliRunner().invoke(app, ["bench", "transfer", "--seeds", "0,0", "--output", str(folder)])
    assert wrong.exit_code == 1


class Still:
    """A policy with zero actions."""

    provenance = {}  # noqa: RUF012 - the protocol's own attribute
    digest = ""

    def __init__(self, task):
        self.contract = contract_of(task)

    def act(self, _observation):
        return np.zeros((1, self.contract.action_size), np.float32)


def test_the_emulated_arm_agrees_with_kinematics():
    task = load_task("so101_reach", ("command_source.hold=null",))
    places = {"tip_x": 0.3, "tip_y": 0.05, "tip_z": 0.2}
    ranges = {
        name: task.commands[name].model_copy(update={"range": (place - 0.01, place + 0.01), "default": place})
        for name, place in places.items()
    }
    task = task.model_copy(update={"commands": ranges})
    judgement = evaluate_emulated(Still(task), task, 1, 2.0, seed=0)
    pose = np.array([[joint.default_position for joint in task.robot.joints.values()]])
    distance = np.linalg.norm(Kinematics(contract_of(task).robot, 1).tip(pose)[0] - list(places.values()))
    # The arm sags some millimetres under its weight, and the target is drawn within 17 mm.
    assert judgement.metrics["tip_error"] == pytest.approx(distance, abs=0.03)
    assert judgement.survival == 1.0
    assert judgement.success == 0.0
    assert judgement.performance == pytest.approx(1.0 / (1.0 + (distance / 0.02) ** 2), rel=0.5)


def test_the_emulated_quadruped_stands_and_one_that_lies_down_does_not_survive():
    task = load_task("quadruped_walk")
    stays = evaluate_emulated(Still(task), task, 1, 0.5, seed=0)
    assert stays.survival == 1.0
    strict = task.model_copy(
        update={"terminations": tuple(end.model_copy(update={"limit": 0.3}) for end in task.terminations[1:])}
    )
    assert evaluate_emulated(Still(strict), strict, 1, 0.5, seed=0).survival == 0.0
