"""Laws of slides: a motor turns a pinion or a screw, and every angle, velocity and torque is that of the motor."""

from pathlib import Path

import numpy as np
import pytest
from foreign_models import GRIPPER, biped, holding, made, robot_of, spread
from worlds import fixed, idle, qpos, qvel, simulate

from sim2real.configs.errors import UserError
from sim2real.model.model import ModelOptions, build_model
from sim2real.plant import MujocoPlant
from sim2real.runtime.contract.observation import Float32Array

TRAVEL = 0.0084  # m/rad: three quarters of a turn cover 40 mm, in two digits


def gripper(folder: Path, **changes: object):
    return holding(robot_of(folder, GRIPPER, **changes), reset=spread(60.0, 1.0))


def test_one_motor_drives_both_fingers_of_a_gripper_by_a_pinion(tmp_path: Path) -> None:
    new = made(tmp_path, GRIPPER)
    (name,) = new.config.joint_names
    joint = new.config.joints[name]
    assert (name, new.config.in_model(name)) == ("left_finger", "left-finger")
    assert joint.travel == pytest.approx(TRAVEL)
    assert joint.position_limits[1] * TRAVEL == pytest.approx(0.04, abs=1e-6)
    assert any("an equality ties it to 'left-finger'" in passive for passive in new.passive)


def test_state_and_readings_of_a_slide_are_angles_of_its_motor(tmp_path: Path) -> None:
    simulation = simulate(gripper(tmp_path), 8, seed=1)
    for _ in range(3):
        angle, speed = qpos(simulation)[:, 0] / TRAVEL, qvel(simulation)[:, 0] / TRAVEL
        np.testing.assert_allclose(simulation.state.position[:, 0], angle, atol=1e-9)
        np.testing.assert_allclose(simulation.state.velocity[:, 0], speed, atol=1e-9)
        seen: Float32Array = simulation.transition.observation
        pose = simulation.task.robot.joints["left_finger"].default_position
        np.testing.assert_allclose(seen[:, 0], angle - pose, atol=0.2)
        simulation.step(idle(simulation))
    np.testing.assert_allclose(qpos(simulation)[:, 0], qpos(simulation)[:, 1], atol=2e-4)


def test_a_stalled_motor_pushes_a_slide_with_its_torque_by_the_travel(tmp_path: Path) -> None:
    """Simulation and plant feel the same inertia and the same force: torque / travel."""
    robot = robot_of(tmp_path, GRIPPER)
    plant = MujocoPlant(robot)
    model = build_model(holding(robot)).model
    assert model.actuator_gear[0, 0] == pytest.approx(1.0 / TRAVEL)
    motor = robot.joints["left_finger"].motor
    assert plant.model.dof_armature[0] == pytest.approx(motor.armature / TRAVEL**2)
    assert model.dof_armature[0] == plant.model.dof_armature[0]
    plant.step(np.array([0.5]))
    assert plant.data.qfrc_applied[0] == pytest.approx(0.5 / TRAVEL)
    assert plant.position[0] == pytest.approx(plant.data.qpos[0] / TRAVEL)


def test_a_position_target_is_reached_in_radians_of_the_motor(tmp_path: Path) -> None:
    simulation = simulate(holding(robot_of(tmp_path, GRIPPER), action={"target": "position", "scale": "2 rad"}), 1)
    for _ in range(100):
        simulation.step(np.ones((1, 1), np.float32))
    assert simulation.state.position[0, 0] == pytest.approx(2.0, abs=0.1)
    assert qpos(simulation)[0, 0] == pytest.approx(2.0 * TRAVEL, rel=0.05)


def test_a_slide_without_travel_and_a_hinge_with_one_are_refused(tmp_path: Path) -> None:
    robot = robot_of(tmp_path, GRIPPER)
    bare = {name: joint.model_copy(update={"travel": None}) for name, joint in robot.joints.items()}
    with pytest.raises(UserError, match=r"'left-finger' of robot 'model' is a slide: give its `travel`"):
        build_model(holding(robot.model_copy(update={"joints": bare})))
    legs = robot_of(tmp_path, biped())
    geared = {name: joint.model_copy(update={"travel": 0.01}) for name, joint in legs.joints.items()}
    with pytest.raises(UserError, match=r"is a hinge: it has no `travel`"):
        build_model(holding(legs.model_copy(update={"joints": geared})))


def test_backlash_of_a_slide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="backlash of slides is not simulated"):
        build_model(gripper(tmp_path), ModelOptions(backlash=True))
    with pytest.raises(UserError, match="backlash of slides is not simulated"):
        simulate(gripper(tmp_path), 1, fixed("backlash", "1 deg"))
