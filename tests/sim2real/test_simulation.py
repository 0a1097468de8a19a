"""Laws of the simulated world: latency to the physics step, noise as stated, consistent physics, exact resume."""

from typing import get_args

import mujoco
import numpy as np
import pytest

from configs.errors import ConfigError, UserError
from configs.load import load_randomization, load_task, validate
from configs.schema.randomization import PhysicsParameterName, RandomizationConfig
from configs.schema.task import RewardTermName, TaskConfig, TerminationTermName
from configs.source import Sourced
from sim2real.env import BatchEnv
from sim2real.model import build_model
from sim2real.plant import MujocoPlant
from sim2real.randomization import PARAMETERS
from sim2real.simulation import Simulation
from sim2real.terms import REWARDS, TERMINATIONS

MS = 0.001


def randomization(**parts: object) -> RandomizationConfig:
    return validate(RandomizationConfig, Sourced({"name": "test", "noise": {"quantize": False}, **parts}))


def task(*overrides: str) -> TaskConfig:
    return load_task("pendulum_swingup", ("reset.start_pose_share=0", *overrides))


def started(simulation: Simulation) -> Simulation:
    simulation.begin(np.arange(simulation.n))
    return simulation


def actions(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, (n, 1)).astype(np.float32)


def test_the_schema_names_exactly_the_terms_that_exist() -> None:
    assert set(get_args(RewardTermName)) == set(REWARDS)
    assert set(get_args(TerminationTermName)) == set(TERMINATIONS)
    assert set(get_args(PhysicsParameterName)) == set(PARAMETERS)


@pytest.mark.parametrize("latency_ms", [2, 4, 8, 14, 30])
def test_an_observation_is_as_old_as_its_latency_to_the_physics_step(latency_ms: int) -> None:
    low_high = [f"{latency_ms} ms"] * 2
    slow = started(Simulation(task(), randomization(latency={"observation": low_high}), 3, seed=4))
    control_period, timestep = 0.01, 0.002
    truth: dict[int, np.ndarray] = {}
    rng = np.random.default_rng(0)
    # The truth at every physics step, from the same simulation stepped one physics step at a time.
    fine = started(Simulation(task("control_rate=500 Hz"), randomization(), 3, seed=4))
    fine.batch.state[:, : fine.batch.nstate] = _same_state(slow, fine)
    for tick in range(20):
        action = actions(rng, 3)
        for substep in range(5):
            truth[tick * 5 + substep] = fine._qpos.copy()
            fine.step(action)
        slow.step(action)
        age_steps = round(latency_ms * MS / timestep)
        now = (tick + 1) * round(control_period / timestep)
        if now - age_steps >= 0:
            np.testing.assert_array_equal(slow.signals.joint_position, truth[now - age_steps])


def _same_state(source: Simulation, target: Simulation) -> np.ndarray:
    """The target's state rows with the source's positions and velocities."""
    target._qpos[:], target._qvel[:] = source._qpos, source._qvel
    return target.batch.state


@pytest.mark.parametrize(("latency_ms", "steps"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (8, 4)])
def test_an_action_acts_after_its_latency_to_the_physics_step(latency_ms: int, steps: int) -> None:
    fixed = [f"{latency_ms} ms"] * 2
    config = task("control_rate=500 Hz", "reset.position=[0 deg, 0 deg]", "reset.velocity=[0 rad/s, 0 rad/s]")
    simulation = started(Simulation(config, randomization(latency={"action": fixed}), 1))
    moved = []
    for _ in range(8):
        simulation.step(np.ones((1, 1), np.float32))
        moved.append(bool(simulation._qvel[0, 0] != 0.0))
    assert moved.index(True) == steps


