"""Laws of `run_all`: every action is run, hardware errors are returned in order, bugs are not hidden."""

import pytest

from sim2real.hardware.errors import HardwareError
from sim2real.hardware.run_all import run_all


def _refuse(reason: str) -> None:
    raise HardwareError(reason)


def test_actions_after_a_failure_are_run_too():
    done: list[int] = []
    acts = (lambda: done.append(1), lambda: _refuse("a"), lambda: done.append(2), lambda: _refuse("b"))
    assert run_all(acts) == ["a", "b"]
    assert done == [1, 2]


def test_other_errors_are_not_reasons_but_wait_for_the_rest():
    done: list[int] = []
    with pytest.raises(ZeroDivisionError):
        run_all([lambda: 1 // 0 and None, lambda: _refuse("a"), lambda: done.append(1)])
    assert done == [1]
