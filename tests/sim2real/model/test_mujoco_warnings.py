"""Laws of MuJoCo's warnings: counted by kind, told in one line, and never a file in the working directory."""

import re
import subprocess
import sys
from pathlib import Path

import mujoco
import pytest
from mujoco.batch import Batch

import sim2real
from sim2real.model.mujoco_warnings import count_warnings, taken_summary

MODEL = "<mujoco><worldbody><body><joint name='j'/><geom size='.1'/></body></worldbody></mujoco>"
DIVERGING = """
import sim2real
env = sim2real.make_env("pendulum_swingup", num_envs=3, threads=2)
env.reset()
for _ in range(20):
    env.simulation.batch.bind("qvel")[:] = 1e11
    env.step([[0.0]] * 3)
"""


@pytest.fixture
def diverging():
    count_warnings()
    taken_summary()  # those of other tests
    batch = Batch(mujoco.MjModel.from_xml_string(MODEL), nsim=5, nthread=2)

    def diverge(times: int) -> None:
        for _ in range(times):
            batch.bind("qvel")[:] = 1e11
            batch.warning[:] = 0  # MuJoCo tells only the first of each kind, until the count is cleared
            batch.step()

    return diverge


def test_every_warning_of_every_thread_is_counted_by_its_kind(diverging, capfd):
    diverging(20)
    summary = taken_summary()
    assert summary == (
        "MuJoCo warned 100 times, the first of each kind: "
        "100 × Nan, Inf or huge value in QVEL at DOF 0. The simulation is unstable. Time = 0.0000."
    )
    assert taken_summary() is None
    diverging(1)
    assert taken_summary().startswith("MuJoCo warned 5 times")
    assert capfd.readouterr() == ("", "")


def test_one_line_at_the_end_of_a_process_and_no_log_file(tmp_path):
    """Once a diverging training printed hundreds of lines."""
    run = subprocess.run([sys.executable, "-c", DIVERGING], cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = run.stderr.splitlines()
    assert line.startswith("MuJoCo warned 60 times, the first of each kind: 60 × Nan, Inf or huge value in QVEL")
    assert list(tmp_path.iterdir()) == []
    assert run.stdout == ""


def test_a_handler_of_somebody_else_stays():
    code = "import mujoco; seen = []; mujoco.set_mju_user_warning(seen.append)" + DIVERGING + "print(len(seen))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("60\n", "")


def test_warnings_of_a_parent_are_not_told_by_its_forked_child():
    code = DIVERGING + "import os, sys\nif os.fork() == 0: sys.exit()\nos.wait()"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.count("MuJoCo warned") == 1


def test_models_are_read_in_one_place_which_counts():
    """A model read elsewhere would bring the lines and the file back."""
    packages = Path(sim2real.__file__).parents[1]
    readers = {
        path.relative_to(packages).as_posix()
        for folder in ("sim2real", "training", "runtime")
        for path in (packages / folder).rglob("*.py")
        if re.search(r"MjSpec\.from_file|MjModel\.from_(xml|binary)_path", path.read_text(encoding="utf-8"))
    }
    assert readers == {"sim2real/model/compilation.py", "sim2real/simulation/divergence.py"}
