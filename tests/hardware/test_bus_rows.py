"""Laws of the rows of one bus's joints."""

import numpy as np
import pytest

from sim2real.hardware.bus_rows import BusRows
from sim2real.hardware.types import JointCommand

NAMES = ("a", "b", "c", "d")


def numbered(command: JointCommand, start: float) -> JointCommand:
    """Fill a command of four joints with different numbers."""
    for place, name in enumerate(JointCommand.__slots__):
        getattr(command, name)[:] = start + 10.0 * place + np.arange(4.0)
    return command


def apart() -> JointCommand:
    return JointCommand(*(np.zeros(4) for _ in JointCommand.__slots__))


@pytest.mark.parametrize("joints", [("a", "b"), ("b", "c", "d"), ("d", "b"), NAMES])
@pytest.mark.parametrize("make", [lambda: JointCommand.zeros(4), apart])
def test_each_command_gives_the_targets_of_the_buss_joints(joints, make):
    rows, index = BusRows(NAMES, joints), [NAMES.index(name) for name in joints]
    first, second = make(), make()
    for command, start in ((first, 0.0), (first, 100.0), (second, 200.0), (first, 300.0)):
        own = rows.command(numbered(command, start))
        for name in JointCommand.__slots__:
            assert getattr(own, name).tolist() == getattr(command, name)[index].tolist()


def test_targets_that_are_one_block_stay_so():
    assert BusRows(NAMES, ("b", "c")).command(JointCommand.zeros(4)).block is not None


def test_a_block_is_the_five_arrays_in_their_order():
    block = np.zeros((5, 4))
    assert JointCommand(*block).block is block
    assert JointCommand(*block[::-1]).block is None
    assert JointCommand(*block[:, 1:]).block is None
    assert apart().block is None
