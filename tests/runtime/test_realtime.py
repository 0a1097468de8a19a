"""Laws of the real-time profile: a refusal is a warning, and everything is put back."""

import gc
import os
import sys

import pytest

from sim2real.runtime.realtime import real_time_profile

pytestmark = pytest.mark.realtime


def state():
    return (
        gc.isenabled(),
        sys.getswitchinterval(),
        os.sched_getscheduler(0),
        os.sched_getaffinity(0),
        gc.get_freeze_count(),
    )


def test_everything_is_put_back_even_after_an_exception():
    before = state()

    def fail_inside():
        with real_time_profile(cpu=min(os.sched_getaffinity(0))) as profile:
            assert not gc.isenabled()
            assert gc.get_freeze_count() > 0
            assert len(os.sched_getaffinity(0)) == 1
            assert {"no garbage collection", "switch interval", "timer slack"} <= set(profile.granted)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert state() == before


def test_what_is_refused_is_named_with_its_reason(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    with real_time_profile() as profile:
        assert "SCHED_FIFO: Operation not permitted" in profile.refused
        assert "SCHED_FIFO" not in profile.granted
