"""Laws of friction that follows the load in MuJoCo: what it holds is worked by hand, batch and plant agree."""

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_randomization, load_robot, load_task
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.plant import MujocoPlant
from sim2real.simulation.simulation import Simulation

SHARE, COULOMB = 0.3, 0.05
FRICTION = (
    f"joints.pivot.motor.friction.coulomb={COULOMB} N*m",
    f"joints.pivot.motor.friction.load={{motor: {SHARE}, external: {SHARE}}}",
)
STRIBECK = "joints.pivot.motor.friction.stribeck={coulomb: 0.02 N*m, velocity: 0.5 rad/s, exponent: 1.5}"


def gravity_at(plant, angle):
    """Torque by which gravity pulls at the resting arm, N·m."""
    plant.place(np.array([angle]), None)
    return abs(float(plant.data.qfrc_bias[0]))


def angle_of(plant, torque):
    """Angle at which gravity pulls with a torque: it goes with the sine."""
    return float(np.arcsin(torque / gravity_at(plant, np.pi / 2)))


def moved(plant, angle, effort):
    """Angle by which the resting arm has moved after a second, rad."""
    plant.place(np.array([angle]), None)
    for _ in range(1000):
        plant.step(np.array([effort]))
    return float(plant.position[0]) - angle


@pytest.fixture
def plant():
    return MujocoPlant(load_robot("pendulum", FRICTION))


def test_a_gear_holds_more_than_its_coulomb_friction(plant):
    """The budget τ_c + k τ_e holds τ_e up to τ_c / (1 − k)."""
    limit = COULOMB / (1.0 - SHARE)
    assert abs(moved(plant, angle_of(plant, 0.95 * limit), 0.0)) < 0.01
    steep = angle_of(plant, 1.1 * limit)
    assert steep + moved(plant, steep, 0.0) < angle_of(plant, limit)  # it slid to where friction holds it


def test_lifting_takes_more_than_holding(plant):
    """A motor lifts τ_e if τ_m − τ_e exceeds τ_c + k (τ_m + τ_e), and lets it fall if τ_e − τ_m exceeds that."""
    load = 0.3
    lifts = (COULOMB + (1.0 + SHARE) * load) / (1.0 - SHARE)
    falls = ((1.0 - SHARE) * load - COULOMB) / (1.0 + SHARE)
    at = angle_of(plant, load)
    assert abs(moved(plant, at, 0.97 * lifts)) < 0.01
    assert moved(plant, at, 1.05 * lifts) > 0.02
    assert abs(moved(plant, at, falls + 0.01)) < 0.01
    assert moved(plant, at, falls - 0.02) < -0.02


def test_a_jammed_joint_stays_jammed_and_is_free_again(plant):
    plant.place(np.array([1.0]), None)
    plant.jam(0, True)
    for _ in range(100):
        plant.step(np.zeros(1))
    assert abs(float(plant.position[0]) - 1.0) < 0.01
    plant.jam(0, False)
    for _ in range(200):
        plant.step(np.zeros(1))
    assert float(plant.position[0]) < 0.95


def task(*more):
    friction = (f"robot.{text}" for text in (*FRICTION, STRIBECK))
    start = ("reset.start_pose_share=0", "reset.position=[40 deg, 40 deg]", "reset.velocity=[1 rad/s, 1 rad/s]")
    return load_task("pendulum_swingup", (*friction, *start, *more))


def begun(n, randomization, *more):
    simulation = Simulation(task(*more), randomization, n, seed=1, threads=1)
    simulation.begin(np.arange(n))
    return simulation


def actions(steps, n):
    return np.random.default_rng(0).uniform(-1.0, 1.0, (steps, n, 1)).astype(np.float32)


def test_batch_and_plant_agree():
    simulation = begun(1, load_randomization("none"), "control_rate=1000 Hz", "physics.timestep=1 ms")
    plant = MujocoPlant(simulation.task.robot)
    plant.data.qpos[0], plant.data.qvel[0] = simulation.batch.bind("qpos")[0, 0], simulation.batch.bind("qvel")[0, 0]
    torque, budget = simulation.batch.bind("qfrc_actuator"), simulation.batch.expand("dof_frictionloss")
    budgets = []
    for action in np.repeat(actions(5, 1), 60, axis=0):
        simulation.step(action)
        plant.step(torque[0])
        assert budget[0, 0] == pytest.approx(plant.model.dof_frictionloss[0], rel=1e-6)
        budgets.append(budget[0, 0])
    assert max(budgets) > 2.0 * min(budgets)
    np.testing.assert_allclose(simulation.batch.bind("qpos")[0], plant.data.qpos, rtol=1e-6)


def test_a_resumed_simulation_goes_on_with_the_same_bits():
    first = begun(3, load_randomization("pendulum"))
    steps = actions(20, 3)
    for action in steps[:10]:
        first.step(action)
    second = Simulation(first.task, load_randomization("pendulum"), 3, seed=9, threads=1)
    second.load_state_dict(first.state_dict())
    for action in steps[10:]:
        first.step(action)
        second.step(action)
        np.testing.assert_array_equal(first.transition.observation, second.transition.observation)
        np.testing.assert_array_equal(first.batch.expand("dof_frictionloss"), second.batch.expand("dof_frictionloss"))


def test_a_drawn_friction_scales_all_its_terms():
    entry = {"parameter": "joint_friction", "range": [2.0, 2.0], "limits": [0.1, 4.0]}
    doubled = RandomizationConfig.model_validate({"name": "doubled", "parameters": [entry]})
    plain, twice = begun(1, load_randomization("none")), begun(1, doubled)
    budgets = [simulation.batch.expand("dof_frictionloss") for simulation in (plain, twice)]
    assert budgets[1][0, 0] == pytest.approx(2.0 * budgets[0][0, 0])
    assert budgets[0][0, 0] == pytest.approx(COULOMB + 0.02)
    # Falling: what gravity pulls is transmitted, in both alike.
    for simulation in (plain, twice):
        simulation.batch.bind("qvel")[:] = 3.0
        simulation.step(np.zeros((1, 1), np.float32))
    assert budgets[1][0, 0] == pytest.approx(2.0 * budgets[0][0, 0], rel=0.1)


def test_bristles_do_not_know_these_terms():
    with pytest.raises(UserError, match="lugre knows Coulomb friction only"):
        begun(1, load_randomization("none"), "physics.friction=lugre")
