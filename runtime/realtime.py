"""The real-time profile: requests what the operating system grants, and restores everything afterwards."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sim2real.runtime.reserved_processor import ReservedProcessor

# <sys/prctl.h> and <sys/mman.h> of Linux.
_PR_SET_TIMERSLACK = 29
_PR_GET_TIMERSLACK = 30
_MCL_CURRENT_AND_FUTURE = 1 | 2

# <malloc.h> of glibc: parameter, value, default.
_MALLOC = ((-1, 2**30, 128 * 1024), (-4, 0, 65_536))  # M_TRIM_THRESHOLD, M_MMAP_MAX

FIFO = "SCHED_FIFO"
_SPIN_NS = 100_000  # a wake-up takes 5 to 60 µs, with the governor of an idle processor more
_TIMER_SLACK_NS = 1_000  # from the default of 50 µs: sleeps end 60 µs sooner, without privileges
_PRIORITY = 40  # above normal work, below the kernel's interrupt threads (50)
_SWITCH_INTERVAL_S = 0.000_1  # the log writer gives the interpreter back this soon; the default is 5 ms


@dataclass(frozen=True)
class RealTimeProfile:
    """The parts of the profile that were granted and refused."""

    granted: tuple[str, ...]
    refused: tuple[str, ...]
    """Each with the reason, for the warning."""
    reserved: ReservedProcessor | None = None
    """The processor that the loop has for itself."""

    @property
    def spin_ns(self) -> int:
        """How long before a deadline the loop may stop sleeping and look at the clock; 0 where it may be preempted."""
        return _SPIN_NS if FIFO in self.granted else 0

    def clear_processor(self) -> None:
        """Move helpers that have been started meanwhile off the loop's processor, if it has one for itself."""
        if self.reserved is not None:
            self.reserved.clear()


@contextmanager
def real_time_profile(cpu: int | None = None) -> Iterator[RealTimeProfile]:
    """Request real-time scheduling, locked memory, short timer slack and no garbage collection; restore all at the end.

    Args:
        cpu: The processor to run on; any when None. Other threads and helper processes are moved to other ones.

    Yields:
        What was granted and what was refused; a refusal is not an error, as the loop runs without it.
    """
    granted: list[str] = []
    refused: list[str] = []
    reserved: ReservedProcessor | None = None
    with ExitStack() as undo:
        measures: list[tuple[str, Callable[[ExitStack], None]]] = [
            (FIFO, _fifo),
            ("mlockall", _lock_memory),
            ("memory kept", _keep_memory),
            ("timer slack", _timer_slack),
            ("no garbage collection", _no_collection),
            ("switch interval", _switch_interval),
        ]
        for name, measure in measures:
            try:
                measure(undo)
                granted.append(name)
            except OSError as error:
                refused.append(f"{name}: {error.strerror or error}")
        if cpu is not None:
            try:
                reserved = ReservedProcessor(cpu)
                undo.callback(reserved.release)
                reserved.clear()
                granted.append(f"cpu {cpu}")
                if reserved.problem:
                    refused.append(f"cpu {cpu}: {reserved.problem}")
            except OSError as error:
                refused.append(f"cpu {cpu}: {error.strerror or error}")
        yield RealTimeProfile(tuple(granted), tuple(refused), reserved)


def _fifo(undo: ExitStack) -> None:
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    # Reset on fork: helper processes that the loop starts must not have its priority.
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))

    def restore() -> None:
        try:
            os.sched_setscheduler(0, policy, parameters)
        except PermissionError:  # without CAP_SYS_NICE the flag cannot be taken back; it does no harm
            os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, parameters)

    undo.callback(restore)


def _lock_memory(undo: ExitStack) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_AND_FUTURE) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    undo.callback(libc.munlockall)


def _keep_memory(undo: ExitStack) -> None:
    """Let malloc keep what is freed: memory given back to the system returns page by page, with a fault each."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        raise OSError("this C library has no mallopt")
    for parameter, value, default in _MALLOC:
        if mallopt(parameter, value) != 1:
            raise OSError(f"mallopt({parameter}, {value}) failed")
        undo.callback(mallopt, parameter, default)


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
