"""Laws of a run whose task has modules: it goes on, moves, and is evaluated with the text it was trained with."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.runtime.policy import OnnxPolicy
from sim2real.task.module import forget_modules
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.evaluation import evaluate
from sim2real.training.run_folder import RunFolder
from sim2real.training.runner import resume, train
from sim2real.training.saved_policy import export_run, load_saved_policy

MODULE = """
import numpy as np

from sim2real.task import reward, termination


@reward()
def hanging(state, constants, scale):
    return FACTOR * np.cos(state.position[:, 0])


@termination()
def fast(state, constants, limit):
    return np.abs(state.velocity[:, 0]) > limit
"""
TASK = ("task.rewards=[{term: hanging, weight: 1.0}]", "task.terminations=[{term: fast, limit: 50.0}]")
SMALL = (
    "environments=4", "steps=64", "algorithm.rollout_steps=8", "algorithm.minibatches=2", "algorithm.epochs=1",
    "algorithm.hidden=[8]", "evaluation_episodes=2", "checkpoint_every=1", "threads=1", "task.episode_duration=0.5 s",
)  # fmt: skip


def module(folder: Path, factor: float = 1.0) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "my_terms.py"
    path.write_text(MODULE.replace("FACTOR", str(factor)))
    return path


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that was trained with a module of the user's, `user/my_terms.py`."""
    path = module(tmp_path / "user")
    experiment = load_experiment("pendulum_ppo", (*SMALL, f"task.modules=[{path}]", *TASK))
    train(experiment, tmp_path / "run", progress=False)
    return RunFolder.open(tmp_path / "run")


def played(path: Path, *overrides: str) -> float:
    saved = load_saved_policy(path, overrides)
    return evaluate(saved.act, saved.experiment.task, saved.experiment.randomization, 4, seed=5).return_mean


def test_a_run_keeps_the_text_and_the_digest_in_its_folder_and_in_its_checkpoints(run: RunFolder) -> None:
    (kept,) = (run.path / "modules").iterdir()
    text = MODULE.replace("FACTOR", "1.0")
    assert kept.read_text() == text
    checkpoint = load_checkpoint(run.latest_checkpoint())
    assert checkpoint.modules == {kept.name: text}
    for written in (run.config.read_text(), checkpoint.experiment):
        (entry,) = yaml.safe_load(written)["task"]["modules"]
        assert entry["module"] == f"modules/{kept.name}"
        assert kept.name == f"my_terms-{entry['sha256'][:12]}.py"
    assert load_experiment(str(run.config)).task.modules[0].module == str(kept)


def test_a_run_moves_and_its_module_changes_and_it_is_evaluated_as_it_was_trained(
    run: RunFolder, tmp_path: Path
) -> None:
    before = played(run.path)
    module(tmp_path / "user", factor=100.0)
    assert played(run.path) == before
    shutil.rmtree(tmp_path / "user")
    moved = tmp_path / "archive" / "moved"
    moved.parent.mkdir()
    shutil.move(run.path, moved)
    assert played(moved) == before
    assert played(moved / "policy.onnx") == pytest.approx(before, rel=1e-4)
    export_run(moved, tmp_path / "again.onnx")
    assert OnnxPolicy(tmp_path / "again.onnx").contract == OnnxPolicy(moved / "policy.onnx").contract


def test_a_run_resumes_with_the_kept_text_bit_for_bit(run: RunFolder, tmp_path: Path) -> None:
    module(tmp_path / "user", factor=100.0)
    resume(run.path, ("steps=96",), progress=False)
    again = load_experiment(str(run.config), ("steps=96",))
    train(again, tmp_path / "whole", progress=False)
    resumed, whole = (
        load_checkpoint(RunFolder.open(path).latest_checkpoint()) for path in (run.path, tmp_path / "whole")
    )
    assert resumed.steps == whole.steps == 96
    assert all(torch.equal(resumed.policy[name], whole.policy[name]) for name in whole.policy)
    # Going on renames nothing: the kept file is kept under its own name.
    assert len(list((run.path / "modules").iterdir())) == 1
    assert resumed.modules == whole.modules


