"""Laws of the real-time profile: a refusal is a warning, and everything is put back."""

import gc
import os
import signal
import subprocess
import sys
import threading

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


def children_of(*arguments):
    return subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


FAMILY = """
import subprocess, sys, threading
threading.Thread(target=sys.stdin.read, daemon=True).start()
waiting = [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"]
child = subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_nothing_but_the_loop_is_on_its_processor_and_all_come_back():
    """Children inherit the processors of the thread that starts them: the supervisor sat on the loop's."""
    every = os.sched_getaffinity(0)
    cpu = max(every)
    with children_of("-c", FAMILY) as parent:
        grandchild = int(parent.stdout.readline())
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        with real_time_profile(cpu) as profile:
            assert f"cpu {cpu}" in profile.granted
            assert os.sched_getaffinity(0) == {cpu}
            others = [parent.pid, grandchild, thread.native_id]
            others += [int(name) for name in os.listdir(f"/proc/{parent.pid}/task")]
            assert [os.sched_getaffinity(other) for other in others] == [every - {cpu}] * len(others)
            with children_of("-c", "import sys; sys.stdin.read()") as late:
                assert os.sched_getaffinity(late.pid) == {cpu}
                profile.clear_processor()
                assert os.sched_getaffinity(late.pid) == every - {cpu}
                assert os.sched_getaffinity(0) == {cpu}
                late.communicate()
        assert [os.sched_getaffinity(other) for other in (0, *others)] == [every] * (len(others) + 1)
        stop.set()
        os.kill(grandchild, signal.SIGKILL)
        parent.communicate()


def test_helpers_do_not_inherit_the_priority():
    with real_time_profile() as profile:
        if "SCHED_FIFO" not in profile.granted:
            pytest.skip("not permitted here")
        with children_of("-c", "import os; print(os.sched_getscheduler(0))") as child:
            assert int(child.communicate()[0]) == os.SCHED_OTHER


def test_the_only_processor_is_shared_and_that_is_said():
    every = os.sched_getaffinity(0)
    cpu = min(every)
    os.sched_setaffinity(0, {cpu})
    try:
        with real_time_profile(cpu) as profile:
            assert f"cpu {cpu}: it is the only one, and helper processes share it" in profile.refused
    finally:
        os.sched_setaffinity(0, every)


def test_a_processor_that_does_not_exist_is_refused():
    with real_time_profile(4000) as profile:
        assert any(line.startswith("cpu 4000: ") for line in profile.refused)
        assert profile.reserved is None
    assert len(os.sched_getaffinity(0)) > 0


def test_the_loop_spins_only_where_it_cannot_be_preempted(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    with real_time_profile() as profile:
        assert (profile.spin_ns > 0) == ("SCHED_FIFO" in profile.granted)
    monkeypatch.setattr("os.sched_setscheduler", refuse)
    with real_time_profile() as profile:
        assert profile.spin_ns == 0
