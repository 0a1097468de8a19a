"""Laws of LeRobot data sets: what is read is what the robot saw and did, in units that somebody said."""

import sys

import numpy as np
import pytest

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_experiment, load_randomization, load_task
from sim2real.configs.schema.lerobot import LerobotConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.demonstrations.load import load_demonstrations

pa = pytest.importorskip("pyarrow", reason="pip install 'sim2real[lerobot]'")
from lerobot_data import Episode, small_data_set, write_data_set  # noqa: E402 - it needs pyarrow

VERSIONS = ("v2.1", "v3.0")
TERMS = (
    "observation=[{term: joint_position}, {term: joint_velocity, scale: 0.1}, {term: joint_position_sin, history: 3}, "
    "{term: joint_position_cos}, {term: joint_position_error, scale: 10}, {term: last_action, history: 2}, "
    "{term: tip_position}]"
)
ACTIONS = {
    "absolute": (),
    "filtered": ("action.smoothing=0.4",),
    "relative": ("action.relative=true", "action.scale=0.4 deg"),
}
PIVOT_TASK = (
    "robot.joints.pivot.mode=position", "robot.joints.pivot.stiffness=1 N*m/rad", "control_rate=50 Hz",
    "robot.joints.pivot.position_limits=[-4 rad, 4 rad]",
    "observation=[{term: joint_position}, {term: joint_velocity}]",
)  # fmt: skip
PIVOT = contract_of(load_task("pendulum_swingup", (*PIVOT_TASK, "action={target: position, scale: 4 rad}")))
J, EPISODES, TICKS = 6, 3, 40
VELOCITY = slice(J, 2 * J)


def contract_for(*overrides):
    return contract_of(load_task("so101_hold", (TERMS, *overrides)))


def names_of(contract):
    return [f"{name}.pos" for name in contract.joint_names]


def load(folder, contract, **lerobot):
    sizes = contract.observation_size, contract.action_size
    return load_demonstrations([str(folder)], contract, sizes, LerobotConfig(**({"units": "deg"} | lerobot)))


def rollout(*overrides):
    """Return what a policy saw and did in simulation, (T, n, ·) each, and the targets that the contract made of it."""
    task = load_task("so101_hold", (TERMS, "reset.position=[0 deg, 0 deg]", *overrides))
    env = BatchEnv(task, load_randomization("none"), EPISODES, seed=1, threads=1)
    observation, seen, done, goals = env.reset_arrays(1), [], [], []
    phase = np.arange(EPISODES)[:, None] + np.arange(J)
    for tick in range(TICKS):
        wave = 0.5 * (np.sin(0.15 * tick + phase) - np.sin(phase))  # from where the arm stands, slower than its limits
        action = np.clip(wave - 0.5 * observation[:, :J], -0.9, 0.9).astype(np.float32)
        seen.append(observation.copy())
        done.append(action)
        observation = env.step_arrays(action).observation
        goals.append(env.simulation.signals.joint_target.copy())
    return np.array(seen), np.array(done), np.array(goals)


def recorded(contract, seen, goals):
    """Return the episodes as LeRobot records them, degrees: positions and the targets of the same ticks."""
    default = np.array([joint.default_position for joint in contract.robot.joints])
    position = seen[:, :, :J] + default
    return [Episode(np.degrees(position[:, row]), np.degrees(goals[:, row])) for row in range(EPISODES)]


@pytest.fixture
def small(tmp_path):
    """Return a function that writes a data set of two short episodes of the arm."""

    def write(name="small", names=None, **more):
        return small_data_set(tmp_path / name, names or names_of(contract_for()), **more)

    return write


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_data_set_shows_what_was_seen_and_done_in_simulation(version, action, tmp_path):
    contract = contract_for(*ACTIONS[action])
    seen, done, goals = rollout(*ACTIONS[action])
    folder = write_data_set(tmp_path / "shown", version, recorded(contract, seen, goals), names_of(contract))
    shown = load(folder, contract)
    assert shown.contract == contract
    assert np.flatnonzero(shown.begins).tolist() == [0, TICKS, 2 * TICKS]
    observation, act = (each.reshape(EPISODES, TICKS, -1).swapaxes(0, 1) for each in (shown.observation, shown.action))
    others = np.delete(np.arange(contract.observation_size), VELOCITY)
    # Degrees in float32 round by 4e-6 rad; the error term has a scale of 10.
    np.testing.assert_allclose(observation[:, :, others], seen[:, :, others], rtol=0.0, atol=6e-5)
    np.testing.assert_allclose(act, done, rtol=0.0, atol=3e-4)
    # A difference over two periods against the motor's own reading, which is rounded to 0.0732 rad/s and a tick old.
    error = (observation - seen)[1:-1, :, VELOCITY] / 0.1
    assert np.sqrt(np.square(error).mean()) < 0.25 * np.sqrt(np.square(seen[:, :, VELOCITY] / 0.1).mean())