def test_a_training_run_is_not_touched_by_what_happens_to_the_file_meanwhile(tmp_path: Path) -> None:
    path = module(tmp_path / "user")
    changing = f"    Path({str(path)!r}).write_text('1 / 0')\n    return np.abs"
    text = "from pathlib import Path\n" + path.read_text().replace("    return np.abs", changing)
    path.write_text(text)
    experiment = load_experiment("pendulum_ppo", (*SMALL, f"task.modules=[{path}]", *TASK))
    train(experiment, tmp_path / "run", progress=False)
    assert path.read_text() == "1 / 0"
    (kept,) = (tmp_path / "run" / "modules").iterdir()
    assert kept.read_text() == text


def test_a_kept_module_that_was_deleted_comes_back_from_the_checkpoint(run: RunFolder) -> None:
    before = played(run.path)
    shutil.rmtree(run.path / "modules")
    assert played(run.path) == before
    assert len(list((run.path / "modules").iterdir())) == 1


def test_a_kept_module_that_was_edited_is_refused_in_one_line(run: RunFolder) -> None:
    (kept,) = (run.path / "modules").iterdir()
    kept.write_text("print('other')\n")
    for use in (lambda: played(run.path), lambda: resume(run.path, ("steps=96",)), lambda: export_run(run.path, kept)):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value).startswith(f"{kept}: is not the text that the run was trained with; delete it")
        assert str(caught.value).isprintable()


def test_an_exported_policy_carries_no_code_and_refuses_another_text(run: RunFolder, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / "policy.onnx"
    alone.parent.mkdir()
    shutil.copy(run.policy, alone)
    before = played(run.policy)
    assert played(alone) == before
    assert b"def hanging" not in alone.read_bytes()
    path = module(tmp_path / "user", factor=2.0)
    forget_modules()  # as in another process
    with pytest.raises(UserError, match=rf"^{alone}: task .*: modules\.0: {path} is not the text that is rec"):
        played(alone)
    path.unlink()
    with pytest.raises(
        UserError, match=rf"{path}: cannot be read: No such file.*; .* modules/: copy that beside the policy$"
    ):
        played(alone)
    assert played(run.policy) == before


def test_an_override_may_put_another_module_in_place_and_a_mistake_in_it_is_told_as_given(
    run: RunFolder, tmp_path: Path
) -> None:
    other = module(tmp_path / "other", factor=3.0)
    before = played(run.path)
    assert played(run.path, f"task.modules=[{other}]") == pytest.approx(3.0 * before)
    with pytest.raises(UserError, match=r"^--set task\.rewards\.0\.term=hangin: .*did you mean 'hanging'"):
        played(run.path, "task.rewards.0.term=hangin")


def test_an_installed_module_with_another_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = module(tmp_path / "site").rename(tmp_path / "site" / "acme_kept.py")
    monkeypatch.syspath_prepend(str(package.parent))
    experiment = load_experiment("pendulum_ppo", (*SMALL, "task.modules=[acme_kept]", *TASK))
    train(experiment, tmp_path / "run", progress=False)
    before = played(tmp_path / "run")
    assert before == played(tmp_path / "run")
    package.write_text(MODULE.replace("FACTOR", "7.0"))
    forget_modules()
    monkeypatch.delitem(sys.modules, "acme_kept")
    with pytest.raises(UserError, match=r"acme_kept is not the text that is recorded: .*its folder modules/$"):
        played(tmp_path / "run")


def test_a_checkpoint_cannot_put_a_module_elsewhere(run: RunFolder) -> None:
    from sim2real.training.kept_modules import keep

    with pytest.raises(UserError, match="which is no file name"):
        keep(run.path, {"../escaped.py": "x = 1"})
    assert not (run.path / "escaped.py").exists()
