"""Laws of joints and gears: encoder offsets, backlash, dry friction, supply sag."""

import numpy as np
import pytest
from worlds import at_rest, between, fixed, idle, pendulum, qpos, simulate

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_randomization, load_task
from sim2real.envs.batch_env import BatchEnv
from sim2real.model.model import GAIN_CONSTANT, GAIN_RESISTANCE, GAIN_VOLTAGE_MAX

HOLD = ("reset.position=[0 deg, 0 deg]", "reset.velocity=[0 rad/s, 0 rad/s]", "reset.start_pose_share=0")


# Offset


def test_an_encoder_reads_the_true_position_plus_its_offset() -> None:
    simulation = simulate(pendulum("control_rate=500 Hz"), 20, between("joint_offset", "-5 deg", "5 deg"), seed=1)
    offset = simulation.parameters.values
    np.testing.assert_allclose(simulation.signals.joint_position, qpos(simulation) + offset, atol=1e-12)
    for _ in range(5):
        before = qpos(simulation).copy()
        simulation.step(idle(simulation))
        np.testing.assert_allclose(simulation.signals.joint_position, before + offset, atol=1e-12)


def test_the_first_observation_is_the_drawn_start_pose() -> None:
    simulation = simulate(at_rest("60 deg"), 20, between("joint_offset", "-5 deg", "5 deg"), seed=1)
    np.testing.assert_allclose(simulation.signals.joint_position, np.deg2rad(60.0), atol=1e-12)
    np.testing.assert_allclose(qpos(simulation), np.deg2rad(60.0) - simulation.parameters.values, atol=1e-12)


def test_a_position_command_takes_the_joint_to_where_its_encoder_reads_it() -> None:
    """Without gravity and friction the joint reaches its target."""
    task = load_task("so101_hold", HOLD)
    still = fixed("gravity", 0.0), fixed("joint_friction", 0.0)
    simulation = simulate(task, 6, between("joint_offset", "-3 deg", "3 deg"), *still, seed=1)
    wanted = np.array([joint.default_position for joint in task.robot.joints.values()])
    for _ in range(150):
        simulation.step(idle(simulation))
    np.testing.assert_allclose(simulation.signals.joint_position, np.tile(wanted, (6, 1)), atol=np.deg2rad(0.05))
    offset = simulation.parameters.array("joint_offset")
    np.testing.assert_allclose(simulation.state.position, wanted - offset, atol=np.deg2rad(0.05))


# Backlash


def play(simulation) -> np.ndarray:
    address = simulation.batch.model.joint("pivot/backlash").qposadr[0]
    return qpos(simulation)[:, address]


def test_backlash_has_the_drawn_total_width() -> None:
    simulation = simulate(pendulum(), 5, between("backlash", "0 deg", "2 deg"), seed=1)
    joint = simulation.batch.model.joint("pivot/backlash").id
    drawn = simulation.parameters.values
    np.testing.assert_allclose(
        simulation.batch.expand("jnt_range")[:, joint], drawn * np.array([-0.5, 0.5]), atol=1e-15
    )


def test_a_link_moves_freely_only_within_its_backlash() -> None:
    """The gear's inertia is huge, so that only the link moves."""
    task = at_rest("90 deg", "control_rate=500 Hz")
    simulation = simulate(task, 1, fixed("backlash", "2 deg"), fixed("joint_armature", "1e4 kg*m^2", apply="set"))
    free_fall, seen = [], []
    for _ in range(300):
        simulation.step(idle(simulation))
        free_fall.append(abs(float(play(simulation)[0])))
        seen.append(abs(float(simulation.signals.joint_position[0, 0]) - np.pi / 2))
    half = np.deg2rad(1.0)
    assert max(free_fall) <= half * 1.1  # contacts are slightly soft
    assert free_fall[-1] == pytest.approx(half, rel=0.1)
    assert max(seen) < 0.05 * half  # the encoder is on the gear's side
    # Within the backlash only gravity acts: angle = ½·α·t², with the link's own inertia.
    model = simulation.batch.model
    arm = model.body("arm").id
    inertia = model.body_inertia[arm].max() + model.body_mass[arm] * model.body_ipos[arm, 2] ** 2 + 1e-4
    acceleration = model.body_mass[arm] * 9.81 * abs(model.body_ipos[arm, 2]) / inertia
    for step in (3, 5, 7):
        # Semi-implicit Euler: ½·α·t·(t + dt).
        assert free_fall[step - 1] == pytest.approx(0.5 * acceleration * 0.002**2 * step * (step + 1), rel=0.02)


def test_zero_backlash_does_not_change_the_motion() -> None:
    runs = []
    for parameters in ([fixed("backlash", "0 deg")], []):
        simulation = simulate(at_rest("60 deg"), 1, *parameters)
        for _ in range(50):
            simulation.step(idle(simulation))
        runs.append(float(simulation.state.position[0, 0]))
    assert abs(runs[1] - np.deg2rad(60.0)) > 0.02
    assert runs[0] == pytest.approx(runs[1], abs=np.deg2rad(0.5))


