"""Laws of the trajectory: the latest ticks in order, in memory that is set aside and touched beforehand."""

import subprocess

import numpy as np
import pytest

from sim2real.hardware.child_process import PYTHON
from sim2real.runtime.trajectory import Trajectory


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 13, 14, 15, 100])
def test_the_latest_ticks_are_kept_in_order(count):
    trajectory = Trajectory(("a", "b"), 7)
    for tick in range(count):
        trajectory.append(tick, np.array([tick, -tick], float), 0.5 * tick, tick % 3)
    kept = list(range(max(0, count - 7), count))
    assert trajectory.time_ns.tolist() == kept
    assert trajectory.position.tolist() == [[tick, -tick] for tick in kept]
    assert trajectory.distance.tolist() == [0.5 * tick for tick in kept]
    assert trajectory.state.tolist() == [tick % 3 for tick in kept]


_GROWTH = """
import numpy as np
from sim2real.runtime.trajectory import Trajectory

def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096

before = resident_bytes()
trajectory = Trajectory(tuple(f"joint{number}" for number in range(12)), None)
made = resident_bytes()
position = np.ones(12)
for tick in range(trajectory.capacity + 100):
    trajectory.append(tick, position, 0.0, 1)
print(trajectory.capacity, made - before, resident_bytes() - made)
"""


def test_a_full_trajectory_takes_no_more_memory_than_an_empty_one():
    """It was mapped page by page while the run wrote it, and halved with a copy that took longer than a tick.

    In a process of its own, as the memory of this one holds what other tests gave back.
    """
    answer = subprocess.run([*PYTHON, "-c", _GROWTH], capture_output=True, text=True, check=True)
    capacity, made, grown = map(int, answer.stdout.split())
    assert made > 0.9 * capacity * (12 + 3) * 8
    assert grown < 2**20


def test_memory_is_bounded_for_any_expected_length():
    assert Trajectory(("joint",), 10**9).capacity == 360_000
    assert Trajectory(("joint",), 0).capacity == 1
    assert Trajectory(("joint",), 10, 500).capacity == Trajectory(("joint",), 500).capacity == 500
