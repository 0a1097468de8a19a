"""Laws of Ctrl-C at moments at which Python makes nothing of it."""

import gc
import signal
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from sim2real.ctrl_c import ctrl_c_is_heard


class _Thing:
    pass


def _press() -> None:
    signal.raise_signal(signal.SIGINT)


def _in_a_finaliser() -> None:
    class Finalised:
        def __del__(self) -> None:
            _press()

    Finalised()


def _in_a_weak_reference() -> None:
    thing = _Thing()
    kept = weakref.ref(thing, lambda _: _press())
    del thing
    assert kept() is None


def _in_the_garbage_collector() -> None:
    def callback(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            gc.callbacks.remove(callback)
            _press()

    gc.callbacks.append(callback)
    gc.collect()


@pytest.mark.parametrize("press", [_press, _in_a_finaliser, _in_a_weak_reference, _in_the_garbage_collector])
def test_ctrl_c_ends_the_block_whatever_runs_when_it_is_pressed(press: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), ctrl_c_is_heard() as pressed:  # noqa: PT012 - the wait is the point
        press()
        time.sleep(10.0)  # in a system call, as a command that waits for a port
    assert pressed


def test_other_exceptions_of_finalisers_are_reported_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError

    reported: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: reported.append(lost.exc_type))
    with ctrl_c_is_heard() as pressed:
        Broken()
    assert reported == [ValueError]
    assert not pressed


def test_what_was_there_is_there_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    with ctrl_c_is_heard():
        pass
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before


def test_a_handler_of_the_caller_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with ctrl_c_is_heard() as pressed:
            _press()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    assert not pressed