# Friction


@pytest.mark.parametrize("friction", ["coulomb", "lugre"])
@pytest.mark.parametrize(("share", "slides"), [(0.8, False), (1.5, True)])
def test_a_joint_sticks_below_its_dry_friction_and_slides_above(friction: str, share: float, slides: bool) -> None:
    task = at_rest("0 deg", f"physics.friction={friction}", "physics.timestep=1 ms")
    joint = task.robot.joints["pivot"]
    dry, limit = joint.motor.friction.coulomb, joint.effort_limit
    simulation = simulate(task, 1, fixed("gravity", 0.0))
    for _ in range(30):
        simulation.step(np.full((1, 1), share * dry / limit, np.float32))
    moved = abs(float(qpos(simulation)[0, 0]))
    assert (moved > 0.02) is slides
    if not slides:
        assert moved < 3e-3  # bristles deflect by a few thousandths of a radian at most
        before = float(qpos(simulation)[0, 0])
        for _ in range(30):
            simulation.step(np.full((1, 1), share * dry / limit, np.float32))
        assert abs(float(qpos(simulation)[0, 0]) - before) < 5e-4  # the solver lets a sticking joint creep slightly


def test_joint_friction_is_refused_with_lugre_friction() -> None:
    """Once it was silently without effect: the bristles have their own friction."""
    with pytest.raises(
        ConfigError, match=r"joint_friction applies to dry friction only; valid: physics\.friction coulomb"
    ):
        simulate(at_rest("0 deg", "physics.friction=lugre"), 1, fixed("joint_friction", 0.5))


# Supply


def test_the_voltage_sags_with_the_load_of_all_motors_and_recovers() -> None:
    task = at_rest("90 deg")
    volts = task.robot.supply_voltage
    simulation = simulate(
        task, 1, fixed("supply_resistance", "0.5 ohm"), fixed("joint_friction", "50 N*m", apply="set")
    )
    gain = simulation.batch.expand("actuator_gainprm")
    assert gain[0, 0, GAIN_VOLTAGE_MAX] == volts
    for _ in range(3):
        simulation.step(np.ones((1, 1), np.float32))
    # The joint is held, so all power is heat. Motor current is torque / constant; supply current is power / voltage.
    torque = task.robot.joints["pivot"].effort_limit
    current = torque / gain[0, 0, GAIN_CONSTANT]
    heat = current**2 * gain[0, 0, GAIN_RESISTANCE]
    assert gain[0, 0, GAIN_VOLTAGE_MAX] == pytest.approx(volts - 0.5 * heat / volts, rel=1e-3)
    assert gain[0, 0, GAIN_VOLTAGE_MAX] < 0.999 * volts
    for _ in range(3):
        simulation.step(idle(simulation))
    assert gain[0, 0, GAIN_VOLTAGE_MAX] == pytest.approx(volts, rel=1e-9)


@pytest.mark.parametrize("drawn", [(), (fixed("supply_voltage", 0.9),)], ids=["own", "drawn"])
def test_an_episode_begins_with_the_supply_at_rest(drawn: tuple[dict[str, object], ...]) -> None:
    """Once the sagged voltage of the last episode became the unloaded voltage of the next."""
    simulation = simulate(at_rest("90 deg"), 2, fixed("supply_resistance", "1 ohm"), *drawn)
    gain = simulation.batch.expand("actuator_gainprm")
    volts = simulation.task.robot.supply_voltage * (0.9 if drawn else 1.0)
    for _ in range(3):
        for _ in range(4):
            simulation.step(np.ones((2, 1), np.float32))
        assert gain[0, 0, GAIN_VOLTAGE_MAX] < 0.999 * volts
        simulation.begin(np.arange(2))
        np.testing.assert_allclose(gain[:, 0, GAIN_VOLTAGE_MAX], volts, rtol=1e-12)


def test_a_supply_without_resistance_never_sags() -> None:
    simulation = simulate(at_rest("90 deg"), 1, fixed("supply_resistance", "0 ohm"))
    for _ in range(5):
        simulation.step(np.ones((1, 1), np.float32))
    assert simulation.batch.expand("actuator_gainprm")[0, 0, GAIN_VOLTAGE_MAX] == simulation.task.robot.supply_voltage


@pytest.mark.parametrize("name", ["quadruped_walk", "hopper_hop", "so101_reach", "pendulum_balance"])
def test_lugre_friction_holds_a_robot_at_rest(name: str) -> None:
    task = load_task(name, ("physics.friction=lugre",))
    env = BatchEnv(task, load_randomization("none"), 4)
    env.reset_arrays(0)
    for _ in range(40):
        env.step_arrays(np.zeros((4, env.action_size), np.float32))
        assert np.abs(env.simulation.state.velocity).max() < 12.0
    assert env.episodes.diverged == 0
