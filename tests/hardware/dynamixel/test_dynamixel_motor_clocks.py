"""Laws of the motors' clocks: a restart shows, scheduling and the wrap of a clock do not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.dynamixel.motor_clocks import MotorClocks

MS = 1_000_000
WRAP = 32_768
ALL = np.array([True])


def clock_at(ms: float) -> np.ndarray:
    return np.array([int(ms) % WRAP], np.uint16)


@given(
    up=st.integers(0, 10 * WRAP),
    passed=st.integers(1, 3000),
    late=st.integers(-30, 30),
    drift=st.floats(-0.01, 0.01),
)
def test_a_motor_that_runs_on_has_not_restarted(up, passed, late, drift):
    clocks = MotorClocks(1)
    assert not clocks.restarted(clock_at(up), ALL, up * MS)
    then = max(1, passed + late)
    assert not clocks.restarted(clock_at(up + passed * (1.0 + drift)), ALL, (up + then) * MS)


@given(up=st.integers(500, WRAP - 500), since=st.integers(0, 100))
def test_a_restart_shows(up, since):
    clocks = MotorClocks(1)
    clocks.restarted(clock_at(up), ALL, up * MS)
    assert clocks.restarted(clock_at(since), ALL, (up + 100) * MS) == [0]
    assert not clocks.restarted(clock_at(since + 100), ALL, (up + 200) * MS)  # said once


def test_only_motors_that_answered_are_compared_and_each_with_its_own_last_answer():
    clocks, both = MotorClocks(2), np.array([True, True])
    clocks.restarted(np.array([5000, 9000]), both, 0)
    assert not clocks.restarted(np.array([5100, 0]), np.array([True, False]), 100 * MS)
    assert clocks.restarted(np.array([5200, 50]), both, 200 * MS) == [1]
