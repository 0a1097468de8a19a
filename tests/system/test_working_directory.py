"""Law of the working directory: nothing is imported from it, whatever a user's files there are called."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sim2real.hardware.child_process import PYTHON, safe_workers

SIM2REAL = str(Path(sys.executable).parent / "sim2real")

OURS = ("configs", "hardware", "runtime", "training")
"""Names of our folders: a user may have the same beside a script, as modules or as packages."""

LIBRARIES = ("yaml", "numpy", "serial", "mcap", "typer", "pydantic", "socket", "random", "typing", "tempfile", "json")
"""Names of libraries: a file of such a name in the working directory has nothing to do with this project."""


def fill(folder: Path, names: tuple[str, ...], *, packages: bool) -> None:
    """Put modules of these names there that cannot be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / name / "__init__.py" if packages else folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"raise RuntimeError({f'{name} was imported from {folder.name}'!r})\n")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with modules of every name."""
    fill(tmp_path / "here", OURS + LIBRARIES, packages=False)
    return tmp_path / "here"


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SCRIPT = """
    import sim2real

    report = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, duration=0.1)
    assert report.final_state.name == "RUNNING"
    with sim2real.emulate("pendulum", plant="inertia") as emulated:
        with sim2real.open_robot("pendulum", ports=emulated.ports) as robot:
            robot.read()
    import configs
"""


@pytest.mark.realtime
@pytest.mark.parametrize("packages", [True, False])
def test_a_script_beside_folders_of_our_names_uses_the_library_and_its_own_modules(
    here: Path, tmp_path: Path, packages: bool
) -> None:
    folder = tmp_path / "project"
    fill(folder, OURS[1:], packages=packages)
    (folder / "configs.py").write_text("print('configs of the user')\n")
    (folder / "script.py").write_text(textwrap.dedent(SCRIPT))
    for cwd in (folder, here):
        assert run(sys.executable, folder / "script.py", cwd=cwd) == "configs of the user\n"


@pytest.mark.realtime
def test_run_emulate_works_there(here: Path) -> None:
    options = ("--emulate", "--plant", "inertia", "--duration", "0.3", "--json")
    document = json.loads(run(SIM2REAL, "run", "pendulum_swingup", "--robot", "pendulum", *options, cwd=here))
    assert document["ok"], document["reasons"]
    assert document["mode"] == "emulated"


def test_train_works_there(here: Path) -> None:
    settings = ("environments=4", "steps=32", "evaluation_episodes=2", "task.episode_duration=0.2 s", "threads=1")
    settings += ("algorithm.rollout_steps=8", "algorithm.hidden=[8]")
    overrides = [part for setting in settings for part in ("--set", setting)]
    document = json.loads(run(SIM2REAL, "train", "pendulum_ppo", "--name", "first", *overrides, "--json", cwd=here))
    assert document["ok"], document["reasons"]
    assert (here / "runs" / "first" / "policy.onnx").is_file()


def test_flash_works_there(here: Path) -> None:
    document = json.loads(
        run(SIM2REAL, "flash", "pendulum_swingup", "--to", "robot", "--robot", "pendulum", "--json", cwd=here)
    )
    assert document["ok"], document["reasons"]


WORKER = """
    import multiprocessing, sys
    from sim2real.hardware.child_process import safe_workers

    def work(connection):
        import random, socket
        connection.send(sorted({random.__name__, socket.__name__}))

    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(sending,))
        with safe_workers():
            process.start()
        sending.close()
        print(receiving.recv())
        process.join()
"""


def test_workers_of_multiprocessing_work_there(here: Path, tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(WORKER))
    assert run(sys.executable, script, cwd=here) == "['random', 'socket']\n"


@pytest.mark.realtime
def test_the_far_end_of_the_bus_benchmark_works_there(here: Path) -> None:
    command = (SIM2REAL, "bench", "bus", "--motors", "2", "--seconds", "0.3", "--json")
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=300)
    document = json.loads(done.stdout)
    # On a busy machine it may miss a reading, and says so: that, too, is from the far end of the bus.
    assert document.get("bench") == "bus" or "missed" in document["reasons"][0], done.stderr


def test_the_variable_of_workers_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "", "1"):
        if before is None:
            monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        else:
            monkeypatch.setenv("PYTHONSAFEPATH", before)
        with safe_workers():
            assert os.environ["PYTHONSAFEPATH"] == "1"
        assert os.environ.get("PYTHONSAFEPATH") == before


def test_children_still_search_pythonpath(here: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_plants.py").write_text("print('found')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "mine")}
    done = subprocess.run(
        [*PYTHON, "-c", "import my_plants"], cwd=here, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("found\n", "")
