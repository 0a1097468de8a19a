"""Laws of the clocks: a sleep ends at its deadline and no earlier, whatever interrupts it."""

import os
import signal
import threading
import time

import pytest

from sim2real.hardware.clock import MonotonicClock, VirtualClock


@pytest.mark.realtime
@pytest.mark.parametrize("clock", [MonotonicClock(), VirtualClock(time.monotonic_ns())], ids=["monotonic", "virtual"])
def test_a_sleep_ends_at_its_deadline_and_one_in_the_past_at_once(clock):
    now = clock.now_ns()
    for deadline in (now + 3_000_000, now + 3_000_001, now, now - 10**9, 0, -5):
        clock.sleep_until_ns(deadline)
        assert clock.now_ns() >= max(now, deadline)


@pytest.mark.realtime
def test_signals_are_handled_during_a_sleep_which_then_goes_on():
    clock, seen = MonotonicClock(), []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(clock.now_ns()))
    begun = clock.now_ns()
    timers = [threading.Timer(0.05 * turn, os.kill, (os.getpid(), signal.SIGUSR1)) for turn in (1, 2)]
    try:
        for timer in timers:
            timer.start()
        clock.sleep_until_ns(begun + 2_000_000_000)
        ended = clock.now_ns()
    finally:
        for timer in timers:
            timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 2
    assert all(stamp < begun + 2_000_000_000 for stamp in seen)
    assert ended >= begun + 2_000_000_000


@pytest.mark.realtime
def test_a_handler_that_raises_ends_the_sleep():
    def give_up(number, frame):
        raise KeyboardInterrupt

    clock, before = MonotonicClock(), signal.signal(signal.SIGUSR1, give_up)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    deadline = clock.now_ns() + 60_000_000_000
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            clock.sleep_until_ns(deadline)
        assert clock.now_ns() < deadline
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.realtime
def test_other_threads_run_during_a_sleep():
    clock, counted, done = MonotonicClock(), [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    clock.sleep_until_ns(clock.now_ns() + 500_000_000)
    during = counted[0] - before
    done.set()
    thread.join()
    assert during > 0
