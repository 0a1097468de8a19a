"""Laws of simulated IMUs: readings show the body's motion from the first observation, with the stated latency."""

import numpy as np
import pytest
from worlds import MS, between, fixed, qpos, qvel, randomized, simulate

from sim2real.configs.load import load_robot, load_task
from sim2real.configs.schema.command import CommandConfig
from sim2real.configs.schema.robot import ImuConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.hardware.imu.mounting import Mounting
from sim2real.model.model import ModelOptions, build_model
from sim2real.plant import MujocoPlant

GRAVITY, GYRO = slice(0, 3), slice(3, 6)


def imu(**updates: object) -> ImuConfig:
    return ImuConfig(**{"protocol": "witmotion", "baudrate": "115200 baud", "rate": "200 Hz", "body": "arm", **updates})


def task(*terms: str, imus: int = 1, **updates: object) -> TaskConfig:
    """The pendulum with IMUs on its arm and these observation terms."""
    base = load_task("pendulum_swingup", ("physics.timestep=2 ms",))
    units = {f"imu{number}": imu() for number in range(imus)}
    robot = base.robot.model_copy(update={"imus": units})
    entries = tuple(base.observation[0].model_copy(update={"term": term, "scale": 1.0}) for term in terms)
    return base.model_copy(update={"robot": robot, "observation": entries, **updates})


def arm_gravity(angle: np.ndarray) -> np.ndarray:
    """Direction of gravity in the arm's frame; the arm rotates about the world's x axis."""
    return np.stack([np.zeros_like(angle), -np.sin(angle), -np.cos(angle)], axis=-1)


