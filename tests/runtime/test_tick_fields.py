"""Laws of the log's fields: declared once, all of a tick is logged, and logs of earlier versions replay bit for bit."""

import json
import tracemalloc
from contextlib import closing
from dataclasses import fields, is_dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped
from sim2real.configs.load import load_task
from sim2real.runtime.contract.manifest import CONTRACT_KEY
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.runtime.log import read_log, signals_of
from sim2real.runtime.record import TickRecord
from sim2real.runtime.replay import replay
from sim2real.runtime.ring import RingReader, SharedRing
from sim2real.runtime.row_layout import json_of
from sim2real.runtime.states import State
from sim2real.runtime.tick_fields import FIELDS, field_schema, logged_fields, row_layout

DATA = Path(__file__).parent / "data"
EARLIER = sorted(DATA.glob("*.mcap"))
"""Logs that were written before the fields were declared in one place: lost replies and resets among them."""

TASKS = shipped("tasks")


def sources_of(part: object, prefix: str = "") -> set[str]:
    """The dotted names of all numbers and arrays of a record."""
    names: set[str] = set()
    for field in fields(part):
        if not field.repr:  # the memory behind them
            continue
        value = getattr(part, field.name)
        names |= sources_of(value, f"{prefix}{field.name}.") if is_dataclass(value) else {f"{prefix}{field.name}"}
    return names


def test_every_number_of_a_tick_is_logged_once() -> None:
    record = TickRecord.empty(contract_of(load_task("quadruped_walk")))
    # Between two samples of an IMU it says nothing that its stamp does not.
    assert sources_of(record) - {"imus.fresh"} == {field.source for field in FIELDS}
    assert len({field.name for field in FIELDS}) == len({field.source for field in FIELDS}) == len(FIELDS)


@pytest.mark.parametrize("name", TASKS)
def test_every_field_has_the_shape_and_dtype_of_its_source(name: str) -> None:
    contract = contract_of(load_task(name))
    record = TickRecord.empty(contract)
    for field in logged_fields(contract):
        value = attrgetter(field.source)(record)
        assert np.shape(value) == field.shape(contract), field.name
        if isinstance(value, np.ndarray):
            assert value.dtype == field.dtype, field.name
        else:
            assert np.dtype(field.dtype).kind == {int: "i", bool: "b"}[type(value)], field.name


@pytest.mark.parametrize("name", TASKS)
def test_what_goes_into_the_ring_comes_out_of_it_to_the_bit(name: str) -> None:
    contract = contract_of(load_task(name))
    record, random = TickRecord.empty(contract), np.random.default_rng(3)
    for field in FIELDS:
        value = attrgetter(field.source)(record)
        if isinstance(value, np.ndarray):
            value[...] = random.normal(size=value.shape) * 1e3
    record.tick, record.time_ns, record.state, record.ran = 7, 2**60 + 1, State.RUNNING.value, True
    with closing(SharedRing(row_layout(contract), 2)) as ring:
        ring.push(record.pack())
        row = RingReader(ring.fd).pop()
    assert row is not None
    assert row.dtype.names == tuple(field.name for field in logged_fields(contract))
    for field in logged_fields(contract):
        expected = np.asarray(attrgetter(field.source)(record), field.dtype)
        assert np.asarray(row[field.name], field.dtype).tobytes() == expected.tobytes(), field.name


@pytest.mark.parametrize("name", TASKS)
def test_the_command_is_one_block_that_a_driver_checks_at_once(name: str) -> None:
    command = TickRecord.empty(contract_of(load_task(name))).command
    blocks = {id(getattr(command, field.name).base) for field in fields(command)}
    assert len(blocks) == 1
    assert command.position.base is not None
    assert command.position.base.shape == (5, command.position.size)


def plain(record: TickRecord, contract: Contract) -> dict:
    """What the log has of a record."""
    layout = row_layout(contract)
    return layout.plain(np.frombuffer(record.pack(), layout.dtype)[0])


def conforms(value: object, schema: dict) -> bool:
    """Whether a JSON value is what a schema says; a number may be null."""
    if schema["type"] == "array":
        return isinstance(value, list) and all(conforms(item, schema["items"]) for item in value)
    kinds = {"integer": int, "boolean": bool, "string": str, "number": float}
    if schema["type"] == "number" and value is None:
        return True
    return type(value) is kinds[schema["type"]] and value in schema.get("enum", [value])


