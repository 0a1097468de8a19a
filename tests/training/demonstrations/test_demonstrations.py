"""Laws of demonstrations: files are read as they were made, and what cannot be learned from is refused by name."""

import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

import sim2real
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.log import read_log
from sim2real.training.demonstrations.array_file import read_arrays, write_arrays
from sim2real.training.demonstrations.demonstrations import Demonstrations
from sim2real.training.demonstrations.load import load_demonstrations
from sim2real.training.demonstrations.recorder import Recorder

LOG = Path(__file__).parents[2] / "runtime/data/pendulum_swingup.mcap"
OTHER = LOG.with_name("quadruped_walk.mcap")
CONTRACT = contract_of(load_task("pendulum_swingup"))
SIZES = CONTRACT.observation_size, CONTRACT.action_size


def arrays(n=6, **changes):
    rows = np.arange(n * SIZES[0], dtype=np.float32).reshape(n, -1)
    begins = np.zeros(n, bool)
    begins[[0, 4]] = True
    return {
        "observation": rows,
        "action": rows[:, :1] / 100,
        "begins": begins,
        "contract": np.array(CONTRACT.model_dump_json()),
    } | changes


@pytest.fixture
def file_of(tmp_path):
    def write(**changes):
        path = tmp_path / "shown.npz"
        np.savez(path, **{name: values for name, values in arrays(**changes).items() if values is not None})
        return path

    return write


def load(*paths, contract=CONTRACT, sizes=SIZES):
    return load_demonstrations([str(path) for path in paths], contract, sizes)


def test_a_log_shows_what_the_policy_saw_and_did_in_each_tick_in_which_it_ran():
    shown = load(LOG)
    ran = [tick for tick in read_log(LOG).ticks if tick["ran"]]
    np.testing.assert_array_equal(shown.observation, np.array([tick["observation"] for tick in ran], np.float32))
    np.testing.assert_array_equal(shown.action, np.array([tick["action"] for tick in ran], np.float32))
    assert shown.begins.tolist() == [True] + [False] * (len(ran) - 1)


def test_arrays_are_read_as_they_were_written(tmp_path):
    written = load(LOG)
    write_arrays(written, tmp_path / "again.npz")
    read = read_arrays(tmp_path / "again.npz")
    for name in ("observation", "action", "begins"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.contract == written.contract.without_ranges()
    assert read.digest() == written.digest()


def test_a_file_without_begins_is_one_episode(file_of):
    assert load(file_of(begins=None)).begins.tolist() == [True] + [False] * 5


def test_several_files_follow_each_other_and_a_folder_is_all_of_its_files_by_name(file_of, tmp_path):
    path = file_of()
    (tmp_path / "a.mcap").write_bytes(LOG.read_bytes())
    (tmp_path / "notes.txt").write_text("not read")
    both = load(path, LOG)
    assert len(both) == 6 + 57
    assert both.episodes == 3
    assert load(tmp_path).digest() == load(tmp_path / "a.mcap", path).digest() != both.digest()


def test_the_last_episodes_are_held_out_whole(file_of):
    shown = load(file_of())
    learned, held_out = shown.split(0.5)
    assert (len(learned), len(held_out)) == (4, 2)
    assert shown.split(0.4)[1] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"observation": None}, r"'observation' is missing; valid: observation, action"),
        ({"reward": np.zeros(6)}, r"'reward' is not known"),
        ({"observation": np.zeros((0, 5)), "action": np.zeros((0, 1)), "begins": np.zeros(0, bool)}, "0 control steps"),
        ({"action": np.zeros((5, 1))}, r"observation \(6, 5\), action \(5, 1\), begins \(6,\); valid: \(n, O\)"),
        ({"action": np.float32(3.0)}, r"action \(\)"),
        ({"action": np.zeros((6, 2))}, "5 observation values and 2 actions; its contract has 5 and 1"),
        ({"action": np.full((6, 1), np.nan)}, r"action\[0\] of step 0 is nan"),
        ({"observation": np.full((6, 5), np.inf)}, r"observation\[0\] of step 0 is inf"),
        ({"observation": np.array([["a"] * 5] * 6)}, "observation is of <U1; valid: numbers"),
        ({"begins": np.zeros(6, bool)}, r"begins\[0\] is false"),
        ({"begins": np.zeros(6)}, "begins is of float64; valid: bool"),
        ({"contract": None}, "has no contract, so nothing says what its numbers are"),
        ({"contract": np.array("{}")}, "contract"),
        ({"action": np.array([[{}]] * 6, object)}, "no arrays of demonstrations, or cut off"),
    ],
)
def test_arrays_that_show_nothing_are_refused_by_name(changes, said, file_of):
    path = file_of(**changes)
    with pytest.raises(UserError, match=said) as refused:
        load(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("task.control_rate=50 Hz", r"control_rate: there 100\.0, here 50\.0"),
        ("task.action.smoothing=0.5", r"action\.smoothing: there 0\.0, here 0\.5"),
        ("task.observation=[{term: joint_velocity}]", r"observation: there .*, here joint_velocity"),
    ],
)
def test_another_contract_is_refused_by_its_first_difference(task, said, file_of):
    ours = contract_of(load_task("pendulum_swingup", (task.removeprefix("task."),)))
    for path in (LOG, file_of()):
        with pytest.raises(UserError, match=rf"{path}: was made with another contract: {said}; valid: the same"):
            load(path, contract=ours)


