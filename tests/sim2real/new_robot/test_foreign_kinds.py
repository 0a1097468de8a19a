"""Laws of kinds of models that other people's files bring: they start at rest, or the reason is named."""

from pathlib import Path

import pytest
from foreign_models import FLOOR, GRIPPER, LINK, biped, holding, made, quadruped

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_experiment, load_robot
from sim2real.new_robot.robot import NewRobotOptions, new_robot
from sim2real.new_robot.task_text import fitting_kind, new_task, write_all
from sim2real.plant import MujocoPlant
from sim2real.simulation.first_moments import start_of
from sim2real.simulation.task_lines import task_lines

FINGER = """<mujoco><worldbody><body name="palm" pos="0 0 1"><geom type="box" size=".05 .05 .05" mass=".3"/>
  <body name="{name}" pos="-.03 0 {place}"><joint name="curl" axis="0 1 0" range="-60 60"/>
    <geom type="capsule" fromto="0 0 0 .1 0 0" size=".01" mass=".05"/></body></body></worldbody>
  <actuator><motor joint="curl"/></actuator></mujoco>"""
MOCAP = f"""<mujoco><worldbody>{FLOOR}<body name="hand_of_god" mocap="true" pos="1 0 1"/>
  <body name="arm" pos="0 0 1"><joint name="a" axis="0 1 0" range="-90 90"/>{LINK}</body></worldbody>
  <equality><weld body1="hand_of_god" body2="arm"/></equality><actuator><motor joint="a"/></actuator></mujoco>"""
INERTIA = '<inertial><mass value=".5"/><inertia ixx=".01" iyy=".01" izz=".01" ixy="0" ixz="0" iyz="0"/></inertial>'
SHOULDER = f"""<robot name="arm"><link name="world"/><link name="torso"/>
  <joint name="fixed" type="fixed"><parent link="world"/><child link="torso"/><origin xyz="0 .3 .5" rpy="0 0 1"/>
  </joint><link name="upper">{INERTIA}</link><link name="hand">{INERTIA}</link>
  <joint name="shoulder" type="revolute"><parent link="torso"/><child link="upper"/><axis xyz="0 1 0"/>
    <origin xyz=".1 0 0"/><limit lower="-1" upper="1" effort="5" velocity="2"/></joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="hand"/><axis xyz="0 1 0"/>
    <origin xyz="0 0 .2"/><limit lower="-1" upper="1" effort="5" velocity="2"/></joint></robot>"""


def tied(low: float) -> str:
    """Two joints that an equality makes equal, of which the one without motor begins at an angle, degrees."""
    links = "".join(
        f'<body name="{name}" pos="{x} 0 1"><joint name="{name}" axis="0 1 0" range="{first} 60"/>{LINK}</body>'
        for name, x, first in (("led", 0, -60), ("tied", 0.5, low))
    )
    key = '<keyframe><key name="home" qpos="0 0"/></keyframe>'
    return f"""<mujoco><worldbody>{links}</worldbody><equality><joint joint1="tied" joint2="led"/></equality>
      <actuator><motor joint="led"/><motor joint="tied"/></actuator>{key}</mujoco>"""


def trained_task(folder: Path, kind: str | None = None) -> str:
    """Write the fitting task of robot.yaml in a folder; return the path of its experiment."""
    kind = kind or fitting_kind(load_robot(str(folder / "robot.yaml")))
    task = new_task(str(folder / "robot.yaml"), "./robot.yaml", kind)
    write_all(task, folder)
    return str(folder / task.experiment)


def test_a_link_inside_the_base_that_carries_it_does_not_touch_it(tmp_path: Path) -> None:
    new = made(tmp_path, FINGER.format(name="finger", place="0.045"))
    assert new.config.no_contact == (("finger", "palm"),)
    assert any("neighbours that overlap in the start pose do not touch: finger and palm" in line for line in new.checks)
    assert start_of(holding(new.config)).lines == []
    touching = holding(new.config.model_copy(update={"no_contact": ()}))
    assert any("bodies overlap in the start pose" in line for line in task_lines(touching))
    assert not any("overlap" in line for line in task_lines(holding(new.config)))


def test_neighbours_that_do_not_overlap_still_touch(tmp_path: Path) -> None:
    assert made(tmp_path, FINGER.format(name="finger", place="0.07")).config.no_contact == ()


def test_a_pair_of_bodies_that_are_not_there_is_refused(tmp_path: Path) -> None:
    config = made(tmp_path, FINGER.format(name="finger", place="0.07")).config
    with pytest.raises(UserError, match="no_contact: no body 'thumb' in its model; valid: world, palm, finger"):
        start_of(holding(config.model_copy(update={"no_contact": (("palm", "thumb"),)})))