@pytest.mark.parametrize("name", TASKS)
def test_messages_are_what_the_schema_says(name: str) -> None:
    contract = contract_of(load_task(name))
    record = TickRecord.empty(contract)
    record.state, record.reasons = State.DAMPING.value, 1 + 32768
    record.interventions[:] = 3
    message = json.loads(json_of(plain(record, contract)))
    assert list(message) == [field.name for field in logged_fields(contract)]
    for field in logged_fields(contract):
        described = field_schema(field, contract)
        assert conforms(message[field.name], described), field.name
        assert described["description"]
    assert message["state"] == "DAMPING"
    assert message["reasons"] == ["STALE_READING", "IMU_STALE"]
    assert message["interventions"] == [["POSITION_TARGET", "POSITION_STEP"]] * len(contract.robot.joints)


def test_the_contract_s_signals_are_fields_but_for_those_that_no_reading_gives() -> None:
    assert {field.signal for field in FIELDS if field.signal} | {"tip", "joint_target"} == set(Signals.__slots__)


def test_a_push_allocates_nothing() -> None:
    contract = contract_of(load_task("quadruped_walk"))
    ring, record = SharedRing(row_layout(contract), 64), TickRecord.empty(contract)
    ring.push(record.pack())
    tracemalloc.start()
    ring.push(record.pack())
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(100):
        ring.push(record.pack())
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert current - before < 300  # counters
    assert peak - before < 300  # an array of the 47 observations takes more, with its header


# Logs of earlier versions


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_a_log_of_an_earlier_version_replays_bit_for_bit(path: Path) -> None:
    log = read_log(path)
    assert log.complete
    expected = {field.name for field in logged_fields(log.contract) if not field.added}
    assert all(set(tick) == expected for tick in log.ticks)
    result = replay(path)
    assert result.ticks > 10
    assert result.mismatches == ()
    assert any(not tick["ran"] for tick in log.ticks if tick["state"] == "RUNNING")  # a reply was lost


def test_logs_of_earlier_versions_are_there() -> None:
    assert [path.stem for path in EARLIER] == ["pendulum_swingup", "quadruped_walk"]


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_a_log_tells_when_the_policy_was_in_command(path: Path) -> None:
    """The demo once compared a state's name with its number, and no figure showed when the policy took over."""
    log = read_log(path)
    assert log.running.tolist() == [tick["state"] == "RUNNING" for tick in log.ticks]
    assert log.running.any()
    assert not log.running.all()


def test_the_signals_of_a_log_are_its_readings() -> None:
    log = read_log(DATA / "quadruped_walk.mcap")
    signals = signals_of(log.ticks)
    count = len(log.ticks)
    assert signals.joint_position.shape == (count, 12)
    assert signals.orientation.shape == (count, 1, 4)
    assert signals.command[0].tolist() == log.ticks[0]["asked"] == [0.2, 0.0, 0.0]
    assert signals.clock.shape == (count, 1)
    assert np.isnan(signals.tip).all()
    assert np.isnan(signals.joint_target).all()


def rewrite(path: Path, source: Path, *, drop: str = "", contract: str | None = None) -> Path:
    """Write a log of an earlier version like another, without one field of its ticks, or with another contract."""
    with source.open("rb") as old, path.open("wb") as new:
        reader, writer = make_reader(old), Writer(new)
        writer.start()
        metadata = {record.name: record.metadata for record in reader.iter_metadata()}["sim2real"]
        writer.add_metadata("sim2real", metadata if contract is None else metadata | {CONTRACT_KEY: contract})
        schema = writer.register_schema("sim2real.Tick", "jsonschema", b"{}")
        channel = writer.register_channel("/tick", "json", schema)
        for _, _, message in reader.iter_messages():
            tick = json.loads(message.data)
            tick.pop(drop, None)
            writer.add_message(channel, message.log_time, json.dumps(tick).encode(), message.publish_time)
        writer.finish()
    return path


@pytest.mark.parametrize("field", ["clock", "target", "imu_orientation"])
def test_a_log_that_lacks_a_field_is_refused_in_one_line_with_the_cure(field: str, tmp_path: Path) -> None:
    path = rewrite(tmp_path / "other.mcap", DATA / "quadruped_walk.mcap", drop=field)
    with pytest.raises(UserError, match=rf"ticks have no field '{field}'; read it with the version .* that wrote it"):
        read_log(path)


def test_a_log_with_a_contract_of_another_version_is_refused_in_one_line_with_the_cure(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "other.mcap", DATA / "quadruped_walk.mcap", contract='{"schema_version": 9}')
    with pytest.raises(UserError, match=r"other\.mcap: .*schema_version.*; read it with the version") as caught:
        read_log(path)
    assert "\n" not in str(caught.value)


def test_a_log_with_a_field_more_is_read(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "same.mcap", DATA / "pendulum_swingup.mcap")
    assert read_log(path).ticks == read_log(DATA / "pendulum_swingup.mcap").ticks
