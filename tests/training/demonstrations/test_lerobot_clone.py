"""Laws of clones from LeRobot data sets: demonstrated actions are learned, and a log says the same as a data set."""

import os
import subprocess
import sys

import numpy as np
import pytest

import sim2real
from sim2real.configs.load import load_randomization, load_task
from sim2real.configs.schema.lerobot import LerobotConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.log import read_log
from sim2real.runtime.tick_fields import FIELD, array_of
from sim2real.training.demonstrations.load import load_demonstrations
from sim2real.training.saved_policy import load_saved_policy

pytest.importorskip("pyarrow", reason="pip install 'sim2real[lerobot]'")
import lerobot_writer
from lerobot_data import Episode, write_data_set

pytestmark = pytest.mark.slow

CONTRACT = contract_of(load_task("so101_hold"))
SIZES = CONTRACT.observation_size, CONTRACT.action_size
J, EPISODES, TICKS = 6, 24, 50
DEFAULT = np.array([joint.default_position for joint in CONTRACT.robot.joints])
LOW, HIGH = (np.array([getattr(j, f"position_{end}") for j in CONTRACT.robot.joints]) for end in ("min", "max"))
BODY = np.array([name != "gripper" for name in CONTRACT.joint_names])
NAMES = [f"{name}.pos" for name in CONTRACT.joint_names]
LEROBOT = "{units: range_m100_100, joints: {gripper: {units: range_0_100}}}"
"""Units of LeRobot's SO-101 follower."""
READ = LerobotConfig.model_validate({"units": "range_m100_100", "joints": {"gripper": {"units": "range_0_100"}}})


def per_cent(angle):
    share = (angle - LOW) / (HIGH - LOW)
    return np.where(BODY, 200.0 * share - 100.0, 100.0 * share)


def settle(observation):
    """Return what is demonstrated: from where the arm is to its default pose, the farther the faster."""
    return (0.6 * observation[:, :J] - 0.2 * observation[:, J : 2 * J]).clip(-0.95, 0.95).astype(np.float32)


@pytest.fixture(scope="module")
def episodes():
    """Return what simulated arms did, (n, J) per cent of the range for each episode."""
    task = load_task("so101_hold", ("reset.position=[-30 deg, 30 deg]", "terminations=[]"))
    env = BatchEnv(task, load_randomization("none"), EPISODES, seed=3, threads=1)
    observation, positions, goals = env.reset_arrays(3), [], []
    for _ in range(TICKS):
        action = settle(observation)
        positions.append(observation[:, :J] + DEFAULT)
        goals.append(DEFAULT + 0.3 * action.astype(np.float64))
        observation = env.step_arrays(action).observation
    state, goal = (per_cent(np.array(each)) for each in (positions, goals))
    return [Episode(state[:, row], goal[:, row]) for row in range(EPISODES)]


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_a_clone_does_what_a_data_set_shows_and_its_log_is_the_same_as_a_data_set(version, episodes, tmp_path):
    folder = write_data_set(tmp_path / "shown", version, episodes, NAMES, per_file=5)
    shown = load_demonstrations([str(folder)], CONTRACT, SIZES, READ)
    np.testing.assert_allclose(shown.action, settle(shown.observation), atol=0.05)  # velocities are differences
    (tmp_path / "mine.yaml").write_text(
        "name: mine\ntask: so101_hold\nrandomization: none\nenvironments: 2\nsteps: 120000\nidle_share_max: null\n"
        f"evaluation_episodes: 2\nthreads: 1\nalgorithm: {{name: bc, demonstrations: [shown], lerobot: {LEROBOT}, "
        "hidden: [32], learning_rate: 0.005}\n"
    )
    trained = sim2real.train(tmp_path / "mine.yaml", runs_dir=tmp_path, name="clone")
    found = load_saved_policy(trained.run.path).act(shown.observation)
    error = np.square(found - shown.action).mean()
    assert error < 0.01 * np.square(shown.action - shown.action.mean(0)).mean()

    log = tmp_path / "clone.mcap"
    report = sim2real.run(trained.policy, "so101", lockstep=True, duration=1.0, log=log)
    assert report.ok, report.reasons
    ticks = [tick for tick in read_log(log).ticks if tick["ran"]]
    state = array_of(FIELD["position"], [tick["position"] for tick in ticks])
    goal = DEFAULT + 0.3 * np.clip(array_of(FIELD["action"], [tick["action"] for tick in ticks]), -1.0, 1.0)
    again = write_data_set(tmp_path / "again", version, [Episode(per_cent(state), per_cent(goal))], NAMES)
    of_log, of_data = (
        load_demonstrations([str(path)], CONTRACT, SIZES, lerobot) for path, lerobot in ((log, None), (again, READ))
    )
    np.testing.assert_allclose(of_data.action, of_log.action.clip(-1.0, 1.0), atol=1e-4)
    others = np.delete(np.arange(SIZES[0]), slice(J, 2 * J))  # the motors say a velocity of their own
    np.testing.assert_allclose(of_data.observation[1:, others], of_log.observation[1:, others], atol=1e-4)


@pytest.mark.realtime  # a program of its own that takes seconds to start
def test_what_lerobots_own_writer_writes_is_read(episodes, tmp_path):
    for name in ("lerobot", "datasets"):
        pytest.importorskip(name, reason="LeRobot is not installed: pip install --no-deps -r tests/lerobot.txt")
    state, action = (np.concatenate([getattr(each, name) for each in episodes]) for name in ("state", "action"))
    np.savez(tmp_path / "a.npz", state=state, action=action, lengths=[TICKS] * EPISODES, names=NAMES, fps=50)
    quiet = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path)}
    command = [sys.executable, lerobot_writer.__file__, str(tmp_path / "a.npz"), str(tmp_path / "theirs")]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    ours = write_data_set(tmp_path / "ours", "v3.0", episodes, NAMES)
    theirs, mine = (load_demonstrations([str(each)], CONTRACT, SIZES, READ) for each in (tmp_path / "theirs", ours))
    assert theirs.digest() == mine.digest()
