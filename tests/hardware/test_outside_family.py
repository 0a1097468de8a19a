"""A motor family from another package has the same abilities as the project's own families.

`outside_package/` holds what its author would publish. The test copies it to its own folder and adds the metadata that
an installer writes. The commands run in separate processes, as users run them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sim2real.configs.library import ROOT
from sim2real.configs.load import load_robot
from sim2real.hardware.conformance.rig import Rig
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.spec import contract_of

SOURCES = Path(__file__).parent / "outside_package"
ENTRY_POINTS = "[sim2real.motor_families]\nacme = acme_motors.family:FAMILY\n"
METADATA = "Metadata-Version: 2.1\nName: acme-motors\nVersion: 1.2.3\n"


def install(site: Path, name: str, entry_points: str) -> None:
    info = site / f"{name}-1.2.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.replace("acme-motors", name))
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(SOURCES / "acme_motors", site / "acme_motors", ignore=shutil.ignore_patterns("__pycache__"))
    install(site, "acme_motors", ENTRY_POINTS)
    return site


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a user who has such an arm."""
    for path in (*SOURCES.iterdir(), SOURCES / "acme_motors" / "acme_a1.yaml"):
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    return tmp_path


def start(site: Path, project: Path, *command: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.Popen(
        [sys.executable, "-P", *command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(site: Path, project: Path, *command: str) -> tuple[int, str, str]:
    process = start(site, project, *command)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def sim2real(site: Path, project: Path, *arguments: str) -> dict:
    code, out, err = run(site, project, "-m", "sim2real.cli", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def port(site: Path, project: Path) -> Iterator[str]:
    process = start(site, project, "-m", "sim2real.cli", "emulate", "acme_arm.yaml", "--plant", "inertia", "--json")
    assert process.stdout is not None
    try:
        document = json.loads(process.stdout.readline())
        (described,) = document["ports"]
        assert described["protocol"] == "acme_bus"
        assert described["ids"] == [3, 4]
        yield described["path"]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.realtime
def test_it_passes_the_conformance_suites(site, project):
    code, out, err = run(
        site, project, "-m", "pytest", "acme_conformance.py", "-q", "-W", "error", "-p", "no:cacheprovider"
    )
    assert code == 0, out + err
    assert " passed" in out


@pytest.mark.realtime
def test_its_motors_can_be_emulated_scanned_and_shown(site, project, port):
    found = sim2real(site, project, "motors", "scan", "--port", port, "--protocol", "acme_bus", "--baudrate", "1000000")
    assert [(motor["id"], motor["protocol"], motor["model_number"]) for motor in found["motors"]] == [
        (3, "acme_bus", 7),
        (4, "acme_bus", 7),
    ]
    shown = sim2real(site, project, "motors", "show", "--port", port, "--id", "3", "--baudrate", "1000000")
    assert shown["protocol"] == "acme_bus"  # found among all families
    assert shown["registers"]["model"] == 7.0


def test_a_policy_runs_on_the_family_in_lockstep(site, project):
    write = project / "write.py"
    write.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_outside_family import write_hold\nwrite_hold()\n"
    )
    code, _, err = run(site, project, str(write))
    assert code == 0, err
    report = sim2real(site, project, "run", "hold.onnx", "--robot", "acme_arm.yaml", "--lockstep", "--duration", "2")
    assert report["ok"], report["reasons"]
    assert report["goal_reached"]


def write_hold() -> None:
    """Write a policy of the arm that commands its default pose; runs in a process with the family installed."""
    from sim2real.configs.load import load_task

    contract = contract_of(load_task("./acme_hold.yaml"))
    weights = np.zeros((contract.observation_size, contract.action_size), np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "W"], ["action"])],
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", contract.observation_size])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", contract.action_size])],
        [numpy_helper.from_array(weights, "W")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, to_metadata(contract, {"seed": "0"}))
    onnx.save(model, "hold.onnx")


def test_json_schema_has_its_registers_and_new_robot_its_start_values(site, project):
    sim2real(site, project, "config", "schema", "schema")
    motors = json.loads((project / "schema" / "motors.json").read_text())
    assert "AcmeRegisters" in motors["$defs"]
    robots = json.loads((project / "schema" / "robots.json").read_text())
    assert "acme_bus" in robots["$defs"]["BusConfig"]["properties"]["protocol"]["enum"]
    sim2real(site, project, "new", "robot", "arm.xml", "--bus-protocol", "acme_bus", "-o", "mine.yaml")
    made = sim2real(site, project, "config", "show", "robots", "./mine.yaml")["config"]
    assert made["joints"]["elbow"]["motor"]["name"] == "acme_a1"
    assert made["joints"]["elbow"]["effort_limit"] == "2.0 N*m"  # half of its stall torque, as the family says


def test_a_wrong_value_of_its_registers_is_refused_with_file_and_line(site, project):
    motor = project / "acme_a1.yaml"
    motor.write_text(motor.read_text().replace("model_number: 7", "model_number: 7\n  stifness: 3.0"))
    code, out, _ = run(site, project, "-m", "sim2real.cli", "config", "show", "robots", "acme_arm.yaml", "--json")
    assert code == 1
    (reason,) = json.loads(out)["reasons"]
    assert reason.startswith(f"{motor}:20: joints.shoulder.motor.registers.stifness: unknown key (did you mean 'stiff")


def test_without_the_package_the_family_is_refused_with_the_installed_ones(tmp_path, project):
    code, out, _ = run(tmp_path, project, "-m", "sim2real.cli", "config", "show", "robots", "acme_arm.yaml", "--json")
    assert code == 1
    (reason,) = json.loads(out)["reasons"]
    assert "'acme" in reason
    assert "is not a choice" in reason
    assert "valid: dynamixel" in reason


def test_a_broken_family_is_named_with_its_traceback_and_the_others_work(tmp_path, project):
    site = tmp_path / "broken"
    install(site, "broken_motors", "[sim2real.motor_families]\nbroken = broken_motors:FAMILY\n")
    (site / "broken_motors.py").write_text("FAMILY = 1 / 0\n")
    shown = sim2real(site, project, "config", "show", "robots", "pendulum")
    assert shown["config"]["buses"]["main"]["protocol"] == "dynamixel2"
    motor = project / "acme_a1.yaml"
    motor.write_text(motor.read_text().replace("family: acme", "family: broken"))
    code, _, err = run(site, project, "-m", "sim2real.cli", "config", "show", "motors", "./acme_a1.yaml")
    assert code == 1
    assert "motor family 'broken' of broken_motors 1.2.3 failed to load:" in err
    assert "ZeroDivisionError" in err
    code, _, err = run(site, project, "-m", "sim2real.cli", "config", "schema", "schema")
    assert code == 0
    assert "motor family 'broken' of broken_motors 1.2.3 failed to load:" in err


def test_a_motor_yaml_of_ones_own_needs_no_edit_of_the_package(tmp_path):
    text = (ROOT / "motors" / "xm430_w350.yaml").read_text().replace("name: xm430_w350", "name: mine")
    (tmp_path / "mine.yaml").write_text(text.replace("4.1 N*m\n", "3.3 N*m\n"))
    robot = (ROOT / "robots" / "pendulum.yaml").read_text().replace("motor: xm430_w350", "motor: ./mine.yaml")
    (tmp_path / "robot.yaml").write_text(robot)
    rig = Rig(load_robot(str(tmp_path / "robot.yaml"))).enabled()
    rig.command.effort[:] = 0.3
    rig.ticks(20)
    assert rig.joints[0].motor.nominal.stall_torque == 3.3
    assert rig.plant.position[0] > 0.05
