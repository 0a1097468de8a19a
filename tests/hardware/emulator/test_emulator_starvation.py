"""Laws of the emulator's starvation: what the machine took away counts, what the emulator computed does not."""

import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.emulator.starvation import STARVED_NS, Starvation

MS = 1_000_000
START = 10**12


def started() -> Starvation:
    starvation = Starvation()
    starvation.begin(START, 0)
    return starvation


def test_a_wake_up_in_time_or_early_is_none():
    starvation = started()
    starvation.sleep_until(START + 50 * MS)
    assert not starvation.look(START + 50 * MS + STARVED_NS - 1, 0)
    starvation.sleep_until(START + 500 * MS)
    assert not starvation.look(START + 60 * MS, 0)  # a client sent something
    assert starvation.count == starvation.longest_ns == starvation.total_ns == 0


def test_a_late_wake_up_is_one_with_its_length():
    starvation = started()
    starvation.sleep_until(START + 10 * MS)
    assert starvation.look(START + 95 * MS, 0)
    assert (starvation.count, starvation.longest_ns, starvation.total_ns) == (1, 85 * MS, 85 * MS)
    assert starvation.last_ns == START + 95 * MS


def test_being_interrupted_in_its_work_is_one_and_work_itself_is_not():
    starvation = started()
    assert not starvation.look(START + 30 * MS, 30 * MS)
    assert starvation.look(START + 90 * MS, 40 * MS)  # ten of sixty
    assert starvation.longest_ns == 50 * MS


@given(st.lists(st.tuples(st.integers(0, 20 * MS), st.integers(0, 20 * MS), st.integers(0, 20 * MS)), max_size=30))
def test_exactly_the_delays_from_the_threshold_on_count(turns):
    starvation, now, cpu, expected = started(), START, 0, []
    for work, sleep, delay in turns:
        now, cpu = now + work, cpu + work
        starvation.sleep_until(now + sleep)
        now += sleep + delay
        # The work is before the sleep is planned: what is left over is the delay alone, less the work's own time.
        late = delay - work
        assert starvation.look(now, cpu) == (late >= STARVED_NS)
        expected += [late] if late >= STARVED_NS else []
    assert starvation.count == len(expected)
    assert starvation.total_ns == sum(expected)
    assert starvation.longest_ns == max(expected, default=0)


def test_it_says_how_often_and_how_long():
    starvation = started()
    starvation.look(START + 10 * MS, 0)
    assert "once for 4 ms or longer, at most 10 ms, 10 ms in all" in starvation.words()
    starvation.look(START + 40 * MS, 0)
    assert "2 times for 4 ms or longer, at most 30 ms, 40 ms in all" in starvation.words()
    assert starvation.words().startswith(Starvation.KIND + ": ")


@pytest.mark.realtime
def test_a_stopped_emulator_says_so_when_it_goes_on():
    """A run ended in COMMUNICATION_LOSS on a busy machine, and nothing said that the emulator had not run."""
    with emulate("pendulum", plant="inertia") as emulated:
        for _ in range(2):
            os.kill(emulated.pid, signal.SIGSTOP)
            time.sleep(0.15)
            os.kill(emulated.pid, signal.SIGCONT)
            time.sleep(0.3)
        starved, warnings = emulated.starved(), emulated.warnings()
    assert "the machine gave it no processor" in starved
    assert f"emulator: {starved}" in warnings
    assert len(warnings) == len({line.split(":")[1] for line in warnings})  # one of each kind


@pytest.mark.realtime
def test_one_that_is_stopped_when_it_is_asked_says_so_too():
    """A run ended while its emulator was still stopped, and its report blamed the motors alone."""
    with emulate("pendulum", plant="inertia") as emulated:
        os.kill(emulated.pid, signal.SIGSTOP)
        goes_on = threading.Timer(0.3, os.kill, (emulated.pid, signal.SIGCONT))
        goes_on.start()
        assert "the machine gave it no processor" in emulated.starved()
        goes_on.join()
        os.kill(emulated.pid, signal.SIGSTOP)
        try:
            assert emulated.starved() == "starved: it runs, and did not answer within 2 s"
        finally:
            os.kill(emulated.pid, signal.SIGCONT)