def test_a_mocap_body_does_not_move_a_robot_and_is_named(tmp_path: Path) -> None:
    new = made(tmp_path, MOCAP)
    said = "equalities with mocap bodies are off, as they move a robot without motors: weld of 'hand_of_god' and 'arm'"
    assert said in new.checks
    assert said in list(task_lines(holding(new.config)))
    assert start_of(holding(new.config)).lines == []


def test_the_frames_of_a_urdf_are_those_of_its_links_whatever_names_them(tmp_path: Path) -> None:
    (tmp_path / "arm.urdf").write_text(SHOULDER, encoding="utf-8")
    new = new_robot(tmp_path / "arm.urdf", tmp_path / "robot.yaml", NewRobotOptions())
    (tmp_path / "robot.yaml").write_text(new.text, encoding="utf-8")
    experiment = load_experiment(trained_task(tmp_path, "reach"))
    assert start_of(experiment.task).lines == []  # a sensor of the tip names the torso: the tip fits all the same


def test_an_equality_that_limits_keep_open_by_less_than_a_millimetre_is_a_line(tmp_path: Path) -> None:
    new = made(tmp_path, tied(0.03))
    assert any("equality" not in line and "fulfils them within" in line for line in new.checks)
    assert start_of(holding(new.config)).residual <= 1e-3


def test_a_start_that_cannot_be_is_refused_for_that_alone(tmp_path: Path) -> None:
    apart = tied(20.0).replace('range="-60 60"', 'range="-60 10"')
    with pytest.raises(ConfigError, match=r"violates the equality joint of 'tied' and 'led'") as refused:
        made(tmp_path, apart)
    assert "it compiles only with" not in str(refused.value)


@pytest.mark.parametrize(
    ("xml", "kind"),
    [
        (GRIPPER, "pose"),
        (FINGER.format(name="finger", place="0.07"), "pose"),  # its tip moves on an arc
        (quadruped(), "walk"),
    ],
)
def test_every_robot_has_a_task_that_simulates_and_starts_at_rest(xml: str, kind: str, tmp_path: Path) -> None:
    new = made(tmp_path, xml)
    assert fitting_kind(new.config) == kind
    task = load_experiment(trained_task(tmp_path)).task
    start, exact = start_of(task), start_of(holding(new.config, physics={"timestep": "1 ms"}))
    assert start.lines == []
    assert start.angular <= 1.5 * exact.angular + 0.5


def test_room_for_keyframes_is_no_keyframe(tmp_path: Path) -> None:
    xml = biped().replace("<worldbody>", '<size nkey="2"/><worldbody>', 1)
    new = made(tmp_path, xml)
    assert any("it has no keyframe" in line for line in new.checks)
    with pytest.raises(ConfigError, match="has no keyframe 'home'; valid: none"):
        made(tmp_path, xml, keyframe="home")


@pytest.mark.parametrize(("given", "taken"), [((1, 4), (100, 50)), ((3, 50), (100, 50)), ((4, 8), (4, 8))])
def test_the_solver_takes_the_steps_that_contacts_need(
    given: tuple[int, int], taken: tuple[int, int], tmp_path: Path
) -> None:
    option = f'<option iterations="{given[0]}" ls_iterations="{given[1]}"/>'
    config = made(tmp_path, biped().replace("<worldbody>", f"{option}<worldbody>", 1)).config
    options = MujocoPlant(config).model.opt
    assert (options.iterations, options.ls_iterations) == taken


CLOTH = f"""<mujoco><worldbody>{FLOOR}<body name="arm" pos="0 0 1">
      <joint name="a" axis="0 1 0" range="-90 90"/>{LINK}
      <flexcomp name="cloth" type="grid" count="3 3 1" spacing=".05 .05 .05" pos=".1 0 .1" mass=".05" radius=".005">
        <pin id="0"/><edge equality="true"/></flexcomp></body></worldbody></mujoco>"""


def test_a_cloth_is_carried_along_and_its_vertices_are_neither_joints_nor_loops(tmp_path: Path) -> None:
    """Once its edges were taken for closed loops: a traceback. Each vertex was three joints that nothing drives."""
    new = made(tmp_path, CLOTH)
    assert list(new.config.joints) == ["a"]
    assert new.passive == ("the vertices of flex 'cloth'",)
    assert not any("nothing drives" in line or "closed loops" in line for line in new.checks)
    plant = MujocoPlant(new.config)
    assert plant.start.residual == 0.0
