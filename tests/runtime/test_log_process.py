"""Laws of the log's process: it outlives the loop, its own end stops nothing, and nothing of it is in the loop."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcap.reader import make_reader

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.runtime import log_writer
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.log import read_log
from sim2real.runtime.log_file import Rotation
from sim2real.runtime.record import TickRecord
from sim2real.runtime.telemetry import TelemetryLog

pytestmark = pytest.mark.realtime

CONTRACT = contract_of(load_task("pendulum_swingup"))
PERIOD_NS = 10_000_000


def open_log(path: Path, **options: object) -> TelemetryLog:
    return TelemetryLog(path, CONTRACT, to_metadata(CONTRACT, {}), synchronous=False, **options)


def record_some(log: TelemetryLog, count: int, *, first: int = 1, pause: float = 0.0) -> None:
    record = TickRecord.empty(CONTRACT)
    record.state = 4
    for tick in range(first, first + count):
        record.tick, record.time_ns = tick, tick * PERIOD_NS
        log.record(record)
        if pause:
            time.sleep(pause)


def numbers(path: Path) -> list[int]:
    return [tick["tick"] for tick in read_log(path).ticks]


def wait_for(condition, timeout: float = 20.0) -> None:
    due = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < due
        time.sleep(0.01)


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


LOOP = f"""
    import sys, time
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from pathlib import Path
    from test_log_process import open_log, record_some
    log = open_log(Path(sys.argv[1]))
    print(log.pid, flush=True)
    record_some(log, 100_000, pause=0.01)
"""


@contextmanager
def loop(path: Path):
    """A loop at 100 Hz in a process of its own; gives it and the writer's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(LOOP), str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_the_log_is_whole_and_no_thread_was_in_the_loop_s_process(tmp_path):
    path, before = tmp_path / "run.mcap", threading.active_count()
    with open_log(path) as log:
        assert threading.active_count() == before
        assert log.pid != os.getpid()
        assert os.getsid(log.pid) != os.getsid(0)  # Ctrl-C in the terminal does not reach it
        record_some(log, 500)
        log.note("bus main: baud rate set")
        log.summary = {"final_state": "RUNNING"}
    assert (log.ticks, log.dropped, log.error) == (500, 0, "")
    found = read_log(path)
    assert found.complete
    assert found.run == {"final_state": "RUNNING"}
    assert [tick["tick"] for tick in found.ticks] == list(range(1, 501))
    assert [notice["message"] for notice in found.notices] == ["bus main: baud rate set"]
    assert ended(log.pid)


