"""Laws of a task's mirror: it is its own inverse, observations and physics agree with it, what has none is refused."""

import mujoco
import numpy as np
import pytest

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_randomization, load_task
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.simulation.simulation import Simulation

HALF_CYCLE = "phase_frequency=2.5 Hz"  # of 0.2 s, ten control steps: the mirrored gait is ten steps ahead
STEPS = 10


def simulation(randomization="none", *overrides, n=2):
    return Simulation(load_task("quadruped_walk", overrides), load_randomization(randomization), n, seed=3, threads=1)


@pytest.mark.parametrize("randomization", ["none", "quadruped", "quadruped_rough"])
def test_the_image_of_an_image_is_the_row_itself(randomization):
    simulated = simulation(randomization)
    mirror = simulated.mirror()
    assert len(mirror.observation) == simulated.contract.observation_size
    assert len(mirror.privileged) == simulated.transition.privileged.shape[1]
    assert len(mirror.action) == simulated.contract.action_size
    assert all(part.is_involution for part in (mirror.observation, mirror.privileged, mirror.action))
    rows = np.random.default_rng(0).normal(size=(4, len(mirror.observation)))
    np.testing.assert_array_equal(mirror.observation(mirror.observation(rows)), rows)


def test_a_left_joint_is_the_image_of_its_right_one_and_rolls_the_other_way():
    simulated = simulation()
    names, mirror = simulated.contract.joint_names, simulated.mirror().action
    images = {name: (names[place], sign) for name, place, sign in zip(names, mirror.index, mirror.sign, strict=True)}
    assert images["front_left_roll"] == ("front_right_roll", -1.0)
    assert images["rear_right_knee"] == ("rear_left_knee", 1.0)


def test_the_observation_of_mirrored_readings_is_the_mirrored_observation():
    simulated = simulation("none", HALF_CYCLE)
    contract, mirror = simulated.contract, simulated.mirror()
    random, signals = np.random.default_rng(0), Signals.of(contract, 2)
    for values in (signals.joint_position, signals.joint_velocity, signals.angular_velocity, signals.command):
        values[0] = random.normal(size=values[0].shape)
    turn = random.normal(size=4)
    signals.orientation[0, 0] = turn / np.linalg.norm(turn)
    action = random.normal(size=(2, contract.action_size)).astype(np.float32)
    for values in (signals.joint_position, signals.joint_velocity, action):
        values[1] = mirror.action(values[0])
    signals.angular_velocity[1, 0] = signals.angular_velocity[0, 0] * (-1.0, 1.0, -1.0)
    signals.orientation[1, 0] = signals.orientation[0, 0] * (1.0, -1.0, 1.0, -1.0)
    signals.command[1] = signals.command[0] * (1.0, -1.0, -1.0)  # forward, left, turn
    signals.clock[:, 0] = 0.07, 0.27
    observation = ObservationPipeline(contract, 2).observe(signals, action)
    np.testing.assert_allclose(observation[1], mirror.observation(observation[0]), atol=1e-6)