@pytest.mark.parametrize(
    ("lerobot", "numbers", "angles"),
    [
        ({"units": "rad"}, [0.0, 0.5, -0.25], [0.0, 0.5, -0.25]),
        ({"units": "deg"}, [0.0, 90.0, -45.0], [0.0, np.pi / 2, -np.pi / 4]),
        ({"units": "deg", "joints": {"pivot": {"zero": "90 deg", "direction": -1}}}, [0.0, 90.0], [np.pi / 2, 0.0]),
        # Its limits are ±4 rad.
        ({"units": "range_m100_100"}, [-100.0, 0.0, 25.0, 100.0], [-4.0, 0.0, 1.0, 4.0]),
        ({"units": "range_0_100"}, [0.0, 50.0, 62.5, 100.0], [-4.0, 0.0, 1.0, 4.0]),
        ({"units": "range_m100_100", "joints": {"pivot": {"range": ["1 rad", "3 rad"]}}}, [-100.0, 0.0], [1.0, 2.0]),
        ({"units": "range_0_100", "joints": {"pivot": {"range": ["3 rad", "1 rad"]}}}, [0.0, 25.0], [3.0, 2.5]),
        ({"units": "rad", "joints": {"pivot": {"units": "range_0_100"}}}, [50.0, 100.0], [0.0, 4.0]),
    ],
)
@pytest.mark.parametrize("listed", [pa.FixedSizeListType, pa.ListType])
def test_units_are_angles_as_they_are_said(listed, lerobot, numbers, angles, tmp_path):
    contract = PIVOT
    rows = np.array(numbers)[:, None]
    folder = write_data_set(tmp_path / "one", "v3.0", [Episode(rows, rows)], ["pivot.pos"], listed=listed)
    shown = load(folder, contract, **lerobot)
    np.testing.assert_allclose(shown.observation[:, 0], angles, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(shown.action[:, 0] * 4.0, angles, rtol=0.0, atol=1e-6)


def test_velocities_are_differences_at_the_recorded_rate(tmp_path):
    rows = np.array([0.0, 0.01, 0.04, 0.04])[:, None]
    folder = write_data_set(tmp_path / "one", "v2.1", [Episode(rows, rows)], ["pivot.pos"])
    # At 50 Hz: 0.01·50, (0.04 − 0)·50/2, (0.04 − 0.01)·50/2, 0
    np.testing.assert_allclose(load(folder, PIVOT, units="rad").observation[:, 1], [0.5, 1.0, 0.75, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("fps", "taken"),
    [(25, [0, 1, 1, 2, 2, 3, 3]), (100, [0, 2]), (30, [0, 1, 1, 2, 2, 3]), (50, [0, 1, 2, 3])],
)
def test_another_rate_is_refused_or_the_nearest_frame_in_time_is_taken(fps, taken, tmp_path, capsys):
    rows = np.array([0.0, 0.1, 0.3, 0.6])[:, None]
    folder = write_data_set(tmp_path / "one", "v3.0", [Episode(rows, rows)], ["pivot.pos"], fps=fps)
    if fps != 50:
        with pytest.raises(UserError, match=rf"fps is {fps}, and the task's control_rate 50 Hz; valid: the same, or"):
            load(folder, PIVOT, units="rad")
    shown = load(folder, PIVOT, units="rad", resample="nearest")
    np.testing.assert_allclose(shown.observation[:, 0], rows[taken, 0], atol=1e-6)
    velocity = np.array([0.1, 0.15, 0.25, 0.3]) * fps  # of the frames, not of the steps
    np.testing.assert_allclose(shown.observation[:, 1], velocity[taken], rtol=1e-5)
    said = f"note: {folder}: {fps} frames per second at 50 Hz: the nearest in time\n"
    assert capsys.readouterr().err == ("" if fps == 50 else said)


def test_actions_beyond_the_clip_are_clipped_and_their_share_is_said(tmp_path, capsys):
    rows = np.zeros((4, 1))
    goals = np.array([0.0, 3.0, -2.0, 0.25])[:, None]
    folder = write_data_set(tmp_path / "one", "v3.0", [Episode(rows, goals)], ["pivot.pos"])
    contract = contract_of(load_task("pendulum_swingup", (*PIVOT_TASK, "action={target: position, scale: 0.5 rad}")))
    assert load(folder, contract, units="rad").action[:, 0].tolist() == [0.0, 1.0, -1.0, 0.5]
    assert "50.00% of the actions are beyond what the task's action.scale allows" in capsys.readouterr().err


def test_names_are_mapped_where_they_differ(small, capsys):
    contract = contract_for()
    theirs = [f"main_{name}" for name in contract.joint_names]
    plain = load(small(), contract).digest()
    folder = small("theirs", theirs, as_motors=True)
    joints = {name: {"name": f"main_{name}"} for name in contract.joint_names}
    assert load(folder, contract, joints=joints).digest() == plain
    assert "not used" not in capsys.readouterr().err
    one = {"shoulder_pan": {"name": "main_shoulder_pan"}}
    with pytest.raises(UserError, match=r"info\.json: observation\.state has no 'shoulder_lift\.pos', for the joint"):
        load(folder, contract, joints=one)


def test_numbers_of_no_joint_are_left_out_and_said(tmp_path, capsys):
    rows = np.array([[7.0, 0.1], [8.0, 0.2]])
    folder = write_data_set(tmp_path / "two", "v2.1", [Episode(rows, rows)], ["camera.pos", "pivot.pos"])
    np.testing.assert_allclose(load(folder, PIVOT, units="rad").observation[:, 0], [0.1, 0.2], atol=1e-6)
    assert capsys.readouterr().err == f"note: {folder}: not used: camera.pos\n"


@pytest.mark.parametrize(("chunk", "per_file"), [(1000, 1), (2, 1), (2, 3), (1, 2)])
@pytest.mark.parametrize("version", VERSIONS)
def test_episodes_are_found_in_whatever_file_they_are(version, chunk, per_file, tmp_path):
    episodes = [Episode(np.full((n, 1), n / 10), np.full((n, 1), n / 10)) for n in (2, 5, 3, 4, 2)]
    folder = write_data_set(tmp_path / "many", version, episodes, ["pivot.pos"], chunk=chunk, per_file=per_file)
    shown = load(folder, PIVOT, units="rad")
    assert np.flatnonzero(shown.begins).tolist() == [0, 2, 7, 10, 14]
    np.testing.assert_allclose(shown.observation[:, 0], np.concatenate([each.state[:, 0] for each in episodes]))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (("so101_reach", ()), r"the observation term 'tip_error' needs tip commands; valid: .*joint_position_sin.*"),
        (("so101_hold", ("observation=[{term: joint_effort}]",)), r"'joint_effort' needs joint effort; valid: "),
        (("quadruped_walk", ()), r"the observation term '\w+' needs (angular velocity|orientation), imu; valid: "),
        (("pendulum_swingup", ()), r"an action of this task is an effort target; valid: a task with action\.target: p"),
    ],
)
def test_what_recorded_joints_do_not_give_is_refused_by_its_name(task, said, small):
    name, overrides = task
    with pytest.raises(UserError, match=said) as refused:
        load(small(), contract_of(load_task(name, overrides)))
    assert "\n" not in str(refused.value)
    assert "gyro" not in str(refused.value).partition("valid:")[2]