def test_ctrl_c_while_the_process_starts_leaves_none_behind(tmp_path, monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Noted)
    monkeypatch.setattr(os, "set_blocking", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_log(tmp_path / "run.mcap")
    (process,) = started
    assert process.returncode == -signal.SIGKILL  # and waited for


def test_after_kill_9_of_the_loop_its_last_tick_is_in_a_finished_file(tmp_path):
    path = tmp_path / "run.mcap"
    with loop(path) as (process, writer):
        time.sleep(0.7)
        process.kill()
        process.wait()
    wait_for(lambda: ended(writer))
    log = read_log(path)
    assert log.complete
    assert log.run == {"stopped_by": "killed"}
    assert [tick["tick"] for tick in log.ticks] == list(range(1, len(log.ticks) + 1))
    assert len(log.ticks) > 20
    with path.open("rb") as file:
        assert make_reader(file).get_summary().statistics.channel_message_counts


def test_after_kill_9_of_both_at_most_one_second_is_lost(tmp_path):
    path = tmp_path / "run.mcap"
    with loop(path) as (process, writer):
        time.sleep(2.0)
        os.kill(writer, signal.SIGKILL)
        process.kill()
    log = read_log(path)
    assert not log.complete
    assert [tick["tick"] for tick in log.ticks] == list(range(1, len(log.ticks) + 1))
    assert len(log.ticks) >= 50  # of some two hundred, on a machine that may be busy


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_the_loop_in_order_does_not_end_the_writer(tmp_path, number):
    path = tmp_path / "run.mcap"
    with open_log(path) as log:
        record_some(log, 10)
        os.kill(log.pid, number)
        record_some(log, 10, first=11)
        time.sleep(0.2)
    assert log.error == ""
    assert numbers(path) == list(range(1, 21))


def test_the_death_of_the_writer_is_told_and_costs_the_loop_nothing(tmp_path):
    path = tmp_path / "run.mcap"
    with open_log(path) as log:
        record_some(log, 100)
        wait_for(lambda: log.ticks == 100)
        time.sleep(0.6)  # then the chunk is written
        os.kill(log.pid, signal.SIGKILL)
        record_some(log, 10_000, first=101)
        log.note("nobody reads this")
    assert (
        log.error
        == f"{path}: the log ends early, the process that wrote it died; what was written before stays readable"
    )
    assert numbers(path) == list(range(1, 101))


def test_a_writer_that_hangs_does_not_hold_up_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(log_writer, "END_TIMEOUT_S", 0.5)
    path = tmp_path / "run.mcap"
    with open_log(path) as log:
        os.kill(log.pid, signal.SIGSTOP)
        record_some(log, 100)
        for _ in range(3000):  # more than a pipe holds
            log.note("x" * 100)
    assert "not written within 0.5 s of its end" in log.error
    assert ended(log.pid)


def test_a_slow_writer_loses_the_oldest_ticks_and_the_log_says_where(tmp_path):
    path = tmp_path / "run.mcap"
    with open_log(path, capacity=50) as log:
        record_some(log, 20)
        wait_for(lambda: log.ticks == 20)
        os.kill(log.pid, signal.SIGSTOP)
        record_some(log, 100, first=21)
        os.kill(log.pid, signal.SIGCONT)
    assert log.dropped == 50
    assert numbers(path) == [*range(1, 21), *range(71, 121)]
    (notice,) = read_log(path).notices
    assert notice["message"] == "50 ticks are missing here: the writer did not keep up"


def test_a_full_disk_ends_the_log_and_not_the_run(tmp_path):
    """A limit on the size of files stands for the disk."""
    path, before = tmp_path / "run.mcap", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        log = open_log(path, capacity=64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with log:
        for first in range(1, 6000, 50):
            record_some(log, 50, first=first)
            due = time.monotonic() + 1.5  # of a busy machine; the ring must not run over
            while log.ticks < first + 49 and time.monotonic() < due:
                time.sleep(0.005)
            if log.ticks < first + 49:
                break  # it has ended
    assert log.error == f"{path}: the log ends early, File too large; what was written before stays readable"
    assert path.stat().st_size == 60_000
    found = read_log(path)
    assert not found.complete
    assert len(found.ticks) > 100


@pytest.mark.parametrize(
    ("name", "why"),
    [("no/run.mcap", "No such file or directory"), (".", "Is a directory"), ("/dev/full", "No space left on device")],
)
def test_a_file_that_cannot_be_written_is_one_line_at_the_start(tmp_path, name, why):
    with pytest.raises(UserError, match=rf": the log cannot be written: {why}$"):
        open_log(tmp_path / name)


def test_rotated_files_are_read_as_one(tmp_path):
    path = tmp_path / "run.mcap"
    with open_log(path, rotation=Rotation(seconds=1.0)) as log:
        record_some(log, 350)
        log.summary = {"final_state": "RUNNING"}
    names = [f"run{part}.mcap" for part in ("", ".1", ".2", ".3")]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)
    found = read_log(path)
    assert found.complete
    assert [each.name for each in found.files] == names
    assert [tick["tick"] for tick in found.ticks] == list(range(1, 351))
    assert found.run == {"final_state": "RUNNING"}
    later = read_log(tmp_path / "run.2.mcap")
    assert [each.name for each in later.files] == names[2:]
    assert [tick["tick"] for tick in later.ticks] == list(range(201, 351))


def test_a_part_that_another_run_left_is_not_read(tmp_path):
    path = tmp_path / "run.mcap"
    with open_log(path, rotation=Rotation(seconds=1.0)) as log:
        record_some(log, 150)
    with open_log(path, rotation=Rotation(seconds=1.0)) as log:
        record_some(log, 50)
        log.summary = {"final_state": "RUNNING"}
    found = read_log(path)
    assert [tick["tick"] for tick in found.ticks] == list(range(1, 51))
    assert found.complete
