"""Laws of the log: standard readers read it, numbers keep bits, what is written outlives a crash or full disk."""

import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader

from sim2real.configs.errors import UserError
from sim2real.runtime import log_file
from sim2real.runtime.contract.manifest import from_metadata, to_metadata
from sim2real.runtime.log import read_log
from sim2real.runtime.log_plan import METADATA
from sim2real.runtime.record import TickRecord
from sim2real.runtime.row_layout import json_of
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.telemetry import TelemetryLog
from sim2real.runtime.tick_fields import FIELDS, row_layout

TOPICS = sorted({field.topic for field in FIELDS} - {"/imu", "/operator", "/timing"})


def swing(observation):
    return float(np.clip(-0.3 * observation[0, 0] - 0.2 * observation[0, 3] + 0.2, -1, 1))


def log_a_run(policy, robot, fake, path, **options):
    return run_session(
        policy, robot, fake, fake.clock, RunOptions(duration=1.0, log=path, synchronous_log=True, **options)
    )


def test_the_mcap_library_reads_the_log(policy_of, robot, fake, tmp_path, contract):
    path = tmp_path / "run.mcap"
    report = log_a_run(policy_of(swing), robot, fake, path)
    assert report.ok, report.reasons
    assert report.logged_ticks == report.ticks
    with path.open("rb") as file:
        reader = make_reader(file)
        messages = {}
        for _, channel, message in reader.iter_messages(log_time_order=False):
            messages.setdefault(channel.topic, []).append(json.loads(message.data))
        metadata = {record.name: record.metadata for record in reader.iter_metadata()}
        summary = reader.get_summary()
    ticks = [number for number, message in enumerate(messages["/state"]) if not message["between"]]
    assert len(ticks) == report.ticks
    assert {len(messages[topic]) for topic in TOPICS} == {report.ticks + 2}  # before torque, and switched on
    assert summary.statistics.message_count == sum(len(each) for each in messages.values())
    assert from_metadata(metadata[METADATA])[0] == contract
    assert metadata[METADATA]["policy_sha256"] == "0" * 64
    assert metadata["sim2real.run"]["final_state"] == "RUNNING"
    assert json.loads(contract.model_dump_json()) == messages["/contract"][0]
    schemas = {
        channel.topic: json.loads(summary.schemas[channel.schema_id].data) for channel in summary.channels.values()
    }
    for topic in (*TOPICS, "/events"):
        assert set(schemas[topic]["properties"]) == set(messages[topic][0]), topic
    positions = [messages["/joint_states"][number]["position"][0] for number in ticks]
    assert positions == report.position[:, 0].tolist()  # every bit
    assert messages["/state"][-1]["state"] == "RUNNING"
    assert [messages["/state"][number]["tick"] for number in ticks] == list(range(1, report.ticks + 1))


def test_joint_states_have_the_shape_that_other_tools_know(policy_of, robot, fake, tmp_path):
    path = tmp_path / "run.mcap"
    log_a_run(policy_of(swing), robot, fake, path)
    with path.open("rb") as file:
        schema, channel, message = next(make_reader(file).iter_messages(topics=["/joint_states"]))
    assert (schema.name, schema.encoding, channel.message_encoding) == ("sensor_msgs/JointState", "jsonschema", "json")
    state = json.loads(message.data)
    assert list(state) == ["header", "name", "position", "velocity", "effort"]
    stamp = state["header"]["stamp"]
    assert stamp["sec"] * 10**9 + stamp["nsec"] == message.log_time
    assert state["name"] == ["pivot"]


def test_events_are_told_when_they_happen(policy_of, robot, fake, tmp_path):
    path = tmp_path / "run.mcap"
    fake.lost = lambda read: 60 <= read < 70
    log_a_run(policy_of(lambda observation: 5.0), robot, fake, path)
    log = read_log(path)
    told = [(event["level"], event["name"], event["message"]) for event in log.events]
    assert told[:2] == [(2, "state", "LIMP"), (2, "state", "LIMP → READY")]
    assert (2, "state", "READY → RUNNING") in told
    assert (3, "state", "RUNNING → DAMPING") in told
    assert (3, "safety", "stale reading") in told
    assert (3, "motors", "joint pivot did not answer") in told
    assert told[-1] == (2, "state", "run ended: final state RUNNING, stopped by duration")
    times = [event["timestamp"]["sec"] * 10**9 + event["timestamp"]["nsec"] for event in log.events]
    assert times == sorted(times)


def test_lockstep_logs_are_the_same_bytes(policy_of, robot, fake, clock, tmp_path):
    first, second = tmp_path / "a.mcap", tmp_path / "b.mcap"
    log_a_run(policy_of(swing), robot, fake, first)
    log_a_run(policy_of(swing), robot, type(fake)(robot, type(clock)(1_000_000_000)), second)
    assert first.read_bytes() == second.read_bytes()


def test_numbers_that_are_not_finite_stay_valid_json(contract):
    record, layout = TickRecord.empty(contract), row_layout(contract)
    record.state = State.DAMPING.value
    record.action[:] = np.inf
    record.joints.effort[:] = -np.inf
    text = json_of(layout.plain(np.frombuffer(record.pack(), layout.dtype)[0]))

    def refuse(constant):
        raise AssertionError(constant)

    message = json.loads(text, parse_constant=refuse)
    assert message["position"] == [None]
    assert message["action"] == [math.inf]
    assert message["effort"] == [-math.inf]