def test_the_first_observation_shows_the_body_as_it_starts() -> None:
    simulation = simulate(task("projected_gravity", "gyro"), 64, seed=3)
    seen = simulation.transition.observation
    np.testing.assert_allclose(seen[:, GRAVITY], arm_gravity(qpos(simulation)[:, 0]), atol=1e-6)
    np.testing.assert_allclose(seen[:, GYRO][:, 0], qvel(simulation)[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(seen[:, GYRO][:, 1:], 0.0)


def test_later_observations_show_the_body_one_physics_step_ago() -> None:
    config = task("projected_gravity", "gyro", control_rate=500.0)
    simulation = simulate(config, 16, seed=3)
    rng = np.random.default_rng(0)
    for _ in range(20):
        angle, rate = qpos(simulation)[:, 0].copy(), qvel(simulation)[:, 0].copy()
        simulation.step(rng.uniform(-1.0, 1.0, (16, 1)).astype(np.float32))
        seen = simulation.transition.observation
        np.testing.assert_allclose(seen[:, GRAVITY], arm_gravity(angle), atol=1e-6)
        np.testing.assert_allclose(seen[:, GYRO][:, 0], rate, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("latency_ms", [2, 4, 10, 22])
def test_an_imu_reading_is_as_old_as_its_own_latency(latency_ms: int) -> None:
    config = task("joint_position", "projected_gravity", control_rate=500.0)
    simulation = simulate(config, 4, fixed("joint_latency", "6 ms"), fixed("imu_latency", f"{latency_ms} ms"), seed=1)
    angles = [qpos(simulation)[:, 0].copy()]
    rng = np.random.default_rng(0)
    for _ in range(30):
        simulation.step(rng.uniform(-1.0, 1.0, (4, 1)).astype(np.float32))
        angles.append(qpos(simulation)[:, 0].copy())
        seen, now = simulation.transition.observation, len(angles) - 1
        then = angles[max(0, now - round(latency_ms * MS / 0.002))]
        np.testing.assert_allclose(seen[:, 1:4], arm_gravity(then), atol=1e-6)
        np.testing.assert_allclose(seen[:, 0], angles[max(0, now - 3)], rtol=1e-6)


def test_a_reset_leaves_no_imu_reading_of_the_last_episode() -> None:
    config = task("projected_gravity", "gyro")
    simulation = simulate(config, 3, fixed("imu_latency", "20 ms"), seed=1)
    for _ in range(20):
        simulation.step(np.ones((3, 1), np.float32))
    untouched = simulation.transition.observation[[0, 2]].copy()
    simulation.begin(np.array([1]))
    first = simulation.transition.observation[1].copy()
    np.testing.assert_allclose(first[GRAVITY], arm_gravity(qpos(simulation)[1, 0]), atol=1e-6)
    np.testing.assert_array_equal(simulation.transition.observation[[0, 2]], untouched)
    simulation.step(np.zeros((3, 1), np.float32))  # 10 ms: older readings are from the start of the episode
    np.testing.assert_allclose(simulation.transition.observation[1], first, atol=1e-6)


def test_readings_of_two_imus_are_concatenated() -> None:
    simulation = simulate(task("projected_gravity", "gyro", imus=2), 8, seed=3)
    for _ in range(3):
        simulation.step(np.ones((8, 1), np.float32))
    seen = simulation.transition.observation
    np.testing.assert_array_equal(seen[:, 0:3], seen[:, 3:6])
    np.testing.assert_array_equal(seen[:, 6:9], seen[:, 9:12])
    assert seen[:, 6].any()


def test_orientation_noise_is_a_rotation_of_the_stated_size() -> None:
    n, bias, white = 4000, 0.05, 0.02
    config = task("projected_gravity", control_rate=500.0)
    noise = fixed("orientation_bias", f"{bias} rad"), fixed("orientation_white", f"{white} rad")
    simulation = simulate(config, n, *noise, seed=3)
    errors = []
    for _ in range(2):
        truth = arm_gravity(qpos(simulation)[:, 0])
        simulation.step(np.zeros((n, 1), np.float32))
        norms = np.linalg.norm(simulation.signals.orientation[:, 0], axis=1)
        np.testing.assert_allclose(norms, 1.0, atol=1e-12)
        errors.append(simulation.transition.observation - truth)
    # The error about x rotates gravity within the y-z plane, so one axis of three is fully observed.
    across = [
        np.sum(error * np.cross([1.0, 0.0, 0.0], arm_gravity(qpos(simulation)[:, 0])), axis=1) for error in errors
    ]
    assert abs(np.std(across[0]) - np.hypot(bias, white)) < 0.003
    assert abs(np.std(across[0] - across[1]) - white * np.sqrt(2)) < 0.003


def test_noise_of_the_gyro_is_of_the_stated_size() -> None:
    n = 4000
    noise = fixed("angular_velocity_bias", "0.1 rad/s"), fixed("angular_velocity_white", "0.05 rad/s")
    simulation = simulate(task("gyro"), n, *noise, seed=3)
    simulation.step(np.zeros((n, 1), np.float32))
    sideways = simulation.transition.observation[:, 1:3]  # the arm rotates about x only
    np.testing.assert_allclose(np.std(sideways, axis=0), np.hypot(0.1, 0.05), atol=0.005)


def test_commands_are_drawn_from_their_ranges_and_held_for_an_episode() -> None:
    commands = {"forward": CommandConfig(range=(0.2, 0.8), default=0.5), "turn": CommandConfig(range=(-1.0, 1.0))}
    config = task("command", commands=commands)
    simulation = simulate(config, 500, seed=3)
    first = simulation.transition.observation.copy()
    assert 0.2 <= first[:, 0].min() < 0.25
    assert 0.75 < first[:, 0].max() <= 0.8
    simulation.step(np.zeros((500, 1), np.float32))
    np.testing.assert_array_equal(simulation.transition.observation, first)
    simulation.begin(np.array([7]))
    changed = np.any(simulation.transition.observation != first, axis=1)
    assert np.flatnonzero(changed).tolist() == [7]


def test_the_phase_starts_with_the_episode_and_turns_with_its_frequency() -> None:
    config = task("phase", phase_frequency=2.5)
    simulation = simulate(config, 2, seed=3)
    np.testing.assert_array_equal(simulation.transition.observation, [[0.0, 1.0]] * 2)
    for tick in range(1, 60):
        simulation.step(np.zeros((2, 1), np.float32))
        angle = 2.0 * np.pi * 2.5 * tick / 100.0
        np.testing.assert_allclose(simulation.transition.observation[0], [np.sin(angle), np.cos(angle)], atol=1e-6)


def test_a_simulation_with_imus_and_commands_resumes_bit_for_bit() -> None:
    config = task(
        "projected_gravity",
        "gyro",
        "command",
        "phase",
        phase_frequency=1.0,
        commands={"forward": CommandConfig(range=(-1.0, 1.0))},
    )
    varied = randomized(
        fixed("orientation_bias", "1 deg"),
        fixed("orientation_white", "1 deg"),
        fixed("angular_velocity_white", "0.1 rad/s"),
        between("imu_latency", "2 ms", "12 ms"),
    )

    def run(env: BatchEnv, steps: int) -> list[bytes]:
        return [env.step_arrays(np.ones((8, 1), np.float32)).observation.tobytes() for _ in range(steps)]

    env = BatchEnv(config, varied, 8, seed=5)
    env.reset_arrays(5)
    env.episodes.length[:] = np.arange(985, 993)
    run(env, 5)
    saved = env.state_dict()
    expected = run(env, 20)
    resumed = BatchEnv(config, varied, 8, seed=77)
    resumed.load_state_dict(saved)
    assert run(resumed, 20) == expected


def test_sensors_are_in_the_body_s_frame_whatever_the_mounting() -> None:
    config = task("gyro")
    turned = {"imu0": imu(mounting=("90 deg", "20 deg", "-45 deg"))}
    other = config.model_copy(update={"robot": config.robot.model_copy(update={"imus": turned})})
    seen = []
    for each in (config, other):
        simulation = simulate(each, 4, seed=1)
        simulation.step(np.ones((4, 1), np.float32))
        seen.append(simulation.transition.observation.tobytes())
    assert seen[0] == seen[1]


def test_an_imu_on_an_unknown_body_is_refused_by_name() -> None:
    config = task("gyro")
    robot = config.robot.model_copy(update={"imus": {"imu0": imu(body="leg")}})
    with pytest.raises(Exception, match="IMU 'imu0' is on body 'leg', which is not there; valid: stand, arm"):
        build_model(config.model_copy(update={"robot": robot}), ModelOptions(groups=("angular_velocity",)))


def test_the_plant_s_imu_shows_the_motion_of_the_body() -> None:
    robot = load_robot("pendulum").model_copy(update={"imus": {"imu0": imu()}})
    plant = MujocoPlant(robot)
    at_rest = plant.imu("arm")
    np.testing.assert_allclose(at_rest.linear_acceleration, [0.0, 0.0, 9.81], atol=0.05)
    np.testing.assert_allclose(at_rest.angular_velocity, 0.0, atol=1e-9)
    for _ in range(300):
        angle, rate = float(plant.position[0]), float(plant.velocity[0])
        plant.step(np.array([0.5]))
    motion = plant.imu("arm")
    half = Mounting(roll=angle).quaternion
    np.testing.assert_allclose(motion.orientation, half, atol=1e-9)
    np.testing.assert_allclose(motion.angular_velocity, [rate, 0.0, 0.0], atol=1e-9)
    assert abs(rate) > 0.1
