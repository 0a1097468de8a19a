"""Laws of who trains a run: one process at a time, and nobody once it has ended, however."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim2real.configs.errors import UserError
from sim2real.training.run_claim import claimed, discard_unbegun
from sim2real.training.run_folder import RunFolder
from sim2real.training.runner import resume

HOLDS = """
import os, sys
from pathlib import Path
from sim2real.training.run_claim import claimed, discard_unbegun
from sim2real.training.run_folder import RunFolder
with claimed(RunFolder(Path(sys.argv[1]))):
    child = os.fork()
    if child == 0:
        sys.stdin.read()
        os._exit(0)
    print(child, flush=True)
    sys.stdin.read()
"""


def test_a_run_has_one_trainer_until_it_is_killed(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    run.config.write_text("")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    forked = int(holder.stdout.readline())
    said = rf"run: process {holder.pid} is training it; valid: once that one has ended"
    try:
        with pytest.raises(UserError, match=said), claimed(run):
            pass
        part = run.checkpoints / "000001.pt.part"
        part.write_bytes(b"being written")
        with pytest.raises(UserError, match=said):
            resume(run.path, progress=False)
        assert part.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(forked, 0)  # what the killed one forked lives on, and holds nothing
        with claimed(run):
            pass
    finally:
        holder.kill()
        holder.communicate()


def test_a_run_is_free_after_its_training_and_after_its_failure(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    for _ in range(2):
        with pytest.raises(ValueError, match="fails"), claimed(run):
            raise ValueError("fails")
    assert [path.name for path in run.checkpoints.iterdir()] == [".lock"]


def unbegun(folder: Path) -> RunFolder:
    """Return what a process leaves that is killed before the first checkpoint."""
    run = RunFolder.create(folder)
    run.config.write_text("name: half\n")
    (folder / "model").mkdir()
    (run.checkpoints / "000000.pt.part").write_bytes(b"half")
    (run.checkpoints / ".lock").write_text("1")  # of a process that is not this one
    return run


def test_the_name_of_a_run_that_was_killed_before_it_saved_anything_is_free(tmp_path: Path) -> None:
    run = unbegun(tmp_path / "run")
    with pytest.raises(UserError, match="not empty"):
        RunFolder.create(run.path)
    discard_unbegun(run)
    RunFolder.create(run.path)


@pytest.mark.parametrize("kept", ["checkpoints/000000.pt", "metrics.jsonl", "notes.txt"])
def test_a_folder_that_holds_anything_else_is_left_alone(kept: str, tmp_path: Path) -> None:
    run = unbegun(tmp_path / "run")
    (run.path / kept).write_text("mine")
    discard_unbegun(run)
    assert (run.path / kept).read_text() == "mine"


def test_a_folder_that_a_process_is_making_is_left_alone(tmp_path: Path) -> None:
    run = unbegun(tmp_path / "run")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        discard_unbegun(run)
        assert run.config.exists()
    finally:
        holder.kill()
        holder.communicate()
    with claimed(run):  # and one that this very process is making
        discard_unbegun(run)
        assert run.config.exists()