def test_a_reset_leaves_no_command_and_no_reading_of_the_last_episode() -> None:
    fixed = {"action": ["8 ms", "8 ms"], "observation": ["10 ms", "10 ms"]}
    config = task("reset.position=[60 deg, 60 deg]", "reset.velocity=[0 rad/s, 0 rad/s]")
    simulation = started(Simulation(config, randomization(latency=fixed), 2, seed=1))
    first = simulation.transition.observation.copy()
    np.testing.assert_allclose(first[:, 0], np.deg2rad(60.0) * 0.1, rtol=1e-6)
    for _ in range(30):
        simulation.step(np.ones((2, 1), np.float32))
    run_on = [simulation.step(np.zeros((2, 1), np.float32)) is not None for _ in range(1)]
    assert run_on
    simulation.begin(np.array([1]))
    np.testing.assert_array_equal(simulation.transition.observation[1], first[1])
    before = simulation.transition.observation[0].copy()
    fresh = started(Simulation(config, randomization(latency=fixed), 1, seed=1))
    for _ in range(5):
        simulation.step(np.zeros((2, 1), np.float32))
        fresh.step(np.zeros((1, 1), np.float32))
        np.testing.assert_array_equal(simulation._qpos[1], fresh._qpos[0])
        np.testing.assert_array_equal(simulation.transition.observation[1], fresh.transition.observation[0])
    assert not np.array_equal(before, first[0])


def test_correlated_noise_holds_for_an_episode_and_white_noise_for_a_tick() -> None:
    n = 4000
    noise = {
        "quantize": False,
        "joint_position": {"bias": "0.1 rad", "white": "0.02 rad"},
        "joint_velocity": {"gain": 0.05},
    }
    simulation = started(Simulation(task(), randomization(noise=noise), n, seed=3))
    errors, gains = [], []
    for _ in range(3):
        # The first physics step before the reading is what the sensors show: compare with a silent twin's reading.
        simulation.step(np.zeros((n, 1), np.float32))
        truth = simulation._sensordata
        errors.append(simulation.signals.joint_position[:, 0] - truth[:, 0])
        moving = np.abs(truth[:, 1]) > 0.1
        gains.append((simulation.signals.joint_velocity[moving, 0] / truth[moving, 1])[:2000])
    bias = np.mean(errors, axis=0)
    assert abs(np.std(bias) - np.hypot(0.1, 0.02 / np.sqrt(3))) < 0.005
    assert abs(np.std(errors[0] - errors[1]) - 0.02 * np.sqrt(2)) < 0.002
    assert abs(np.std(gains[0]) - 0.05) < 0.005
    first_bias = errors[0]
    simulation.begin(np.arange(n))
    simulation.step(np.zeros((n, 1), np.float32))
    again = simulation.signals.joint_position[:, 0] - simulation._sensordata[:, 0]
    assert abs(np.corrcoef(first_bias, again)[0, 1]) < 0.1


def test_quantised_readings_are_whole_register_counts() -> None:
    config = validate(RandomizationConfig, Sourced({"name": "test", "noise": {"quantize": True}}))
    simulation = started(Simulation(task(), config, 16, seed=2))
    for _ in range(20):
        simulation.step(actions(np.random.default_rng(1), 16))
    counts = simulation.signals.joint_position * 4096 / (2 * np.pi)
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)
    speed = simulation.signals.joint_velocity / (0.229 * 2 * np.pi / 60)
    np.testing.assert_allclose(speed, np.rint(speed), atol=1e-6)
    current = simulation._state.effort / (4.1 / 2.3 * 2.69e-3)
    np.testing.assert_allclose(current, np.rint(current), atol=1e-6)


def test_randomised_inertia_equals_a_recompiled_model() -> None:
    config = randomization(physics=[{"parameter": "body_mass", "elements": ["arm"], "range": [0.5, 1.5]}])
    simulation = started(Simulation(task(), config, 4, seed=9))
    spec = mujoco.MjSpec.from_file("configs/robots/pendulum.xml")
    nominal = {geom.name: geom.mass for geom in spec.geoms}
    nominal_mass = sum(nominal[name] for name in ("rod", "weight", "counterweight"))
    for sim in range(4):
        drawn = simulation.batch.get_model(sim)
        factor = drawn.body("arm").mass[0] / nominal_mass
        assert 0.5 <= factor <= 1.5
        for name in ("rod", "weight", "counterweight"):
            spec.geom(name).mass = nominal[name] * factor
        spec.joint("pivot").armature = 0.007
        recompiled = spec.compile()
        for field in ("body_mass", "body_inertia", "body_subtreemass", "body_invweight0", "dof_invweight0", "dof_M0"):
            np.testing.assert_allclose(getattr(drawn, field), getattr(recompiled, field), rtol=1e-9, err_msg=field)


