"""Law of damaged logs: one clear line, or the log as far as it is whole; never other values, never a traceback."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim2real
from sim2real.configs.errors import UserError
from sim2real.runtime.log import RunLog, read_log
from sim2real.runtime.replay import replay

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run.mcap"
    sim2real.run(
        "quadruped_walk", "quadruped", lockstep=True, plant="inertia", faults="lossy_bus", duration=1.2, log=path
    )
    return path


@pytest.fixture(scope="module")
def intact(whole: Path) -> RunLog:
    log = read_log(whole)
    assert log.complete
    assert len(log.ticks) > 20
    return log


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "run.mcap"


def check(damaged: Path, intact: RunLog) -> str:
    """Read a damaged file; tell what came of it."""
    try:
        log = read_log(damaged)
    except UserError as error:
        return one_line(error)
    assert log.metadata == intact.metadata
    assert log.contract == intact.contract
    assert log.run in ({}, intact.run)
    assert log.ticks == intact.ticks[: len(log.ticks)]
    assert log.events == intact.events[: len(log.events)]
    if log.complete:
        assert log.ticks == intact.ticks
        assert log.run == intact.run
    return "complete" if log.complete else "cut"


def one_line(error: UserError) -> str:
    assert "\n" not in str(error)
    return "refused"


def flipped(data: bytes, bit: int) -> bytes:
    at = bit // 8
    return data[:at] + bytes([data[at] ^ (1 << bit % 8)]) + data[at + 1 :]


def test_a_flipped_bit_anywhere_changes_no_value(whole: Path, damaged: Path, intact: RunLog) -> None:
    data, found = whole.read_bytes(), []
    bits = np.random.default_rng(5).choice(len(data) * 8, 300, replace=False)
    for bit in bits.tolist():
        damaged.write_bytes(flipped(data, bit))
        found.append(check(damaged, intact))
    assert "complete" not in found  # also in the index at the end, which other tools read by


def test_a_flipped_bit_in_the_length_or_kind_of_a_record_changes_no_value(
    whole: Path, damaged: Path, intact: RunLog
) -> None:
    """A few bytes, which a random choice of all misses."""
    data = whole.read_bytes()
    starts, at = [], 8
    while at < len(data) - 8:
        starts.append(at)
        at += 9 + int.from_bytes(data[at + 1 : at + 9], "little")
    assert at == len(data) - 8
    bits = [bit for start in starts for bit in range(start * 8, (start + 3) * 8)]
    for bit in np.random.default_rng(8).choice(bits, 200, replace=False).tolist():
        damaged.write_bytes(flipped(data, bit))
        check(damaged, intact)


def test_a_log_cut_anywhere_is_its_beginning(whole: Path, damaged: Path, intact: RunLog) -> None:
    data, counts = whole.read_bytes(), []
    for size in np.linspace(0, len(data) - 1, 150, dtype=int).tolist():
        damaged.write_bytes(data[:size])
        assert check(damaged, intact) != "complete"
        counts.append(size)
    assert len(counts) == 150


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.binary(min_size=1, max_size=300), st.booleans())
def test_garbage_anywhere_changes_no_value(
    whole: Path, damaged: Path, intact: RunLog, at: int, garbage: bytes, inserted: bool
) -> None:
    data = whole.read_bytes()
    at %= len(data)
    damaged.write_bytes(data[:at] + garbage + data[at if inserted else at + len(garbage) :])
    check(damaged, intact)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000), st.booleans())
def test_garbage_is_no_log(damaged: Path, garbage: bytes, with_magic: bool) -> None:
    damaged.write_bytes(b"\x89MCAP0\r\n" * with_magic + garbage)
    with pytest.raises(UserError, match="not a log of `sim2real run`, or its beginning is damaged"):
        read_log(damaged)


def test_a_damaged_log_replays_as_far_as_it_goes(whole: Path, damaged: Path) -> None:
    data, replayed = whole.read_bytes(), 0
    for bit in np.random.default_rng(6).choice(len(data) * 8, 60, replace=False).tolist():
        damaged.write_bytes(flipped(data, bit))
        try:
            result = replay(damaged)
        except UserError:
            continue
        assert result.mismatches == ()
        replayed += 1
    assert replayed > 5


def test_a_damaged_log_is_reported_as_far_as_it_goes(whole: Path, damaged: Path, tmp_path: Path) -> None:
    report_log = pytest.importorskip("sim2real.report.log_page").report_log
    data = whole.read_bytes()
    for bit in np.random.default_rng(7).choice(len(data) * 8, 2, replace=False).tolist():
        damaged.write_bytes(flipped(data, bit))
        try:
            report = report_log(damaged, tmp_path / "run.html")
        except UserError as error:
            one_line(error)
            continue
        assert "cut off or damaged" in (tmp_path / "run.html").read_text() or report.log.complete