def test_a_changed_scale_of_a_term_is_named(file_of):
    terms = list(CONTRACT.observation)
    terms[0] = terms[0].model_copy(update={"scale": 3.0})
    ours = CONTRACT.model_copy(update={"observation": tuple(terms)})
    with pytest.raises(UserError, match=rf"observation\.{terms[0].term}\.scale: there 0.1, here 3\.0"):
        load(file_of(), contract=ours)


def test_another_robot_is_refused_by_its_joints():
    with pytest.raises(UserError, match=r"another contract: joints: there .*, here pivot; valid"):
        load(OTHER)


def test_without_a_robot_sizes_must_agree_and_there_is_no_contract(file_of):
    path = file_of(contract=None)
    assert len(load(path, contract=None)) == 6
    with pytest.raises(UserError, match="5 observation values and 1 actions; valid here: 5 and 2"):
        load(path, contract=None, sizes=(5, 2))
    with pytest.raises(UserError, match="is of the task 'pendulum_swingup' of a robot"):
        load(LOG, contract=None)


@pytest.mark.parametrize("suffix", [".npz", ".mcap"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_file_that_is_empty_or_cut_off_is_refused(suffix, share, file_of, tmp_path):
    content = (file_of() if suffix == ".npz" else LOG).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"cut off|not a log of"):
        load(path)


def test_a_log_with_a_number_that_is_not_finite_is_refused(tmp_path):
    shown = load(LOG)
    action = shown.action.copy()
    action[7, 0] = np.nan
    with pytest.raises(UserError, match=r"action\[0\] of step 7 is nan"):
        Demonstrations("a log", shown.observation, action, shown.begins, shown.contract)


def test_what_unpacks_to_more_than_the_memory_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(5):
            packed.writestr(f"{number}.npy", b"small")
    content = path.read_bytes()
    entry = re.compile(rb"(PK\x01\x02.{20})....", re.DOTALL)  # of the directory, up to the size when unpacked
    path.write_bytes(entry.sub(lambda found: found[1] + b"\xf0\xff\xff\xff", content))
    with pytest.raises(UserError, match="21474836400 bytes unpacked; valid: up to"):
        load(path)


def test_neither_a_pipe_nor_a_device_nor_another_file_hangs_the_reader(tmp_path):
    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    os.mkfifo(tmp_path / "pipe.mcap")
    for suffix in (".npz", ".mcap"):
        (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    text = tmp_path / "notes.txt"
    text.write_text("no demonstrations")
    for path, said in (
        (pipe, "Not a regular file"),
        (tmp_path / "pipe.mcap", "Not a regular file"),
        (tmp_path / "zero.npz", "Not a regular file"),
        (tmp_path / "zero.mcap", "Not a regular file"),
        (text, "valid: .mcap, .npz, a folder"),
        (tmp_path / "missing.npz", "cannot be read: No such file"),
        (tmp_path / "missing.mcap", "cannot be read: No such file"),
    ):
        with pytest.raises(UserError, match=said):
            load(path)


def test_a_folder_without_demonstrations_and_one_of_lerobots_are_refused(tmp_path):
    with pytest.raises(UserError, match="no demonstrations in this folder; valid: "):
        load(tmp_path)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "info.json").write_text(json.dumps({"codebase_version": "v3.0"}))
    with pytest.raises(UserError, match="is a LeRobot data set, which does not say its units; valid: one of"):
        load(tmp_path)


def test_an_evaluation_is_recorded_robot_by_robot_with_the_starts_of_its_episodes(tmp_path):
    seen = []

    def act(observation):
        seen.append(observation.copy())
        return observation[:, :1] * 0.5

    recorder = Recorder(act, 4)  # the fifth value is privileged
    recorder.reset()
    rows = np.arange(3 * 2 * 5, dtype=np.float32).reshape(3, 2, 5)
    for step in range(3):
        recorder(rows[step])
        recorder.reset(np.array([step == 1, False]))
    shown = recorder.demonstrations("here", None)
    np.testing.assert_array_equal(shown.observation, np.concatenate([rows[:, 0, :4], rows[:, 1, :4]]))
    np.testing.assert_array_equal(shown.action, shown.observation[:, :1] * 0.5)
    assert shown.begins.tolist() == [True, False, True, True, False, False]


def test_eval_writes_demonstrations_of_the_policys_own_contract(tmp_path):
    path = tmp_path / "shown.npz"
    report = sim2real.evaluate("pendulum_swingup", episodes=2, record=path, overrides=("task.episode_duration=0.2 s",))
    assert report.document()["demonstrations"] == str(path)
    shown = load(path)
    assert shown.episodes == 2
    assert len(shown) == 40
    for name, said in ((tmp_path / "shown.txt", "ends in .npz"), (tmp_path / "no" / "shown.npz", "there is no folder")):
        with pytest.raises(UserError, match=said):
            sim2real.evaluate("pendulum_swingup", episodes=2, record=name)
