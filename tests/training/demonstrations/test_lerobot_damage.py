"""Laws of LeRobot data sets that are not whole: each is refused in one line that begins with the file."""

import json
import re

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.lerobot import LerobotConfig
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.demonstrations.load import load_demonstrations

pa = pytest.importorskip("pyarrow", reason="pip install 'sim2real[lerobot]'")
pq = pytest.importorskip("pyarrow.parquet", reason="pip install 'sim2real[lerobot]'")
from lerobot_data import small_data_set  # noqa: E402 - it needs pyarrow

CONTRACT = contract_of(load_task("so101_hold"))
SIZES = CONTRACT.observation_size, CONTRACT.action_size


def load(folder):
    return load_demonstrations([str(folder)], CONTRACT, SIZES, LerobotConfig(units="deg"))


@pytest.fixture
def small(tmp_path):
    """Return a function that writes a data set of two short episodes of the arm."""

    def write(**more):
        return small_data_set(tmp_path / "small", [f"{name}.pos" for name in CONTRACT.joint_names], **more)

    return write


def edit(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def rewrite(path, change):
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def with_column(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, values)


def poke(name, row, column, value):
    """Return a change of a table: one number of one list."""

    def change(table):
        rows = [list(each) for each in table.column(name).to_pylist()]
        rows[row][column] = value
        return with_column(table, name, pa.array(rows, table.schema.field(name).type))

    return change


DATA, INFO = "data/chunk-000/file-000.parquet", "meta/info.json"
LIST = "meta/episodes/chunk-000/file-000.parquet"
DAMAGE = [
    (lambda at: (at / DATA).unlink(), rf"{DATA}: cannot be read: No such file"),
    (lambda at: (at / LIST).unlink(), r"meta/episodes: there is no Parquet file with the list of the episodes"),
    (lambda at: (at / INFO).write_text("{"), rf"{INFO}: no JSON, cut off or damaged"),
    (lambda at: (at / INFO).write_text("[]"), rf"{INFO}: no description of a data set"),
    (lambda at: (at / DATA).write_bytes(b""), rf"{DATA}: no Parquet file, cut off or damaged"),
    (lambda at: edit(at / INFO, lambda d: d.update(codebase_version="v2.0")), "is 'v2.0'; valid: v2.1, v3.0"),
    (lambda at: edit(at / INFO, lambda d: d.pop("fps")), "fps is None; valid: a number above 0"),
    (lambda at: edit(at / INFO, lambda d: d.update(fps=float("nan"))), "fps is nan"),
    (lambda at: edit(at / INFO, lambda d: d.update(total_episodes=3)), rf"lists 2 episodes; .*{INFO} has 3"),
    (lambda at: edit(at / INFO, lambda d: d.update(total_frames=11)), rf"lists 10 frames; .*{INFO} has 11"),
    (lambda at: edit(at / INFO, lambda d: d.update(total_frames=True)), "total_frames is True"),
    (lambda at: edit(at / INFO, lambda d: d["features"].pop("action")), "there is no feature 'action'; there are: obs"),
    (lambda at: edit(at / INFO, lambda d: d["features"]["action"].update(names=None)), "'action' has the names None"),
    (lambda at: edit(at / INFO, lambda d: d["features"]["action"].update(shape=[7])), r"'action' has shape \[7\]"),
    (
        lambda at: edit(at / INFO, lambda d: d["features"]["action"].update(names=["a"] * 6)),
        "the feature 'action' has the name 'a' twice",
    ),
    *(
        (
            lambda at, path=path: edit(at / INFO, lambda d: d.update(data_path=path)),
            "data_path is .*; valid: a path bel",
        )
        for path in (
            None,
            "data/file.parquet",
            "/{chunk_index:03d}/{file_index:03d}.parquet",
            "../{chunk_index:03d}/{file_index:03d}.parquet",
            "{chunk_index:03d}/{file_index.__class__}",
            "{chunk_index:03d}/{file_index:03d}/{secret:03d}",
        )
    ),
    (
        lambda at: rewrite(at / DATA, poke("action", 3, 2, float("nan"))),
        r"'elbow_flex\.pos' of action is nan in fra",
    ),
    (
        lambda at: rewrite(at / DATA, poke("observation.state", 7, 5, float("inf"))),
        r"episode 1: 'gripper\.pos' of observation\.state is inf in frame 2",
    ),
    (lambda at: rewrite(at / DATA, lambda t: t.drop_columns(["action"])), "no column 'action'; there are: observation"),
    (lambda at: rewrite(at / DATA, lambda t: t.slice(0, 9)), "has 9 frames; valid: 10, as"),
    (lambda at: rewrite(at / DATA, lambda t: pa.concat_tables([t, t])), "has 20 frames; valid: 10, as"),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "episode_index", pa.array([0] * 6 + [1] * 4))),
        "episode 0: has 6 frames; .*meta lists 5",
    ),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "frame_index", pa.array([0, 1, 3, 2, 4] * 2))),
        "episode 0: frame_index is not 0 to 4 in order",
    ),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "timestamp", pa.array([0, 0.02, 0.04, 0.08, 0.1] * 2))),
        r"timestamp is 0\.04 s in frame 2 and 0\.08 s in the next; valid: 0\.02 s later",
    ),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "action", pa.array([[0.0] * 6] * 9 + [[0.0] * 5]))),
        "'action' has a list of 5 numbers; valid: 6",
    ),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "action", pa.array([[0.0] * 6] * 9 + [None]))),
        "'action' has no value in 1 rows",
    ),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "action", pa.array([[0.0] * 6] * 9 + [[None] * 6]))),
        "'action' lacks 6 numbers",
    ),
    (lambda at: rewrite(at / DATA, lambda t: with_column(t, "action", pa.array(["a"] * 10))), "'action' is of string"),
    (
        lambda at: rewrite(at / DATA, lambda t: with_column(t, "action", pa.array([["a"] * 6] * 10))),
        "'action' is of list.*; valid: numbers",
    ),
    (
        lambda at: rewrite(at / LIST, lambda t: with_column(t, "episode_index", pa.array([0, 0]))),
        "episode 1 is missing or listed twice",
    ),
    (lambda at: rewrite(at / LIST, lambda t: with_column(t, "length", pa.array([10, 0]))), "it has 0 frames"),
    (lambda at: rewrite(at / LIST, lambda t: with_column(t, "length", pa.array([4.5, 5.5]))), "valid: whole numbers"),
    (
        lambda at: rewrite(at / LIST, lambda t: with_column(t, "data/file_index", pa.array([0, 1]))),
        "has 10 frames; valid: 5, as",
    ),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGE)
