"""Laws of a run's model: it goes on, moves and is evaluated with the one it was trained with, or is refused by name."""

import shutil
from pathlib import Path

import mujoco
import pytest
import torch
import yaml

from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_experiment, load_robot
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.evaluation import evaluate
from sim2real.training.kept_model import ModelRecord, record_of
from sim2real.training.run_folder import RunFolder
from sim2real.training.runner import resume, train
from sim2real.training.saved_policy import export_run, load_saved_policy

SMALL = (
    "environments=4", "steps=64", "algorithm.rollout_steps=8", "algorithm.minibatches=2", "algorithm.epochs=1",
    "algorithm.hidden=[8]", "evaluation_episodes=2", "checkpoint_every=1", "threads=1", "task.episode_duration=0.5 s",
)  # fmt: skip
MAIN = """
<mujoco model="arm">
  <compiler meshdir="../meshes"/>
  <include file="options/gravity.xml"/>
  <asset><mesh name="rod" file="rod.obj"/><mesh name="far" file="{far}"/></asset>
  <worldbody><body name="link" pos="0 0 1"><joint name="pivot" axis="0 1 0"/>
    <geom type="mesh" mesh="rod" mass="0.1"/><geom type="mesh" mesh="far" mass="0.01"/></body></worldbody>
</mujoco>
"""
MESH = "v 0 0 0\nv 0 0 -0.1\nv 0.02 0 0\nv 0 0.02 0\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project: `robot/arm.xml`, which includes a file, and reads a mesh beside it and one named absolutely."""
    folder = tmp_path / "project"
    for name in ("robot/options", "meshes"):
        (folder / name).mkdir(parents=True)
    far = tmp_path / "far.obj"
    far.write_text(MESH)
    (folder / "meshes" / "rod.obj").write_text(MESH)
    (folder / "robot" / "options" / "gravity.xml").write_text('<mujoco><option gravity="0 0 -9.81"/></mujoco>')
    (folder / "robot" / "arm.xml").write_text(MAIN.format(far=far))
    robot = yaml.safe_load((ROOT / "robots" / "pendulum.yaml").read_text())
    (folder / "robot" / "arm.yaml").write_text(yaml.safe_dump(robot | {"model": "arm.xml"}))
    return folder


@pytest.fixture
def run(project: Path) -> RunFolder:
    overrides = (*SMALL, "randomization=none", f"task.robot={project / 'robot' / 'arm.yaml'}")
    return train(load_experiment("pendulum_ppo", overrides), project / "runs" / "first", progress=False).run


def change(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace("0.1", "0.2").replace("9.81", "3.7") if path.suffix == ".xml" else text + "\n# other")
    assert path.read_text() != text


def played(path: Path, *overrides: str) -> float:
    saved = load_saved_policy(path, overrides)
    return evaluate(saved.act, saved.experiment.task, saved.experiment.randomization, 4, seed=5).return_mean


def test_a_run_keeps_every_file_that_its_model_reads_and_their_digests(run: RunFolder, tmp_path: Path) -> None:
    kept = sorted(str(path.relative_to(run.path / "model")) for path in (run.path / "model").rglob("*.*"))
    assert kept == ["meshes/rod.obj", "robot/arm.xml", "robot/options/gravity.xml"]
    record = ModelRecord.of(load_checkpoint(run.latest_checkpoint()).model)
    assert record is not None
    assert sorted(record.files) == sorted([*kept, str(tmp_path / "far.obj")])
    assert yaml.safe_load(run.config.read_text())["task"]["robot"]["model"] == "model/robot/arm.xml"
    assert load_experiment(str(run.config)).task.robot.model == str(run.path / "model" / "robot" / "arm.xml")
    assert mujoco.MjModel.from_xml_path(str(run.path / "model" / "robot" / "arm.xml")).nmesh == 2


def test_a_run_that_is_moved_or_copied_alone_or_with_its_project_goes_on(run: RunFolder, tmp_path: Path) -> None:
    project, before = run.path.parents[1], played(run.path)
    shutil.copytree(run.path, tmp_path / "copied")
    shutil.move(project, tmp_path / "elsewhere")
    resumed = []
    for place in (tmp_path / "elsewhere" / "runs" / "first", tmp_path / "copied"):
        assert played(place) == before
        assert played(place / "policy.onnx") == pytest.approx(before, rel=1e-4)
        export_run(place, place / "again.onnx")
        assert played(place / "again.onnx") == pytest.approx(before, rel=1e-4)
        resumed.append(load_checkpoint(resume(place, ("steps=96",), progress=False).run.latest_checkpoint()))
    one, other = resumed
    assert one.steps == 96
    assert all(torch.equal(one.policy[name], other.policy[name]) for name in one.policy)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("name", ["robot/arm.xml", "robot/options/gravity.xml", "meshes/rod.obj"])
