"""Laws of the true state: it is the simulator's, in buffers of its own that stay, and knows no latency."""

from dataclasses import fields
from typing import Any

import mujoco
import numpy as np
import pytest
from worlds import EVERYTHING, actions, fixed, idle, pendulum, qpos, qvel, simulate

from sim2real.configs.load import load_task
from sim2real.configs.schema.robot import ImuConfig
from sim2real.model.model import ModelOptions, build_model
from sim2real.simulation.simulation import Simulation
from sim2real.task.ground_truth import GroundTruth, PhysicsArrays
from sim2real.task.state import TaskState


def buffers(state: TaskState) -> dict[str, np.ndarray]:
    parts = {"": state, "base.": state.base, "feet.": state.feet}
    return {
        f"{prefix}{field.name}": getattr(part, field.name)
        for prefix, part in parts.items()
        for field in fields(part)
        if isinstance(getattr(part, field.name), np.ndarray)
    }


@pytest.mark.parametrize("name", list(EVERYTHING))
def test_the_state_has_fixed_buffers_and_no_views_of_the_simulator(name: str) -> None:
    """Some parts were once views of the simulator's arrays: to forget a broken robot wrote into its simulation."""
    simulation = simulate(load_task(name, ("episode_duration=0.2 s",)), 4, *EVERYTHING[name])
    before = buffers(simulation.state)
    random = np.random.default_rng(0)
    for _ in range(30):
        ended = simulation.step(actions(random, 4, simulation.contract.action_size))
        if len(ended):
            simulation.finish(ended)
            simulation.begin(ended)
    after = buffers(simulation.state)
    assert all(after[part] is values for part, values in before.items())
    names = ("qpos", "qvel", "sensordata", "actuator_force", "ctrl")
    theirs = [simulation.batch.bind(field) for field in names] + [simulation.batch.state]
    for part, values in after.items():
        assert not any(np.shares_memory(values, array) for array in theirs), part
    held = simulation.batch.state.copy()
    simulation.state.clear(np.arange(4))
    np.testing.assert_array_equal(simulation.batch.state, held)


def test_a_cleared_state_is_neutral_and_leaves_the_others_alone() -> None:
    simulation = simulate(load_task("quadruped_walk"), 3, seed=2)
    simulation.step(actions(np.random.default_rng(0), 3, 12))
    before = {part: values.copy() for part, values in buffers(simulation.state).items()}
    simulation.state.clear(np.array([1]))
    for part, values in buffers(simulation.state).items():
        if len(values):
            neutral = [1.0, 0.0, 0.0, 0.0] if part == "attitude" else np.zeros(values.shape[1:])
            np.testing.assert_array_equal(values[1], neutral, err_msg=part)
            np.testing.assert_array_equal(values[[0, 2]], before[part][[0, 2]], err_msg=part)


def test_an_episode_that_has_just_begun_shows_its_own_start() -> None:
    simulation = simulate(load_task("quadruped_walk"), 3, seed=2)
    for _ in range(5):
        simulation.step(actions(np.random.default_rng(0), 3, 12))
    simulation.begin(np.array([1]))
    state, robot = simulation.state, simulation.robot
    np.testing.assert_array_equal(state.position[1], qpos(simulation)[1, robot.qpos])
    np.testing.assert_array_equal(state.velocity[1], qvel(simulation)[1, robot.dof])
    np.testing.assert_array_equal(state.previous_velocity[1], state.velocity[1])
    assert state.base.height[1] == qpos(simulation)[1, 2]
    assert not state.action[1].any()
    assert state.action[[0, 2]].any()


def test_copies_of_some_rows_are_a_state_of_their_own() -> None:
    simulation = simulate(load_task("quadruped_walk"), 3, seed=2)
    simulation.step(actions(np.random.default_rng(0), 3, 12))
    whole = buffers(simulation.state)
    for part, values in buffers(simulation.state.copy_of(np.array([2, 0]))).items():
        if len(whole[part]):
            np.testing.assert_array_equal(values, whole[part][[2, 0]], err_msg=part)
            assert not np.shares_memory(values, whole[part])


