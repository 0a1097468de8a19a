"""Laws of the box that a reach task asks for: the tip gets everywhere in it, above the ground."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from foreign_models import made
from scipy.optimize import least_squares

from sim2real.configs.load import load_randomization, load_robot, load_task
from sim2real.hardware.types import Float64Array
from sim2real.new_robot.task_text import new_task
from sim2real.new_robot.workspace import workspace
from sim2real.plant import MujocoPlant
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import robot_spec
from sim2real.simulation.simulation import Simulation

PLANAR = """
<mujoco><default><joint axis="0 1 0" range="-90 90"/><geom size=".02" pos=".1 0 0" mass=".1"/></default><worldbody>
  <body name="upper" pos="0 0 .2"><joint name="a"/><geom/>
    <body name="lower" pos=".2 0 0"><joint name="b"/><geom/><site name="tip" pos=".2 0 0"/></body>
  </body>
</worldbody></mujoco>
"""
LOW = """
<mujoco><default><geom size=".02" pos=".1 0 0" mass=".1"/></default><worldbody>
  <geom type="plane" size="1 1 .1"/>
  <body name="turret" pos="0 0 .1"><joint name="turn" axis="0 0 1" range="-170 170"/><geom/>
    <body name="upper"><joint name="lift" axis="0 -1 0" range="-90 90"/><geom/>
      <body name="lower" pos=".2 0 0"><joint name="fold" axis="0 -1 0" range="-130 130"/><geom/>
        <site name="tip" pos=".2 0 0"/></body>
    </body>
  </body>
</worldbody></mujoco>
"""
THUMB = """
<mujoco><default><geom size=".005" pos=".01 0 0" mass=".01"/></default><worldbody>
  <body name="root" pos=".022 -.0155 .2"><joint name="yaw" axis="0 0 -1" range="0 100"/><geom/>
    <body name="middle" pos=".022 0 0"><joint name="pitch" axis="0 1 0" range="0 70"/><geom/>
      <body name="end" pos=".0615 0 -.0075"><joint name="fold" axis="0 1 0" range="0 70"/><geom/>
        <site name="tip"/></body>
    </body>
  </body>
</worldbody></mujoco>
"""  # all joints at one end of their range in the start pose, and the tip on the axis of the last one
MODELS = {"planar": PLANAR, "low": LOW, "thumb": THUMB}


def box_of(name: str, folder: Path) -> tuple[str, Float64Array, Float64Array, Float64Array]:
    if name in MODELS:
        made(folder, MODELS[name])
        name = str(folder / "robot.yaml")
    robot = load_robot(name)
    return name, *workspace(robot, MujocoPlant(robot))


@pytest.mark.parametrize("name", ["planar", "low", "so101"])
def test_the_tip_gets_to_every_corner(name: str, tmp_path: Path) -> None:
    name, low, high, middle = box_of(name, tmp_path)
    robot = load_robot(name)
    kinematics = Kinematics(robot_spec(robot), 1)
    joints = list(robot.joints.values())
    limits = np.array([joint.position_limits for joint in joints])
    default = np.array([joint.default_position for joint in joints])
    poses = np.random.default_rng(1).uniform(*limits.T, (2000, len(joints)))
    tips = Kinematics(robot_spec(robot), len(poses)).tip(poses)
    arm = float(np.linalg.norm(tips - tips.mean(axis=0), axis=1).max())
    for corner in (*product(*np.stack([low, high]).T), middle):
        found = min(
            np.linalg.norm(
                least_squares(
                    lambda q, corner=corner: kinematics.tip(q[None])[0] - corner,
                    np.clip(default + offset, limits[:, 0] + 1e-3, limits[:, 1] - 1e-3),
                    bounds=limits.T,
                ).fun
            )
            for offset in (0.0, 0.5, -0.5)
        )
        assert found < 0.035 * arm, corner  # 3 % are said to be there
    assert np.ptp(np.stack([low, high]), axis=0).max() > 0.2 * arm


@pytest.mark.parametrize("name", MODELS)
def test_the_task_of_the_box_has_targets_across_it(name: str, tmp_path: Path) -> None:
    made(tmp_path, MODELS[name])
    task = new_task(str(tmp_path / "robot.yaml"), "./robot.yaml", "reach")
    for file, text in task.texts.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    simulation = Simulation(
        load_task(str(tmp_path / "model_reach.yaml")), load_randomization("none"), 1000, seed=1, threads=1
    )
    simulation.begin(np.arange(1000))
    targets = simulation.signals.command
    ranges = np.array([(command.low, command.high) for command in simulation.contract.commands])
    assert len(np.unique(targets, axis=0)) > 30
    assert (np.ptp(targets, axis=0) >= 0.3 * np.ptp(ranges, axis=1)).all()


def test_the_box_is_above_the_ground(tmp_path: Path) -> None:
    _, low, _, _ = box_of("low", tmp_path)
    assert low[2] > 0.0  # the frame of the base is the world's, and the arm could reach below


def test_an_axis_along_which_the_tip_cannot_move_has_no_width(tmp_path: Path) -> None:
    _, low, high, _ = box_of("planar", tmp_path)
    assert high[1] - low[1] == 0.0
    assert (high - low)[[0, 2]].min() > 0.05
