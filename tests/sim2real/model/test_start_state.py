"""Laws of the start state: one source for simulations and plant, closed loops, joint limits, an upright base."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest
from foreign_models import FLOOR, FOUR_BAR, GRIPPER, LINK, biped, holding, robot_of, spread
from worlds import idle, qpos, qvel, randomized, simulate

from sim2real.configs.errors import UserError
from sim2real.configs.schema.start_pose import StartPoseConfig
from sim2real.model.loop_closure import CLOSED_MAX
from sim2real.model.model import build_model
from sim2real.plant import MujocoPlant
from sim2real.simulation.reset import reset_limits
from sim2real.simulation.simulation import Simulation

UPRIGHT = [0.0, 0.0, -1.0]
STANDING = {
    "observation": [{"term": "joint_position"}],
    "rewards": [{"term": "upright", "weight": -1.0}, {"term": "alive", "weight": 1.0}],
    "terminations": [{"term": "tilted", "limit": 1.0}],
}


def speeds(simulation: Simulation, seconds: float = 0.06) -> float:
    """The fastest joint, m/s or rad/s, while idle actions hold the start pose."""
    fastest = 0.0
    for _ in range(round(seconds * simulation.contract.control_rate)):
        simulation.step(idle(simulation))
        fastest = max(fastest, float(np.abs(qvel(simulation)).max()))
    return fastest


@pytest.mark.parametrize("xml", [FOUR_BAR, GRIPPER])
def test_random_starts_of_closed_loops_fulfil_the_equalities_and_stay_together(xml, tmp_path: Path) -> None:
    """Once a reset moved the motor's joint alone: the loop started torn and exploded."""
    robot = robot_of(tmp_path, xml)
    simulation = simulate(holding(robot, reset=spread(25.0, 1.0)), 12, seed=3)
    start = build_model(holding(robot)).start
    states = qpos(simulation).copy()
    assert np.ptp(start.positions(states)) > 0.2
    assert max(start.closure.residual(row) for row in states) <= CLOSED_MAX
    assert np.isfinite(states).all()
    assert speeds(simulation) < 5.0
    for _ in range(40):
        simulation.step(idle(simulation))
    assert max(start.closure.residual(row) for row in qpos(simulation)) < 5e-3


def test_passive_joints_of_a_parallelogram_follow_the_crank(tmp_path: Path) -> None:
    start = build_model(holding(robot_of(tmp_path, FOUR_BAR))).start
    model = build_model(holding(robot_of(tmp_path, FOUR_BAR))).model
    angles = np.linspace(-0.8, 0.8, 9)
    states = start.place(angles[:, None])
    column = {name: int(model.joint(name).qposadr[0]) for name in ("crank", "coupler", "rocker")}
    np.testing.assert_allclose(states[:, column["crank"]], angles, atol=1e-12)
    np.testing.assert_allclose(states[:, column["rocker"]], angles, atol=1e-5)
    np.testing.assert_allclose(states[:, column["coupler"]], -angles, atol=1e-5)
    rates = start.follow(states, np.full((9, 1), 2.0))
    np.testing.assert_allclose(rates[:, model.joint("rocker").dofadr[0]], 2.0, atol=1e-3)


def test_the_plant_starts_as_simulations_do(tmp_path: Path) -> None:
    key = '<keyframe><key name="crouch" qpos="0 0 .3 1 0 0 0 .4 -.2"/></keyframe>'
    for xml in (FOUR_BAR, GRIPPER, biped(extra=key), biped("0 90 0")):
        robot = robot_of(tmp_path, xml)
        plant, simulated = MujocoPlant(robot), build_model(holding(robot))
        np.testing.assert_array_equal(plant.data.qpos, simulated.start.qpos)
        position = plant.position + 0.1
        plant.place(position, None)
        np.testing.assert_array_equal(plant.data.qpos, simulated.start.place(position[None, :])[0])


def test_a_loop_that_no_motion_closes_is_refused(tmp_path: Path) -> None:
    link = f'{LINK}<site name="NAME" pos="0 0 -.2"/>'
    arm = f'<body name="NAME" pos="PLACE 0 0"><joint name="NAME" axis="0 1 0"/>{link}</body>'
    arms = arm.replace("NAME", "a").replace("PLACE", "0") + arm.replace("NAME", "b").replace("PLACE", "{}")
    pin = '<equality><connect name="pin" site1="a" site2="b"/></equality><actuator><motor joint="a"/></actuator>'
    xml = f"<mujoco><worldbody>{arms}</worldbody>{pin}</mujoco>"
    robot = robot_of(tmp_path, xml.format(0.3))
    (tmp_path / "model.xml").write_text(xml.format(0.5))
    with pytest.raises(UserError, match=r"violates the equality connect 'pin' of the model by 10[01] mm"):
        build_model(holding(robot))


def test_default_positions_that_contradict_a_loop_are_refused_with_the_nearest(tmp_path: Path) -> None:
    both = FOUR_BAR.replace("</actuator>", '<position joint="rocker" kp="5"/></actuator>')
    robot = robot_of(tmp_path, both)
    assert robot.joint_names == ("crank", "rocker")
    joints = robot.joints | {"rocker": robot.joints["rocker"].model_copy(update={"default_position": 0.3})}
    with pytest.raises(UserError, match=r"do not close at the default positions.*nearest: crank .* deg, rocker .* deg"):
        build_model(holding(robot.model_copy(update={"joints": joints})))