def test_a_simulation_without_a_batch_is_read_the_same() -> None:
    """The arrays are all that it takes: those of one `MjData` do."""
    task = load_task("quadruped_walk")
    simulation = simulate(task, 2, seed=4)
    for _ in range(3):
        simulation.step(actions(np.random.default_rng(1), 2, 12))
    needs = frozenset({"base", "feet"})
    robot = build_model(task, ModelOptions(true_feet=True))
    data = mujoco.MjData(robot.model)
    data.qpos[:], data.qvel[:] = qpos(simulation)[1], qvel(simulation)[1]
    mujoco.mj_forward(robot.model, data)
    force = np.arange(robot.model.nu, dtype=np.float64)[None]
    truth = GroundTruth(
        PhysicsArrays(data.qpos[None], data.qvel[None], data.sensordata[None], force), robot, task, needs
    )
    truth.read(np.zeros((1, 1)))
    for name in ("height", "velocity", "angular_velocity", "yaw_rate", "down"):
        expected = getattr(simulation.state.base, name)[1]
        np.testing.assert_allclose(getattr(truth.state.base, name)[0], expected, rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(truth.state.attitude[0], qpos(simulation)[1, 3:7])
    np.testing.assert_array_equal(truth.state.effort[0], robot.actuator)
    # Sensors of the batch are as of the last physics step's start: feet may have moved by a step of it.
    np.testing.assert_allclose(truth.state.feet.height[0], simulation.state.feet.height[1], atol=5e-3)


def swinging(*parameters: dict[str, Any], n: int = 4, observed: bool = True) -> Simulation:
    """Pendulums with an IMU on the arm, which is not a free base; their goal is to stand upright.

    Without `observed` the policy does not observe the IMU.
    """
    imu = ImuConfig(protocol="witmotion", baudrate="115200 baud", rate="200 Hz", body="arm")
    task = pendulum("observation=[{term: joint_velocity}]")
    robot = task.robot.model_copy(update={"imus": {"arm": imu}})
    gravity = task.observation[0].model_copy(update={"term": "projected_gravity", "scale": 1.0})
    goal = load_task("quadruped_walk").goal
    task = task.model_copy(update={"robot": robot, "goal": goal})
    if observed:
        task = task.model_copy(update={"observation": (gravity,)})
    return simulate(task, n, *parameters, seed=3)


@pytest.mark.parametrize("latency", ["0 ms", "40 ms"])
def test_the_true_attitude_is_never_late(latency: str) -> None:
    """The goal of an IMU that is not on a free base was once measured by its delayed reading."""
    simulation = swinging(fixed("imu_latency", latency))
    qvel(simulation)[:] = 10.0
    for _ in range(8):
        simulation.step(idle(simulation))
        angle, step = qpos(simulation)[:, 0], simulation.task.physics.timestep
        attitude, lag = simulation.state.attitude, 1.01 * step * np.abs(qvel(simulation)[:, 0]).max()
        turned = 2.0 * np.arctan2(attitude[:, 1], attitude[:, 0])
        assert (np.abs(np.remainder(angle - turned + np.pi, 2.0 * np.pi) - np.pi) < lag).all()
        tilt = 2.0 * np.arcsin(np.abs(np.sin(0.5 * turned)))
        np.testing.assert_allclose(simulation.state.goal_error, tilt, atol=1e-9)


@pytest.mark.parametrize("observed", [False, True])
def test_a_new_episode_has_its_own_true_attitude(observed: bool) -> None:
    """It was that of the episode before, if the policy did not observe the IMU."""
    simulation = swinging(observed=observed)
    for _ in range(5):
        simulation.step(idle(simulation))
    simulation.begin(np.array([1, 3]))
    attitude = simulation.state.attitude[[1, 3]]
    half = 0.5 * qpos(simulation)[[1, 3], 0]
    np.testing.assert_allclose(np.abs(attitude[:, 0]), np.abs(np.cos(half)), atol=1e-9)
    np.testing.assert_allclose(np.abs(attitude[:, 1]), np.abs(np.sin(half)), atol=1e-9)


def test_the_true_attitude_counts_from_the_vertical_where_the_ground_slopes() -> None:
    task = load_task("quadruped_walk", ("reset.velocity=[0 rad/s, 0 rad/s]",))
    simulation = simulate(task, 8, fixed("ground_slope", "5 deg"), seed=1)
    simulation.step(idle(simulation))
    base = qpos(simulation)[:, 3:7]
    tilt_of = 2.0 * np.arcsin(np.sqrt(np.square(base[:, 1:3]).sum(axis=1)))
    # The robot stands on the slope: level with the ground, and tilted by five degrees, give or take how it settles.
    np.testing.assert_allclose(simulation.state.goal_error, np.deg2rad(5.0), atol=np.max(tilt_of) + 1e-3)
    gravity = simulation.batch.expand("opt.gravity")
    for attitude, own, down in zip(simulation.state.attitude, base, gravity, strict=True):
        of_vertical, of_ground, seen = np.zeros(3), np.zeros(3), np.zeros(4)
        mujoco.mju_rotVecQuat(of_vertical, np.array([0.0, 0.0, -np.linalg.norm(down)]), conjugate(attitude, seen))
        mujoco.mju_rotVecQuat(of_ground, down, conjugate(own, seen))
        np.testing.assert_allclose(of_vertical, of_ground, atol=1e-9)


def conjugate(quaternion: np.ndarray, out: np.ndarray) -> np.ndarray:
    mujoco.mju_negQuat(out, quaternion)
    return out


def test_contact_forces_carry_the_weight_of_a_robot_that_stands_and_none_of_one_that_falls() -> None:
    task = load_task("quadruped_stand", ("costs={press: {term: contact_force, budget: 20}}",))
    simulation = simulate(task, 2)
    qpos(simulation)[1, 2] += 1.0  # in the air
    model = simulation.robot.model
    weight = float(model.body_mass.sum()) * 9.81
    for tick in range(100):
        simulation.step(idle(simulation))
        force = simulation.state.contact_force
        if tick < 10:
            assert force[1].max() == 0.0
            assert simulation.costs[1, 0] == 0.0
    assert force.shape[1] == sum(model.body_geomnum[1:] > 0)
    np.testing.assert_allclose(force[0].sum(), weight, rtol=0.05)  # legs push sideways, too
    np.testing.assert_allclose(simulation.costs[0, 0], force[0].max(), rtol=1e-6)
    assert 0.2 * weight < force[0].max() < 0.6 * weight
