"""Laws of trying several things: all are tried, what the hardware refused is told in order, a bug is not hidden."""

import pytest

from sim2real.hardware.errors import HardwareError
from sim2real.hardware.run_all import run_all


def _refuse(reason: str) -> None:
    raise HardwareError(reason)


def test_what_comes_after_a_failure_is_done_too():
    done: list[int] = []
    acts = (lambda: done.append(1), lambda: _refuse("a"), lambda: done.append(2), lambda: _refuse("b"))
    assert run_all(acts) == ["a", "b"]
    assert done == [1, 2]


def test_other_errors_are_not_reasons_but_wait_for_the_rest():
    done: list[int] = []
    with pytest.raises(ZeroDivisionError):
        run_all([lambda: 1 // 0 and None, lambda: _refuse("a"), lambda: done.append(1)])
    assert done == [1]
