"""The robot's installation: the base wheel in a clean environment, without torch, mujoco or gymnasium."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sim2real.configs.library import KINDS, shipped
from sim2real.configs.load import load_task
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.spec import contract_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
HEAVY = ("torch", "mujoco", "gymnasium", "onnx", "matplotlib", "tensorboard", "pyarrow")


def run(*command: str, cwd: Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    # Nothing of this environment or of the source tree may leak into the clean one.
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=600)
    if ok:
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, links as links: a build leaves its folder behind, and takes from it what was left there."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("configs", "hardware", "runtime", "sim2real", "training"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def wheel_of(source: Path, folder: Path) -> Path:
    run(*PIP, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source), cwd=folder)
    return next(folder.glob("sim2real-*.whl"))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def robot_bin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robot")
    venv.create(folder, with_pip=True)
    pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "install", "--constraint", str(ROOT / "constraints.txt"), str(wheel), cwd=folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    contract = contract_of(load_task("pendulum_swingup"))
    size = contract.observation_size
    weights = numpy_helper.from_array(np.full((size, 1), -0.05, np.float32), "W")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "W"], ["action"])],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", 1])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, to_metadata(contract, {"seed": "0"}))
    path = tmp_path_factory.mktemp("policy") / "policy.onnx"
    onnx.save(model, str(path))
    return path


def test_the_wheel_carries_every_shipped_configuration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in KINDS:
        for name in shipped(kind):
            assert f"sim2real/configs/{kind}/{name}.yaml" in names
    assert "sim2real/configs/robots/pendulum.xml" in names
    assert not [name for name in names if name.startswith("tests/")]


def top_level(names: list[str]) -> set[str]:
    return {name.partition("/")[0] for name in names} - {f"sim2real-{version('sim2real')}.dist-info"}


def test_the_only_top_level_name_of_the_wheel_is_ours(wheel: Path) -> None:
    assert top_level(zipfile.ZipFile(wheel).namelist()) == {"sim2real"}


def test_the_wheel_says_that_it_is_typed(wheel: Path) -> None:
    assert "sim2real/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_an_editable_installation_adds_one_importable_name(source: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    listing = "import pkgutil; print(*sorted(module.name for module in pkgutil.iter_modules()))"
    ask = "import importlib.util as u; print([name for name in {!r} if u.find_spec(name)])"
    before = run(python, "-c", listing, cwd=tmp_path).stdout.split()
    copy = shutil.copytree(source, tmp_path / "source", symlinks=True)
    run(*PIP, "--python", python, "install", "--no-deps", "--editable", str(copy), cwd=tmp_path)
    after = run(python, "-c", listing, cwd=tmp_path).stdout.split()
    # Beside it a file that leads to the source, which has a name that nobody else's can be.
    assert [name for name in sorted(set(after) - set(before)) if not name.startswith("__editable__")] in (
        [],
        ["sim2real"],
    )
    asked = ("sim2real", "configs", "hardware", "runtime", "training", "tests", "docs", "examples")
    assert run(python, "-c", ask.format(asked), cwd=tmp_path).stdout.strip() == "['sim2real']"
    ours = ("sim2real.configs.errors", "sim2real.hardware.types", "sim2real.runtime", "sim2real.training")
    assert run(python, "-c", ask.format(ours), cwd=tmp_path).stdout.strip() == str(list(ours))


def test_the_source_distribution_builds_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "source", symlinks=True)
    tools = str(tmp_path / "tools")
    run(*PIP, "install", "--target", tools, "setuptools>=77", cwd=tmp_path)
    build = f"import sys; sys.path.insert(0, {tools!r}); from setuptools import build_meta as b; b.build_sdist('..')"
    run(sys.executable, "-c", build, cwd=copy)
    archive = next(tmp_path.glob("sim2real-*.tar.gz"))
    (tmp_path / "wheels").mkdir()
    again = zipfile.ZipFile(wheel_of(archive, tmp_path / "wheels"))
    first = zipfile.ZipFile(wheel)
    assert sorted(again.namelist()) == sorted(first.namelist())
    for name in first.namelist():
        if not name.endswith("RECORD"):  # digests of the others, in the order in which they were found
            assert again.read(name) == first.read(name), name


def test_the_base_installation_has_none_of_the_training_libraries(robot_bin: Path, tmp_path: Path) -> None:
    probe = f"import importlib.util as u; print([m for m in {HEAVY!r} if u.find_spec(m)])"
    assert run(str(robot_bin / "python"), "-c", probe, cwd=tmp_path).stdout.strip() == "[]"


def test_every_command_is_listed_and_explains_itself(robot_bin: Path, tmp_path: Path) -> None:
    shown = run(str(robot_bin / "sim2real"), "--help", cwd=tmp_path).stdout
    for name in (
        "config",
        "run",
        "inspect",
        "emulate",
        "flash",
        "rollback",
        "status",
        "motors",
        "hil",
        "train",
        "demo",
        "replay",
        "reproduce",
        "report",
    ):
        assert f" {name} " in shown
        run(str(robot_bin / "sim2real"), name, "--help", cwd=tmp_path)


def test_inspect_works_without_the_training_libraries(robot_bin: Path, policy: Path, tmp_path: Path) -> None:
    shown = run(str(robot_bin / "sim2real"), "inspect", str(policy), "--json", cwd=tmp_path).stdout
    document = json.loads(shown)
    assert document["ok"] is True
    assert document["contract"]["robot"]["name"] == "pendulum"


def test_a_lockstep_run_works_without_mujoco(robot_bin: Path, policy: Path, tmp_path: Path) -> None:
    command = (
        str(robot_bin / "sim2real"),
        "run",
        str(policy),
        "--robot",
        "pendulum",
        "--lockstep",
        "--plant",
        "inertia",
    )
    done = run(*command, "--duration", "2", "--log", str(tmp_path / "run.mcap"), "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["final_state"] == "RUNNING"
    assert document["ticks"] >= 200
    assert (tmp_path / "run.mcap").stat().st_size > 1000
    replayed = run(str(robot_bin / "sim2real"), "replay", "run.mcap", "--policy", str(policy), "--json", cwd=tmp_path)
    assert json.loads(replayed.stdout)["ok"] is True


@pytest.mark.parametrize(
    "command", [("train", "pendulum_ppo"), ("report", "run.mcap"), ("report", "."), ("reproduce", "diverged_0.npz")]
)
def test_a_command_without_its_extra_says_what_to_install(
    robot_bin: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(str(robot_bin / "sim2real"), *command, cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert "pip install 'sim2real[train]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_every_name_of_the_face_is_there_without_the_extra_and_says_what_to_install(
    robot_bin: Path, tmp_path: Path
) -> None:
    program = """
import sim2real
for name in sim2real.__all__:
    getattr(sim2real, name)
for call in (lambda: sim2real.train("pendulum_ppo"), lambda: sim2real.evaluate("pendulum_swingup"),
             lambda: sim2real.make_env("pendulum_swingup")):
    try:
        call()
    except sim2real.UserError as error:
        print(error)
report = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, duration=1.0)
print(report.setting.plant)
"""
    *lines, plant = run(str(robot_bin / "python"), "-c", program, cwd=tmp_path).stdout.splitlines()
    assert [line.partition(" needs ")[0] for line in lines] == ["train", "evaluate", "make_env"]
    assert all(line.endswith("pip install 'sim2real[train]'") for line in lines)
    assert plant == "inertia"