def test_a_mirrored_state_and_mirrored_actions_lead_to_the_mirrored_state_and_the_same_reward():
    simulated = simulation("none", HALF_CYCLE, "reset.position=[0 deg, 0 deg]", "reset.start_pose_share=0")
    mirror, ids = simulated.mirror(), np.arange(2)
    simulated.episodes.begin(ids)
    simulated.begin(ids)
    position, velocity = simulated.batch.bind("qpos"), simulated.batch.bind("qvel")
    velocity[0] = np.random.default_rng(1).normal(size=velocity.shape[1]) * 0.2
    robot = simulated.robot
    assert robot.base is not None
    place, dof = robot.base.qpos, robot.base.dof
    position[1, place : place + 7] = position[0, place : place + 7] * (1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0)
    velocity[1, dof : dof + 6] = velocity[0, dof : dof + 6] * (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
    position[1, robot.qpos] = mirror.action(position[0, robot.qpos])
    velocity[1, robot.dof] = mirror.action(velocity[0, robot.dof])
    simulated.signals.command[1] = simulated.signals.command[0] * (1.0, -1.0, -1.0)
    simulated.episodes.length[1] = STEPS
    random, out, moved = np.random.default_rng(2), simulated.transition, 0.0
    for _ in range(STEPS):
        action = np.zeros((2, len(mirror.action)), np.float32)
        action[0] = random.uniform(-0.5, 0.5, len(mirror.action))
        action[1] = mirror.action(action[0])
        before = out.observation[0].copy()
        assert not len(simulated.step(action))
        moved = max(moved, float(np.abs(out.observation[0] - before).max()))
        np.testing.assert_allclose(out.observation[1], mirror.observation(out.observation[0]), atol=2e-3)
        np.testing.assert_allclose(out.privileged[1], mirror.privileged(out.privileged[0]), atol=1e-2)
        assert out.reward[1] == pytest.approx(out.reward[0], abs=2e-3)
    assert moved > 0.5


def test_parameters_of_one_side_are_the_images_of_those_of_the_other():
    simulated = simulation("quadruped")
    mirror, space = simulated.mirror(), simulated.parameters.space
    columns = {name: space.columns(index) for index, name in enumerate(space.names)}
    start = len(mirror.privileged) - 2 - len(space.dimension_of_column)
    offsets = columns["joint_offset"]
    part = slice(start + offsets.start, start + offsets.stop)
    np.testing.assert_array_equal(mirror.privileged.sign[part], mirror.action.sign)
    center = columns["center_of_mass/trunk"]
    assert mirror.privileged.sign[start + center.start : start + center.stop].tolist() == [1.0, -1.0, 1.0]
    names = [simulated.robot.model.body(index).name for index in range(1, simulated.robot.model.nbody)]
    mass = columns["body_mass"]
    image = mirror.privileged.index[start + mass.start + names.index("rear_left_hip")]
    assert image == start + mass.start + names.index("rear_right_hip")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("robot.mirror=null",), "has no `mirror`"),
        (("robot.mirror={front: rear}",), "mm beside the image of that of 'front_left_roll'"),
        (
            ("robot.joints.rear_left_knee.default_position=-1.1 rad",),
            r"default_position of joint 'rear_right_knee', the image of 'rear_left_knee': -1\.2; valid: -1\.1",
        ),
        (("robot.joints.rear_left_knee.effort_limit=2 N*m",), "'rear_right_knee' has another effort_limit than"),
        (("action.scales={front_left_roll: 0.3 rad}",), "'front_left_roll' has another scale or offset than its image"),
        (("gait.offsets.front_left_foot=0.2",), r"gait\.offsets: in a mirror this is another gait"),
        (("commands.height={range: [0, 1]}",), r"commands\.height does not say what it is in a mirror"),
    ],
)
def test_what_is_not_symmetrical_is_refused_and_named(overrides, message):
    simulated = simulation("none", *overrides)
    with pytest.raises(ConfigError, match=message):
        simulated.mirror()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{left: rigth}", r"joint 'front_left_roll' has no image 'front_rigth_roll'; valid: front_left_roll, "),
        ("{left: right, front: right}", "'right' is there twice"),
    ],
)
def test_words_that_name_no_images_are_refused_in_the_yaml(words, message):
    with pytest.raises(UserError, match=message):
        load_task("quadruped_walk", (f"robot.mirror={words}",))


def test_a_heavier_side_is_refused(monkeypatch):
    from sim2real.model import model

    load = model.load_spec

    def loaded(robot):
        spec = load(robot)
        spec.geom("front_left_shank").mass = 0.06
        return spec

    monkeypatch.setattr(model, "load_spec", loaded)
    simulated = simulation()
    assert mujoco.mj_name2id(simulated.robot.model, mujoco.mjtObj.mjOBJ_BODY, "front_left_shank") > 0
    with pytest.raises(ConfigError, match=r"body 'front_right_shank' weighs 0\.05 kg, 'front_left_shank' 0\.07 kg"):
        simulated.mirror()