@pytest.mark.parametrize("turn", ["0 0 0", "90 0 0", "0 -90 0", "0 0 90", "180 0 0"])
def test_upright_is_the_attitude_of_the_base_at_the_start_whatever_its_axes(turn: str, tmp_path: Path) -> None:
    """Once the attitude was overwritten by a pure turn of the heading: such a base started lying, and was paid."""
    task = holding(robot_of(tmp_path, biped(turn)), **STANDING)
    simulation = simulate(task, 4, seed=1)
    base = simulation.state.base
    np.testing.assert_allclose(base.down, np.tile(UPRIGHT, (4, 1)), atol=1e-6)
    lowest = simulation.robot.model.geom_bodyid
    data = mujoco.MjData(simulation.robot.model)
    data.qpos[:] = qpos(simulation)[0]
    mujoco.mj_kinematics(simulation.robot.model, data)
    assert len(lowest)
    assert data.body("left").xpos[2] == pytest.approx(data.body("trunk").xpos[2])
    assert data.geom_xpos[data.model.body("left").geomadr[0], 2] < data.body("trunk").xpos[2] - 0.05
    ended = simulation.step(idle(simulation))
    assert not len(ended)
    plant = MujocoPlant(task.robot)
    assert plant.base().tilt == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(np.abs(plant.imu("trunk").orientation)[1:3], 0.0, atol=1e-6)


def test_the_height_is_of_one_source_and_the_feet_touch_the_ground(tmp_path: Path) -> None:
    """Once the pose came from the keyframe and the height from qpos0: every episode began with a fall."""
    key = '<keyframe><key name="home" qpos="0 0 .25 1 0 0 0 .5 -.5"/></keyframe>'
    robot = robot_of(tmp_path, biped(extra=key))
    simulation = simulate(holding(robot), 3)
    touching = 0.2 * math.cos(0.5) + 0.02
    np.testing.assert_allclose(qpos(simulation)[:, 2], touching, atol=2e-5)
    assert speeds(simulation) < 0.5
    kept = robot.model_copy(update={"start": StartPoseConfig(keyframe="home")})
    np.testing.assert_allclose(qpos(simulate(holding(kept), 2))[:, 2], 0.25)
    high = robot.model_copy(update={"start": StartPoseConfig(keyframe="home", height="0.4 m")})
    np.testing.assert_allclose(qpos(simulate(holding(high), 2))[:, 2], 0.4)
    assert MujocoPlant(high).base().height == 0.4


def test_an_attitude_of_the_yaml_is_the_upright_one(tmp_path: Path) -> None:
    robot = robot_of(tmp_path, biped("90 0 0").replace('euler="90 0 0"', 'euler="0 0 0"'))
    stood = robot.model_copy(update={"start": StartPoseConfig(attitude=("90 deg", "0 deg", "0 deg"), height="0.5 m")})
    simulation = simulate(holding(stood, **STANDING), 2)
    np.testing.assert_allclose(simulation.state.base.down, np.tile(UPRIGHT, (2, 1)), atol=1e-9)
    data = mujoco.MjData(simulation.robot.model)
    data.qpos[:] = qpos(simulation)[0]
    mujoco.mj_kinematics(simulation.robot.model, data)
    assert data.geom_xpos[data.model.body("left").geomadr[0], 2] < 0.45


def test_keys_of_the_start_that_do_not_fit_are_refused_with_what_is_valid(tmp_path: Path) -> None:
    robot = robot_of(tmp_path, FOUR_BAR)
    for start, said in (
        (StartPoseConfig(keyframe="home"), "no keyframe 'home'; valid: none"),
        (StartPoseConfig(height="0.2 m"), "need a free base"),
        (StartPoseConfig(attitude=("0 deg",) * 3), "need a free base"),
    ):
        with pytest.raises(UserError, match=said):
            build_model(holding(robot.model_copy(update={"start": start})))
    walker = robot_of(tmp_path, biped(extra='<keyframe><key name="stand"/></keyframe>'))
    with pytest.raises(UserError, match="valid: stand"):
        build_model(holding(walker.model_copy(update={"start": StartPoseConfig(keyframe="home")})))


def test_starts_stay_within_the_joint_limits_or_are_refused(tmp_path: Path) -> None:
    task = holding(robot_of(tmp_path, biped()), reset=spread(100.0))
    simulation = simulate(task, 50, seed=2)
    angles = qpos(simulation)[:, 7:]
    assert np.abs(angles).max() <= math.radians(60.0)
    assert np.abs(angles).max() > math.radians(59.0)
    outside = holding(task.robot, reset=spread(5.0) | {"position": ("70 deg", "80 deg")})
    with pytest.raises(UserError, match=r"starts joint 'left' between 70 and 80 deg, outside its position_limits"):
        reset_limits(outside)
    with pytest.raises(UserError, match="outside its position_limits"):
        Simulation(outside, randomized(), 1)


def test_a_default_position_outside_the_models_range_is_refused(tmp_path: Path) -> None:
    robot = robot_of(tmp_path, biped())
    (tmp_path / "model.xml").write_text(
        biped().replace('name="left" axis="0 1 0" range="-60 60"', 'name="left" axis="0 1 0" range="10 60"')
    )
    with pytest.raises(UserError, match=r"default_position of joint 'left' is at 0, outside its range"):
        build_model(holding(robot))


def test_a_free_body_beside_a_fixed_robot_is_no_base(tmp_path: Path) -> None:
    ball = '<body name="ball" pos="1 0 1"><freejoint/><geom size=".05" mass=".1"/></body>'
    arm = f'<body name="arm" pos="0 0 1"><joint name="a" axis="0 1 0"/>{LINK}</body>'
    robot = robot_of(tmp_path, f"<mujoco><worldbody>{FLOOR}{ball}{arm}</worldbody></mujoco>")
    assert build_model(holding(robot)).base is None
    assert MujocoPlant(robot).base() is None
    assert not robot.imus