def test_a_changed_original_changes_nothing_and_is_named(run: RunFolder, tmp_path: Path, name, moved, capsys) -> None:
    before, project, folder = played(run.path), run.path.parents[1], run.path
    if moved:
        project = shutil.move(project, tmp_path / "elsewhere")
        folder = project / "runs" / "first"
    capsys.readouterr()
    change(project / name)
    assert played(folder) == before
    assert (
        f"note: {project / name} is not what the policy was trained with: its sha256 begins" in capsys.readouterr().err
    )
    resume(folder, ("steps=96",), progress=False)
    assert f"note: {project / name} is not" in capsys.readouterr().err
    (project / "robot" / "arm.xml").unlink()
    assert played(folder) is not None


@pytest.mark.parametrize("name", ["robot/arm.xml", "robot/options/gravity.xml", "meshes/rod.obj"])
def test_a_changed_copy_is_refused_by_name(run: RunFolder, tmp_path: Path, name: str) -> None:
    before, kept = played(run.path), run.path / "model" / name
    change(kept)
    for use in (
        lambda: played(run.path),
        lambda: resume(run.path, ("steps=96",), progress=False),
        lambda: export_run(run.path, tmp_path / "policy.onnx"),
    ):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value).startswith(f"{run.path}: {kept} is not what the policy was trained with: its sha256")
        assert str(caught.value).isprintable()
    kept.unlink()
    if name != "robot/arm.xml":
        with pytest.raises(UserError, match=f"{kept} is missing"):
            played(run.path)
    shutil.rmtree(run.path / "model")  # the original is still as it was
    assert played(run.path) == before


def test_a_changed_file_that_the_model_names_absolutely_is_refused(run: RunFolder, tmp_path: Path) -> None:
    change(tmp_path / "far.obj")
    with pytest.raises(UserError, match=rf"{tmp_path / 'far.obj'} is not what the policy was trained with"):
        played(run.path)


def test_a_policy_alone_finds_the_original_or_refuses_it(run: RunFolder, tmp_path: Path) -> None:
    alone, before = tmp_path / "alone" / "policy.onnx", played(run.policy)
    alone.parent.mkdir()
    shutil.copy(run.policy, alone)
    assert played(alone) == before
    model = run.path.parents[1] / "robot" / "arm.xml"
    text = model.read_text()
    change(model)
    with pytest.raises(UserError, match=rf"^{alone}: {model} is not what .*--set task\.robot\.model=PATH$"):
        played(alone)
    assert played(alone, f"task.robot.model={model}") != before  # another world, on purpose
    shutil.copytree(run.path / "model", alone.parent / "model")
    assert played(alone) == before
    model.write_text(text)
    shutil.rmtree(alone.parent / "model")
    assert played(alone) == before


def test_a_shipped_model_stays_a_name_and_is_kept_for_another_version(tmp_path: Path, monkeypatch) -> None:
    run = train(load_experiment("pendulum_ppo", SMALL), tmp_path / "run", progress=False).run
    before = played(run.path)
    assert yaml.safe_load(run.config.read_text())["task"]["robot"]["model"] == "pendulum.xml"
    other = tmp_path / "package"
    shutil.copytree(ROOT / "robots", other / "robots")
    for module in ("sim2real.training.kept_model", "sim2real.model.model"):
        monkeypatch.setattr(f"{module}.ROOT", other)
    assert played(run.path) == before
    model = other / "robots" / "pendulum.xml"
    changed = model.read_text().replace('mass="', 'mass="1')
    assert changed != model.read_text()
    model.write_text(changed)
    assert played(run.path) == before
    shutil.rmtree(run.path / "model")
    with pytest.raises(UserError, match=rf"{model} is not what the policy was trained with"):
        played(run.path)


def test_a_run_from_before_models_were_kept_is_read_as_ever(run: RunFolder) -> None:
    assert ModelRecord.of({}) is None
    with pytest.raises(UserError, match="does not exist"):
        record_of(load_robot("pendulum").model_copy(update={"model": "/nowhere/arm.xml"}))
