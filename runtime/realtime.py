"""The real-time profile: requests what the operating system grants, and restores everything afterwards."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

# <sys/prctl.h> and <sys/mman.h> of Linux.
_PR_SET_TIMERSLACK = 29
_PR_GET_TIMERSLACK = 30
_MCL_CURRENT_AND_FUTURE = 1 | 2

_TIMER_SLACK_NS = 1_000  # from the default of 50 µs: sleeps end 60 µs sooner, without privileges
_PRIORITY = 40  # above normal work, below the kernel's interrupt threads (50)
_SWITCH_INTERVAL_S = 0.000_1  # the log writer gives the interpreter back this soon; the default is 5 ms


@dataclass(frozen=True)
class RealTimeProfile:
    """The parts of the profile that were granted and refused."""

    granted: tuple[str, ...]
    refused: tuple[str, ...]
    """Each with the reason, for the warning."""


@contextmanager
def real_time_profile(cpu: int | None = None) -> Iterator[RealTimeProfile]:
    """Request real-time scheduling, locked memory, short timer slack and no garbage collection; restore all at the end.

    Args:
        cpu: The processor to run on; any when None.

    Yields:
        What was granted and what was refused; a refusal is not an error, as the loop runs without it.
    """
    granted: list[str] = []
    refused: list[str] = []
    with ExitStack() as undo:
        measures: list[tuple[str, Callable[[ExitStack], None]]] = [
            ("SCHED_FIFO", _fifo),
            ("mlockall", _lock_memory),
            ("timer slack", _timer_slack),
            ("no garbage collection", _no_collection),
            ("switch interval", _switch_interval),
        ]
        if cpu is not None:
            measures.append((f"cpu {cpu}", lambda stack: _affinity(stack, cpu)))
        for name, measure in measures:
            try:
                measure(undo)
                granted.append(name)
            except OSError as error:
                refused.append(f"{name}: {error.strerror or error}")
        yield RealTimeProfile(tuple(granted), tuple(refused))


def _fifo(undo: ExitStack) -> None:
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    undo.callback(os.sched_setscheduler, 0, policy, parameters)


def _affinity(undo: ExitStack, cpu: int) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    undo.callback(os.sched_setaffinity, 0, before)


def _lock_memory(undo: ExitStack) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_AND_FUTURE) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    undo.callback(libc.munlockall)


def _timer_slack(undo: ExitStack) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    before = libc.prctl(_PR_GET_TIMERSLACK, 0, 0, 0, 0)
    if before < 0 or libc.prctl(_PR_SET_TIMERSLACK, _TIMER_SLACK_NS, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    undo.callback(libc.prctl, _PR_SET_TIMERSLACK, before, 0, 0, 0)


def _no_collection(undo: ExitStack) -> None:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    undo.callback(gc.unfreeze)
    if was_enabled:
        undo.callback(gc.enable)


def _switch_interval(undo: ExitStack) -> None:
    undo.callback(sys.setswitchinterval, sys.getswitchinterval())
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