def test_a_name_that_looks_like_a_number_stays_a_name():
    message = {"NaN": ["Infinity", "-Infinity", "NaN", math.nan, math.inf, -math.inf], "NaNny": math.nan}
    assert json.loads(json_of(message)) == {
        "NaN": ["Infinity", "-Infinity", "NaN", None, math.inf, -math.inf],
        "NaNny": None,
    }


def test_a_folder_that_is_not_there_is_one_line_before_anything_moves(policy_of, robot, fake, tmp_path):
    with pytest.raises(UserError, match="the log cannot be written: No such file"):
        log_a_run(policy_of(swing), robot, fake, tmp_path / "no" / "run.mcap")
    assert not fake.opened


class FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        if self._room < len(data):
            self._file.write(bytes(data[: self._room]))
            self._room = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= len(data)
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_full_disk_ends_the_log_and_not_the_run(policy_of, robot, fake, tmp_path, monkeypatch):
    path = tmp_path / "run.mcap"
    real_open = Path.open

    def open_small(self, mode="r", *args, **kwargs):
        file = real_open(self, mode, *args, **kwargs)
        return FullDisk(file, 16_000) if "w" in mode else file

    monkeypatch.setattr(Path, "open", open_small)
    monkeypatch.setattr(log_file, "CHUNK_BYTES", 2048)
    options = RunOptions(duration=4.0, log=path, synchronous_log=True)
    report = run_session(policy_of(swing), robot, fake, fake.clock, options)
    assert report.final_state is State.RUNNING
    assert report.ticks > 400
    assert not report.ok
    assert report.reasons == (
        f"{path}: the log ends early, No space left on device; what was written before stays readable",
    )
    log = read_log(path)
    assert not log.complete
    assert 10 < len(log.ticks) < report.ticks
    assert [tick["tick"] for tick in log.ticks] == list(range(1, len(log.ticks) + 1))


def test_a_log_cut_anywhere_is_readable_up_to_there(policy_of, robot, fake, tmp_path, monkeypatch):
    monkeypatch.setattr(log_file, "CHUNK_BYTES", 2048)
    path, cut = tmp_path / "run.mcap", tmp_path / "cut.mcap"
    log_a_run(policy_of(swing), robot, fake, path)
    whole, counts = path.read_bytes(), []
    start = len(whole) // 3
    for size in range(start, len(whole), max(1, (len(whole) - start) // 60)):
        cut.write_bytes(whole[:size])
        counts.append(len(read_log(cut).ticks))
    assert counts == sorted(counts)
    assert counts[0] > 0


def test_another_file_is_no_log(tmp_path, contract):
    path = tmp_path / "other"
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_log(path)
    path.write_bytes(b"something else entirely")
    with pytest.raises(UserError, match="not a log"):
        read_log(path)


@pytest.mark.parametrize("content", [b"name: pendulum\n", b"\x08\x07\x12", b"\x89MCAP1\r\n"])
def test_a_log_is_written_over_nothing_but_a_log(content, tmp_path, contract):
    # `--log` with the path of the policy, or of the robot's YAML, destroyed it.
    path = tmp_path / "policy.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match="there is a file that is no log; it is not overwritten; name another one"):
        TelemetryLog(path, contract, {}, synchronous=True)
    assert path.read_bytes() == content


def test_a_log_is_not_written_to_a_serial_port(contract):
    motors, port = os.openpty()
    with pytest.raises(UserError, match="is a device, such as a serial port"):
        TelemetryLog(Path(os.ttyname(port)), contract, {}, synchronous=True)
    for descriptor in (motors, port):
        os.close(descriptor)


@pytest.mark.parametrize("content", [b"", b"\x89MCAP0", b"\x89MCAP0\r\n and so on"])
def test_a_log_that_was_cut_off_is_written_anew(content, tmp_path, contract):
    path = tmp_path / "run.mcap"
    path.write_bytes(content)
    TelemetryLog(path, contract, to_metadata(contract, {}), synchronous=True).close()
    assert read_log(path).complete


def test_a_log_whose_file_was_removed_is_said_to_be_gone(policy_of, robot, fake, tmp_path):
    path = tmp_path / "run.mcap"
    gone = {"on_tick": lambda controller: path.unlink(missing_ok=True), "synchronous_log": True}
    report = run_session(policy_of(swing), robot, fake, fake.clock, RunOptions(duration=0.2, log=path, **gone))
    assert report.reasons == (f"{path}: the log ends early, its file was removed while it was written",)


def test_closing_twice_does_nothing(tmp_path, contract):
    log = TelemetryLog(tmp_path / "run.mcap", contract, to_metadata(contract, {}), synchronous=False)
    with log:
        log.close()
    assert read_log(log.path).complete


def test_damage_anywhere_is_seen(policy_of, robot, fake, tmp_path, monkeypatch):
    # A flipped bit ended in a traceback of the decompressor or of JSON, or one tick less in a log called complete.
    monkeypatch.setattr(log_file, "CHUNK_BYTES", 2048)
    path, damaged = tmp_path / "run.mcap", tmp_path / "damaged.mcap"
    log_a_run(policy_of(swing), robot, fake, path)
    whole, intact = path.read_bytes(), read_log(path)
    assert intact.complete
    shorter = 0
    for at in range(0, len(whole), max(1, len(whole) // 200)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            log = read_log(damaged)
        except UserError:
            continue
        if log.complete:
            assert log.ticks == intact.ticks
        else:
            assert all(tick in intact.ticks for tick in log.ticks)
            shorter += 1
    assert shorter > 50