def test_a_data_set_that_is_not_whole_is_refused_with_the_file(damage, said, small):
    folder = small()
    damage(folder)
    with pytest.raises(UserError, match=said) as refused:
        load(folder)
    assert str(refused.value).startswith(str(folder))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), r"episodes\.jsonl: cannot be read: No such file"),
        (lambda path: path.write_text(path.read_text()[:-30]), r"episodes\.jsonl:2: no episode, cut off or damaged"),
        (lambda path: path.write_bytes(b"\xff\xfe"), r"episodes\.jsonl: no lines of JSON"),
        (lambda path: path.write_text("[1]\n"), r"episodes\.jsonl:1: no episode, cut off or damaged"),
        (lambda path: path.write_text('{"episode_index": 0, "length": 5.0}'), "must be whole numbers"),
    ],
)
def test_a_list_of_episodes_that_is_not_whole_is_refused_with_its_line(damage, said, small):
    folder = small(version="v2.1")
    damage(folder / "meta" / "episodes.jsonl")
    with pytest.raises(UserError, match=said):
        load(folder)


def test_a_file_of_frames_that_is_cut_off_anywhere_is_refused(small):
    folder = small()
    content = (folder / DATA).read_bytes()
    for length in range(0, len(content), 97):
        (folder / DATA).write_bytes(content[:length])
        with pytest.raises(UserError, match=rf"{re.escape(str(folder / DATA))}: no Parquet file, cut off or damaged"):
            load(folder)


@pytest.mark.slow
def test_whatever_bits_of_a_file_are_wrong_it_is_read_or_refused_in_one_line(small):
    folder = small()
    content, rng = (folder / DATA).read_bytes(), np.random.default_rng(0)
    read, said = 0, []
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=2):
            damaged[place] ^= 1 << int(rng.integers(8))
        (folder / DATA).write_bytes(damaged)
        try:
            read += bool(np.isfinite(load(folder).action).all())
        except UserError as refused:
            said.append(str(refused))
    assert 0 < read < 300
    assert not [line for line in said if "\n" in line or not line.startswith(str(folder))]
