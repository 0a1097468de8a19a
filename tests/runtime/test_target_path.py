"""Laws of the targets between two runs of the policy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.load import load_robot
from sim2real.hardware.types import JointCommand
from sim2real.runtime.contract.action import ActionTargets
from sim2real.runtime.target_path import TargetPath

JOINTS = 3
NAMES = JointCommand.__slots__
finite = st.floats(-1e6, 1e6)
arrays = st.lists(finite, min_size=5 * JOINTS, max_size=5 * JOINTS).map(lambda v: np.array(v).reshape(5, JOINTS))


def targets_of(rows):
    return ActionTargets(*(row[None, :].copy() for row in rows))


def command_of(rows):
    command = JointCommand.zeros(JOINTS)
    for name, row in zip(NAMES, rows, strict=True):
        getattr(command, name)[:] = row
    return command


def rows_of(command):
    return np.array([getattr(command, name) for name in NAMES])


def path(between, ratio, start):
    made = TargetPath(JOINTS, ratio, between)
    made.begin(command_of(start))
    return made


@given(st.sampled_from(["linear", "hold", "filter"]), arrays, arrays)
def test_with_one_tick_to_a_run_the_targets_are_the_policy_s_to_the_bit(between, start, goal):
    way, command = path(between, 1, start), JointCommand.zeros(JOINTS)
    way.aim(targets_of(goal))
    way.write(command, 1)
    assert rows_of(command).tobytes() == goal.tobytes()


@given(st.integers(2, 10), arrays, arrays, arrays)
def test_a_straight_way_has_equal_steps_and_ends_at_the_targets_to_the_bit(ratio, start, first, second):
    way, command, before = path("linear", ratio, start), JointCommand.zeros(JOINTS), start
    for goal in (first, second):
        way.aim(targets_of(goal))
        for step in range(1, ratio + 1):
            way.write(command, step)
            assert rows_of(command) == pytest.approx(before + (goal - before) * step / ratio, rel=1e-12, abs=1e-6)
        assert rows_of(command).tobytes() == goal.tobytes()
        before = goal


@given(st.integers(2, 10), arrays, arrays)
def test_held_targets_are_there_at_once(ratio, start, goal):
    way, command = path("hold", ratio, start), JointCommand.zeros(JOINTS)
    way.aim(targets_of(goal))
    for step in range(1, ratio + 1):
        way.write(command, step)
        assert rows_of(command).tobytes() == goal.tobytes()


@given(st.integers(2, 10), arrays, arrays)
def test_a_filter_goes_the_same_share_of_the_rest_each_tick(ratio, start, goal):
    way, command, rest = path("filter", ratio, start), JointCommand.zeros(JOINTS), goal - start
    way.aim(targets_of(goal))
    for step in range(1, ratio + 1):
        way.write(command, step)
        assert goal - rows_of(command) == pytest.approx(rest * np.exp(-step / ratio), rel=1e-9, abs=1e-6)


@given(st.sampled_from(["linear", "filter"]), arrays, arrays)
def test_a_way_that_is_cut_off_goes_on_from_where_it_is(between, start, goal):
    """Readings came late, so the policy ran in the third tick of four: no target jumps."""
    way, command = path(between, 4, start), JointCommand.zeros(JOINTS)
    way.aim(targets_of(goal))
    way.write(command, 1)
    way.write(command, 2)
    here = rows_of(command)
    way.aim(targets_of(here))
    way.write(command, 3)
    assert rows_of(command) == pytest.approx(here, rel=1e-12, abs=1e-9)


def test_a_path_allocates_nothing():
    import tracemalloc

    way, command = path("linear", 4, np.zeros((5, JOINTS))), JointCommand.zeros(JOINTS)
    targets = targets_of(np.ones((5, JOINTS)))

    def tick():
        way.aim(targets)
        for step in range(1, 5):
            way.write(command, step)

    for _ in range(100):
        tick()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        tick()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2000


def test_the_shipped_robots_poll_at_the_policy_s_rate():
    for name in ("pendulum", "quadruped", "so101", "hopper_leg"):
        assert load_robot(name).loop.bus_rate is None
