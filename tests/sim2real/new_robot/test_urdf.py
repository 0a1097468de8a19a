"""Laws of URDF: mimic joints follow, meshes in packages are found, and what is not found leaves no file."""

import struct
from pathlib import Path

import mujoco
import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.load import load_robot
from sim2real.plant import MujocoPlant

INERTIA = '<inertia ixx=".001" iyy=".001" izz=".001" ixy="0" ixz="0" iyz="0"/>'
LINK = '<link name="{0}"><inertial><mass value=".1"/>' + INERTIA + "</inertial>{1}</link>"
JOINT = (
    '<joint name="{0}" type="revolute"><parent link="{1}"/><child link="{2}"/><origin xyz=".2 0 0"/><axis xyz="0 1 0"/>'
    '<limit lower="-1" upper="1" effort="2" velocity="3"/>{3}</joint>'
)
MESH = '<collision><geometry><mesh filename="package://arm_description/meshes/upper.stl"/></geometry></collision>'
ARM = (
    '<robot name="arm">'
    + LINK.format("base", "")
    + LINK.format("upper", MESH)
    + LINK.format("lower", "")
    + LINK.format("finger", "")
    + JOINT.format("shoulder", "base", "upper", "")
    + JOINT.format("elbow", "upper", "lower", "")
    + JOINT.format("grip", "lower", "finger", '<mimic joint="elbow" multiplier="0.5"/>')
    + "</robot>"
)
CORNERS = [(0.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.0, 0.02, 0.0), (0.0, 0.0, 0.02)]
FACES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one mesh and a URDF."""
    folder = tmp_path / "src" / "arm_description"
    (folder / "meshes").mkdir(parents=True)
    (folder / "urdf").mkdir()
    triangles = b"".join(
        struct.pack("<12fH", 0, 0, 0, *sum((CORNERS[corner] for corner in face), ()), 0) for face in FACES
    )
    (folder / "meshes/upper.stl").write_bytes(bytes(80) + struct.pack("<I", len(FACES)) + triangles)
    (folder / "urdf/arm.urdf").write_text(ARM, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("ROS_PACKAGE_PATH", raising=False)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["new", "robot", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_mesh_is_found_in_the_package_that_the_file_is_in(package: Path) -> None:
    status, out, err = run(package / "urdf/arm.urdf")
    assert (status, err) == (0, "")
    assert "hinge joint 'grip': an equality ties it to 'elbow'" in out
    assert sorted(path.name for path in Path().iterdir()) == ["arm.xml", "arm.yaml"]
    plant = MujocoPlant(load_robot("./arm.yaml"))
    assert plant.model.nmesh == 1
    assert list(load_robot("./arm.yaml").joints) == ["shoulder", "elbow"]
    assert str(package) not in Path("arm.xml").read_text(encoding="utf-8")  # moved together, they stay together


@pytest.mark.parametrize("way", ["package", "its folder", "variable"])
def test_a_mesh_is_found_where_the_user_says(way: str, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.urdf").write_text(ARM, encoding="utf-8")
    status, _, err = run("mine.urdf")
    assert (status, err.count("\n")) == (1, 1)
    assert "package://arm_description/meshes/upper.stl: not found" in err
    assert "--package FOLDER" in err
    assert [path.name for path in Path().iterdir()] == ["mine.urdf"]
    if way == "variable":
        monkeypatch.setenv("ROS_PACKAGE_PATH", f"/nowhere:{package.parent}")
        assert run("mine.urdf")[0] == 0
    else:
        assert run("mine.urdf", "--package", package if way == "package" else package.parent)[0] == 0


def test_what_fails_leaves_what_was_there(package: Path) -> None:
    Path("arm.xml").write_text("mine", encoding="utf-8")
    urdf = package / "urdf/arm.urdf"
    assert run(urdf)[0] == 1
    assert Path("arm.xml").read_text(encoding="utf-8") == "mine"
    status, _, err = run(urdf, "--force", "--joints", "nose")
    assert status == 1
    assert "no hinge joint named 'nose'" in err
    assert [path.read_text(encoding="utf-8") for path in Path().iterdir()] == ["mine"]
    assert run(urdf, "--force")[0] == 0
    mujoco.MjModel.from_xml_path("arm.xml")
