"""Laws of interrupts: whatever ends a program stops training after the iteration; a second one stops it at once."""

import signal

import pytest

from sim2real.training.interrupt import Interrupt

ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDS)
def test_a_first_signal_asks_and_a_second_one_stops(number):
    before = [signal.getsignal(each) for each in ENDS]
    with Interrupt() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert [signal.getsignal(each) for each in ENDS] == before


def test_a_closed_terminal_stays_ignored_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            assert not interrupt.requested
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_under_torchrun_the_signal_after_an_error_does_not_cut_off_what_is_said_of_it():
    before = [signal.getsignal(each) for each in ENDS]
    try:
        with pytest.raises(ValueError, match="lost"), Interrupt(patient=True) as interrupt:
            raise ValueError("lost the others")
        for number in ENDS:
            signal.raise_signal(number)
        assert interrupt.requested
    finally:
        for number, handler in zip(ENDS, before, strict=True):
            signal.signal(number, handler)
    with Interrupt(patient=True):
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(each) for each in ENDS] == before