def test_every_parameter_changes_its_field_within_its_range_and_nothing_else() -> None:
    for name, kind in PARAMETERS.items():
        config = randomization(physics=[{"parameter": name, "range": [0.5, 0.9], "distribution": "log_uniform"}])
        simulation = started(Simulation(task(), config, 8, seed=1))
        for field, columns in kind.fields:
            model = simulation.batch.model
            nominal = np.array(model.opt.gravity if field == "opt.gravity" else getattr(model, field))
            ratio = np.divide(
                simulation.batch.expand(field), nominal, where=nominal != 0, out=np.ones((8, *nominal.shape))
            )
            changed = ratio[..., columns[0]] if columns else ratio
            touched = changed[changed != 1.0]
            assert touched.size >= 8, name
            assert ((touched >= 0.5) & (touched <= 0.9)).all(), name
            if columns:
                assert (np.delete(ratio, columns[0], axis=-1) == 1.0).all(), name


def test_a_stronger_motor_constant_delivers_more_torque_for_the_same_current() -> None:
    config = randomization(physics=[{"parameter": "motor_constant", "range": [1.2, 1.2]}])
    strong, normal = (
        started(Simulation(task("reset.position=[90 deg, 90 deg]"), each, 1, seed=1))
        for each in (config, randomization())
    )
    for simulation in (strong, normal):
        simulation.step(np.full((1, 1), 0.5, np.float32))
    force = [float(s.batch.bind("actuator_force")[0, 0]) for s in (strong, normal)]
    strong.step(np.full((1, 1), 0.5, np.float32))
    normal.step(np.full((1, 1), 0.5, np.float32))
    force = [float(s.batch.bind("actuator_force")[0, 0]) for s in (strong, normal)]
    assert force[0] == pytest.approx(1.2 * 0.3, rel=1e-6)
    assert force[1] == pytest.approx(0.3, rel=1e-6)


def test_an_unknown_element_is_refused_with_the_valid_names() -> None:
    config = randomization(physics=[{"parameter": "body_mass", "elements": ["leg"], "range": [0.5, 1.5]}])
    with pytest.raises(ConfigError, match=r"no body named 'leg'; valid: stand, arm"):
        Simulation(task(), config, 1)


def test_a_model_without_the_joint_is_refused_with_the_valid_names(tmp_path: object) -> None:
    config = task()
    joint = config.robot.joints["pivot"]
    robot = config.robot.model_copy(update={"joints": {"elbow": joint}})
    with pytest.raises(UserError, match=r"no hinge joint named 'elbow'.*valid: pivot"):
        build_model(config.model_copy(update={"robot": robot}))
    missing = config.robot.model_copy(update={"model": f"{tmp_path}/none.xml"})
    with pytest.raises(UserError, match=r"none\.xml does not exist"):
        build_model(config.model_copy(update={"robot": missing}))


