"""The robot's installation: the base wheel in a clean environment, without torch, mujoco or gymnasium."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
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
HEAVY = ("torch", "mujoco", "gymnasium", "onnx", "matplotlib", "tensorboard")


def run(*command: str, cwd: Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
    # Nothing of this environment or of the source tree may leak into the clean one.
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=600)
    if ok:
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From a copy: a build leaves its folder behind, and takes from it what an earlier one left there.
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    for name in ("configs", "hardware", "runtime", "sim2real", "training"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source), cwd=folder)
    return next(folder.glob("sim2real-*.whl"))


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
            assert f"configs/{kind}/{name}.yaml" in names
    assert "configs/robots/pendulum.xml" in names
    assert not [name for name in names if name.startswith("tests/")]


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


def test_training_without_the_extra_says_what_to_install(robot_bin: Path, tmp_path: Path) -> None:
    done = run(str(robot_bin / "sim2real"), "train", "pendulum_ppo", cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert "pip install 'sim2real[train]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
