"""Laws of Ctrl-C at moments at which Python makes nothing of it."""

import gc
import signal
import sys
import time
import weakref
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader

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


class _Spec:
    """Of a module in C; looking at its name is what runs while it is imported."""

    origin = "/nowhere.so"
    ended = False

    @property
    def name(self) -> str:
        _press()
        time.sleep(0.1)
        self.ended = True
        return "nowhere"


def test_a_module_in_c_is_not_torn_while_it_is_imported() -> None:
    """Some end the process when Python code that their initialisation calls raises."""
    spec = _Spec()
    with pytest.raises(KeyboardInterrupt), ctrl_c_is_heard() as pressed:  # noqa: PT012 - the wait is the point
        with pytest.raises(ImportError):
            ExtensionFileLoader("nowhere", spec.origin).create_module(spec)  # type: ignore[arg-type]
        time.sleep(10.0)
    assert spec.ended
    assert len(pressed) > 1


def test_what_has_ended_is_not_interrupted_afterwards() -> None:
    spec = _Spec()
    with ctrl_c_is_heard(), pytest.raises(ImportError):
        ExtensionFileLoader("nowhere", spec.origin).create_module(spec)  # type: ignore[arg-type]
    time.sleep(0.1)


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