def test_a_broken_model_file_is_one_line(tmp_path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody><body></mujoco>")
    config = task()
    robot = config.robot.model_copy(update={"model": str(broken)})
    with pytest.raises(UserError, match=r"broken\.xml: not a valid MuJoCo model") as caught:
        build_model(config.model_copy(update={"robot": robot}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none", "pendulum"])
def test_trajectories_do_not_depend_on_threads(name: str) -> None:
    runs = []
    for threads in (1, 2):
        env = BatchEnv(load_task("pendulum_swingup"), load_randomization(name), 64, threads=threads)
        env.reset_arrays(11)
        rng = np.random.default_rng(2)
        env.episodes.length[:] = 995  # some episodes end on the way
        runs.append(b"".join(env.step_arrays(actions(rng, 64)).observation.tobytes() for _ in range(40)))
    assert runs[0] == runs[1]


def test_a_simulation_resumes_bit_for_bit() -> None:
    config = load_task("pendulum_swingup", ("observation.0.history=3", "action.smoothing=0.2"))

    def fresh() -> BatchEnv:
        env = BatchEnv(config, load_randomization("pendulum"), 16, seed=5)
        env.reset_arrays(5)
        env.episodes.length[:] = np.arange(960, 976)
        return env

    def run(env: BatchEnv, rng: np.random.Generator, steps: int) -> list[bytes]:
        seen = []
        for _ in range(steps):
            out = env.step_arrays(actions(rng, 16))
            seen.append(out.observation.tobytes() + out.reward.tobytes() + out.terminated.tobytes())
        return seen

    whole = fresh()
    rng = np.random.default_rng(0)
    run(whole, rng, 30)
    saved, rng_state = whole.state_dict(), rng.bit_generator.state
    expected = run(whole, rng, 30)
    resumed = BatchEnv(config, load_randomization("pendulum"), 16, seed=77)
    resumed.load_state_dict(saved)
    rng.bit_generator.state = rng_state
    assert run(resumed, rng, 30) == expected


def test_a_diverged_simulation_is_ended_counted_and_never_seen() -> None:
    env = BatchEnv(task(), load_randomization("pendulum"), 8, seed=1)
    env.reset_arrays(1)
    env.simulation._qpos[3] = np.nan
    out = env.step_arrays(np.zeros((8, 1), np.float32))
    assert out.terminated.tolist() == [False, False, False, True, False, False, False, False]
    assert env.episodes.diverged == 1
    for values in (out.observation, out.final_observation, out.reward):
        assert np.isfinite(values).all()
    for _ in range(5):
        out = env.step_arrays(np.zeros((8, 1), np.float32))
        assert not out.terminated.any()
        assert np.isfinite(out.observation).all()


def test_a_state_that_is_no_number_leaves_no_trace_in_the_figures_of_its_episode() -> None:
    env = BatchEnv(task(), load_randomization("pendulum"), 4, seed=1)
    env.reset_arrays(1)
    env.step_arrays(np.zeros((4, 1), np.float32))
    advance = env.simulation._advance

    def poisoned() -> None:
        advance()
        env.simulation._qpos[2] = np.nan

    env.simulation._advance = poisoned  # type: ignore[method-assign]
    out = env.step_arrays(np.zeros((4, 1), np.float32))
    assert out.terminated.tolist() == [False, False, True, False]
    assert out.reward[2] == -env.simulation.task.termination_penalty
    finished = env.episodes.drain()
    assert finished["length"].tolist() == [2]
    assert all(np.isfinite(values).all() for values in finished.values())


def test_the_plant_behind_the_emulator_moves_like_the_batch() -> None:
    config = task("physics.timestep=1 ms", "reset.position=[40 deg, 40 deg]", "reset.velocity=[0 rad/s, 0 rad/s]")
    simulation = started(Simulation(config, randomization(), 1))
    plant = MujocoPlant(config.robot)
    plant.data.qpos[:] = np.deg2rad(40.0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        action = actions(rng, 1)
        simulation.step(action)
        for _ in range(10):
            plant.step(np.array([0.6 * float(action[0, 0])]))
        np.testing.assert_allclose(plant.position, simulation._qpos[0], atol=1e-9)
        np.testing.assert_allclose(plant.velocity, simulation._qvel[0], atol=1e-7)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_episodes_begins_at_rest_in_the_start_pose(share: float) -> None:
    config = task(f"reset.start_pose_share={share}", "reset.position=[120 deg, 180 deg]")
    simulation = started(Simulation(config, randomization(), 2000, seed=3))
    tolerance = config.robot.ready.tolerance
    at_rest = (np.abs(simulation._qpos[:, 0]) <= tolerance) & (simulation._qvel[:, 0] == 0.0)
    assert abs(at_rest.mean() - share) < 0.03
    elsewhere = simulation._qpos[~at_rest, 0]
    assert ((elsewhere >= np.deg2rad(120)) & (elsewhere <= np.pi)).all()
