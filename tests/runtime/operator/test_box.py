"""Laws of the memory between operator process and loop: never torn, never late, never outside the range."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator import box_layout as layout
from sim2real.runtime.operator.box import BEAT_AGE_MAX_NS, OperatorBox
from sim2real.runtime.operator.box_writer import BoxWriter

S = 1_000_000_000
COMMANDS = (
    CommandSpec(name="forward", low=-0.5, high=0.5, default=0.0),
    CommandSpec(name="turn", low=-1, high=1, default=0),
)
FAST = (1e9, 1e9)


class Time:
    ns = 5 * S

    def __call__(self) -> int:
        return self.ns


class Pair:
    """Both ends in one process, on one clock."""

    def __init__(self, commands=COMMANDS, start=(0.0, 0.0), rates=FAST) -> None:
        self.now = Time()
        self.box = OperatorBox(commands, start, rates, self.now)
        self.writer = BoxWriter(self.box.descriptor, len(commands), self.now)

    def poll_after(self, seconds: float, *, beat=True):
        self.now.ns += round(seconds * S)
        if beat:
            self.writer.beat()
        self.box.poll()
        return self.box.values.tolist()


def change(box, word, function):
    """Change a word of the memory as a process that went wrong would."""
    value = int.from_bytes(os.pread(box.descriptor, 8, 8 * word), "little")
    os.pwrite(box.descriptor, function(value).to_bytes(8, "little"), 8 * word)


def test_before_anything_was_asked_for_there_is_nothing():
    pair = Pair()
    pair.box.poll()
    assert np.isnan(pair.box.values).all()
    assert pair.box.alive_ns == -1
    assert (pair.box.stop, pair.box.emergency, pair.box.resets, pair.box.starts) == (False, False, 0, 0)


def test_flags_counters_and_signs_of_life_arrive_with_the_next_poll():
    pair = Pair()
    pair.writer.stop()
    pair.writer.emergency_stop()
    for _ in range(3):
        pair.writer.start()
    pair.writer.reset()
    pair.writer.alive()
    pair.box.poll()
    assert (pair.box.stop, pair.box.emergency, pair.box.starts, pair.box.resets) == (True, True, 3, 1)
    assert pair.box.alive_ns == pair.now.ns


def test_a_sign_of_life_ages_while_the_process_is_stopped():
    pair = Pair()
    pair.writer.alive()
    at = pair.now.ns
    pair.poll_after(30.0, beat=False)
    assert pair.box.alive_ns == at


def test_what_one_command_was_not_given_stays_nan():
    pair = Pair()
    pair.writer.give((0.25, np.nan))
    forward, turn = pair.poll_after(0.01)
    assert forward == 0.25
    assert np.isnan(turn)


@given(values=st.lists(st.floats(), min_size=2, max_size=2), times=st.lists(st.floats(0.0, 3.0), max_size=8))
def test_no_value_leaves_its_range_whatever_is_written(values, times):
    pair = Pair(rates=(0.3, 5.0))
    pair.writer.give(values)
    for seconds in times:
        polled = np.array(pair.poll_after(seconds))
        inside = (polled >= [-0.5, -1.0]) & (polled <= [0.5, 1.0])
        assert (inside | np.isnan(polled)).all()


@given(steps=st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(0.0, 0.5)), min_size=1, max_size=12))
def test_a_command_moves_no_faster_than_its_rate_and_stalls_do_not_add_up(steps):
    pair, before = Pair(rates=(1.0, 1.0)), 0.0
    for value, seconds in steps:
        pair.writer.give((value, 0.0))
        forward = pair.poll_after(seconds)[0]
        assert abs(forward - before) <= min(seconds, 0.1) + 1e-9  # times are whole nanoseconds
        assert abs(forward - value) <= abs(before - value)
        before = forward


def test_a_command_reaches_what_was_asked_for_exactly():
    pair = Pair(rates=(1.0, 1.0), start=(0.1, 0.0))
    pair.writer.give((-0.3, 0.7))
    for _ in range(20):
        pair.poll_after(0.05)
    assert pair.box.values.tolist() == [-0.3, 0.7]


def test_commands_go_back_to_the_runs_own_when_the_process_no_longer_runs():
    pair = Pair(rates=(1.0, 1.0), start=(0.1, 0.0))
    pair.writer.give((0.5, 1.0))
    for _ in range(30):
        pair.poll_after(0.05)
    assert pair.box.present
    pair.poll_after(BEAT_AGE_MAX_NS / S + 0.01, beat=False)
    assert not pair.box.present
    for _ in range(30):
        pair.poll_after(0.05, beat=False)
    assert pair.box.values.tolist() == [0.1, 0.0]
    for _ in range(30):  # it runs again: what it gave before holds no longer
        pair.poll_after(0.05)
    assert pair.box.values.tolist() == [0.1, 0.0]
    pair.writer.give((0.2, 0.0))
    for _ in range(30):
        pair.poll_after(0.05)
    assert pair.box.values.tolist() == [0.2, 0.0]


def test_a_write_that_was_cut_short_changes_nothing_and_the_next_one_counts():
    pair = Pair()
    pair.writer.give((0.25, 0.5))
    pair.poll_after(0.01)
    change(pair.box, layout.SEQUENCE, lambda sequence: sequence + 1)
    change(pair.box, layout.VALUES, lambda _: 0)
    assert pair.poll_after(0.01) == [0.25, 0.5]
    pair.writer.give((0.125, 0.5))
    assert pair.poll_after(0.01) == [0.125, 0.5]


@given(flip=st.integers(0, 64 * (2 + len(COMMANDS)) - 1))
def test_memory_that_fails_its_checksum_is_not_taken(flip):
    pair = Pair()
    pair.writer.give((0.25, 0.5))
    pair.poll_after(0.01)
    pair.writer.give((-0.25, -0.5))
    word, bit = divmod(flip, 64)
    change(pair.box, layout.SEQUENCE + word, lambda value: value ^ (1 << bit))
    assert pair.poll_after(0.01) == [0.25, 0.5]


def test_a_policy_without_commands_has_a_box_too():
    pair = Pair(commands=(), start=(), rates=())
    pair.writer.give(())
    pair.writer.start()
    assert pair.poll_after(0.1) == []
    assert pair.box.starts == 1


def test_the_process_cannot_shorten_the_memory_under_the_loop():
    pair = Pair()
    with pytest.raises(PermissionError):
        os.ftruncate(pair.box.descriptor, 8)


HAMMER = """
import sys, os
from sim2real.runtime.operator.box_writer import BoxWriter
writer = BoxWriter(int(sys.argv[1]), 8)
print("ready", flush=True)
value = 0
while True:
    value = (value + 1) % 100_000
    writer.give([float(value)] * 8)
    writer.beat()
    writer.alive()
"""


@pytest.mark.realtime
def test_two_processes_hammering_the_box_never_show_torn_values():
    commands = tuple(CommandSpec(name=f"c{place}", low=0.0, high=1e6, default=0.0) for place in range(8))
    box = OperatorBox(commands, [0.0] * 8, [1e18] * 8)
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", HAMMER, str(box.descriptor)], pass_fds=(box.descriptor,), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        changes, polls, last, deadline = 0, 0, None, time.monotonic() + 60.0
        while polls < 20_000 or changes <= 20:  # on one core they take turns: few of the polls see another value
            assert time.monotonic() < deadline
            polls += 1
            box.poll()
            values = box.values.tolist()
            assert len(set(map(str, values))) == 1, values
            changes += values[0] != last
            last = values[0]
        process.send_signal(signal.SIGSTOP)
        box.poll()
        alive_ns = box.alive_ns
        time.sleep(0.6)
        box.poll()
        assert box.alive_ns == alive_ns
        assert not box.present
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