@pytest.mark.parametrize(
    ("lerobot", "said"),
    [
        ({"joints": {"hip": {}}}, r"algorithm\.lerobot\.joints: no joint 'hip'; valid: shoulder_pan, "),
        ({"joints": {"gripper": {"name": "elbow_flex.pos"}}}, "'elbow_flex.pos' is the name of two joints"),
        ({"units": "rad"}, r"episode 0: joint 'shoulder_pan' is at -20 rad in frame 0; valid: -2\.094 to 2\.094 rad"),
    ],
)
def test_joints_and_units_that_cannot_be_are_refused(lerobot, said, small):
    with pytest.raises(UserError, match=said):
        load(small(), contract_for(), **lerobot)


def test_a_data_set_is_read_only_where_its_units_are_said_and_pyarrow_is_there(small, monkeypatch):
    contract = contract_for()
    folder, sizes = small(), (contract.observation_size, contract.action_size)
    with pytest.raises(UserError, match="does not say its units; valid: one of deg, rad, range_m100_100, range_0_100"):
        load_demonstrations([str(folder)], contract, sizes)
    with pytest.raises(UserError, match="is a LeRobot data set, of a robot's joints"):
        load_demonstrations([str(folder)], None, sizes, LerobotConfig(units="deg"))
    with pytest.raises(UserError, match="there is no LeRobot data set among algorithm"):
        load(folder / "data", contract)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"needs another package; valid: pip install 'sim2real\[lerobot\]'"):
        load(folder, contract)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("{}", r"algorithm\.lerobot\.units"),
        ("{units: degrees}", r"algorithm\.lerobot\.units: .*valid: deg, rad, range_m100_100, range_0_100"),
        (
            "{units: deg, joints: {gripper: {range: [0 deg, 90 deg]}}}",
            r"joints\.gripper\.range: means nothing for unit",
        ),
        ("{units: deg, joints: {gripper: {units: range_0_100, zero: 1 deg}}}", r"joints\.gripper\.zero: means nothing"),
        ("{units: range_0_100, joints: {gripper: {direction: -1}}}", r"joints\.gripper\.direction: means nothing"),
        ("{units: range_0_100, joints: {gripper: {range: [1 rad, 1 rad]}}}", r"joints\.gripper\.range: both ends"),
    ],
)
def test_settings_that_mean_nothing_are_refused(block, said):
    with pytest.raises(ConfigError, match=said):
        load_experiment("so101_reach", (f"algorithm={{name: bc, demonstrations: [a], lerobot: {block}}}",))
