"""Laws of truth values that Python searches."""

import numpy as np

from sim2real.hardware.flags import flags


def test_all_are_false_at_first():
    array, memory = flags(2, 3)
    assert array.tolist() == [[False] * 3] * 2
    assert 1 not in memory


def test_what_numpy_writes_is_found_in_the_memory():
    array, memory = flags(2, 3)
    np.less([[1, 2, 3], [3, 2, 1]], 4, array)
    assert 0 not in memory
    array[1, 2] = False
    assert list(memory) == [1, 1, 1, 1, 1, 0]
