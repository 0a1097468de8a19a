"""Laws of what is added to a user's model: the defaults that its author set for elements of his own do not reach it."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from sim2real.configs.load import load_randomization, load_task
from sim2real.model.model import ModelOptions, build_model
from sim2real.model.plain_elements import plain
from sim2real.model.terrain import Terrain
from sim2real.new_robot.robot import NewRobotOptions, new_robot
from sim2real.new_robot.task_text import new_task, write_all
from sim2real.plant import MujocoPlant

BODY = """
  <worldbody>
    <body name="upper" pos="0 0 .3"><joint name="a"/><geom/>
      <body name="lower" pos=".2 0 0"><joint name="b"/><geom/><site name="end" pos=".2 0 0"/></body>
    </body>
  </worldbody>
  <actuator><motor joint="a"/><motor joint="b"/></actuator>
"""
OWN = '<joint axis="0 1 0" range="-90 90"/><geom size=".02" pos=".1 0 0" mass=".1"/>'
THEIRS = """
  <motor gear="30" ctrllimited="true" ctrlrange="-.1 .1" forcelimited="true" forcerange="-.2 .2"/>
  <general gear="7" armature="3" delay=".1" nsample="5"/>
  <equality solref=".5 1" active="false"/>
  <site pos="1 2 3" euler="40 50 60" size="3"/>
"""
POISONED = '<joint damping="9" stiffness="9" frictionloss="9"/><geom contype="0" conaffinity="0" friction="9 9 9"/>'


def built(
    folder: Path, defaults: str, *, own: str = OWN, backlash: bool = False, roughness: bool = False
) -> mujoco.MjModel:
    """The model of a task on an arm with these defaults."""
    folder.mkdir()
    path = folder / "arm.xml"
    path.write_text(f"<mujoco><default>{own}{defaults}</default>{BODY}</mujoco>", encoding="utf-8")
    made = new_robot(path, folder / "arm.yaml", NewRobotOptions(tip="end"))
    (folder / "arm.yaml").write_text(made.text, encoding="utf-8")
    write_all(new_task(str(folder / "arm.yaml"), "./arm.yaml", "reach"), folder)
    task = load_task(str(folder / "arm_reach.yaml"))
    terrain = Terrain.of(np.array([0.0, 0.01])) if roughness else None
    return build_model(task, ModelOptions(backlash=backlash, terrain=terrain)).model


def test_motors_have_the_gear_and_the_limits_of_their_yaml(tmp_path: Path) -> None:
    own, poisoned = built(tmp_path / "own", ""), built(tmp_path / "poisoned", THEIRS)
    for field in [name for name in dir(own) if name.startswith("actuator_")]:
        np.testing.assert_array_equal(getattr(poisoned, field), getattr(own, field), field)


@pytest.mark.parametrize("kind", ["actuator", "joint", "geom", "site", "equality"])
def test_an_added_element_is_as_in_an_empty_model(kind: str) -> None:
    spec, empty = mujoco.MjSpec.from_string(f"<mujoco><default>{THEIRS}{POISONED}</default></mujoco>"), mujoco.MjSpec()

    def added(where: mujoco.MjSpec) -> object:
        body = where.worldbody.add_body()
        makers = {"actuator": where.add_actuator, "joint": body.add_joint, "geom": body.add_geom, "site": body.add_site}
        return (makers | {"equality": where.add_equality})[kind]()

    theirs, ours = added(empty), plain(added(spec))  # type: ignore[type-var]
    for name in dir(ours):
        value = getattr(theirs, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(ours, name), value, name)
        elif isinstance(value, int | float) and name not in ("id", "signature"):
            assert getattr(ours, name) == value or value != value, name


def test_backlash_and_ground_are_not_those_of_the_author_s_parts(tmp_path: Path) -> None:
    own = built(tmp_path / "own", "", backlash=True, roughness=True)
    parts = OWN.replace("<joint", '<joint damping="9" stiffness="9" frictionloss="9"').replace(
        "<geom", '<geom contype="0"'
    )
    poisoned = built(tmp_path / "poisoned", "", own=parts, backlash=True, roughness=True)
    for field in ("jnt_stiffness", "dof_damping", "dof_frictionloss"):
        play = [model.joint("a/backlash").id for model in (own, poisoned)]
        assert getattr(poisoned, field)[play[1]] == getattr(own, field)[play[0]]
    assert (poisoned.geom("terrain").contype[0], poisoned.geom("terrain").conaffinity[0]) == (1, 1)


def test_the_emulator_s_plant_moves_alike(tmp_path: Path) -> None:
    robots = []
    for name, defaults in (("own", ""), ("poisoned", THEIRS)):
        built(tmp_path / name, defaults)
        robots.append(MujocoPlant(load_task(str(tmp_path / name / "arm_reach.yaml")).robot))
    for plant in robots:
        for _ in range(50):
            plant.step(np.array([0.2, 0.1]))
    np.testing.assert_array_equal(robots[0].position, robots[1].position)
    assert load_randomization("none").parameters == ()
