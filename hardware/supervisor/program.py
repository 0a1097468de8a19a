"""The supervisor's program, started by process.py. Uses only the standard library, to start quickly.

Arguments: file descriptors of the shared memory, the pipe from the driver and the pipe to the driver; process id of the
driver; the ports as JSON, each with descriptor, frames for torque off and frames for the death of the driver, in
hexadecimal. Shared memory, 64 bits each: the driver's beat, limit in ns, plan, tripped, time of the last sign of life.
"""

import contextlib
import ctypes
import json
import mmap
import os
import select
import signal
import sys
import termios
import time

_BYTES = 40
_BEAT, _LIMIT_NS, _PLAN, _TRIPPED, _ALIVE_NS = range(5)
_NS_PER_MS = 1_000_000
_CHECKS_PER_LIMIT = 40  # the limit is kept with this resolution
_PERIOD_MS_MAX = 10  # also the period of checking the parent process
_FRAMES = 12  # every 5 ms: the first may collide with replies, or with half a frame left by the driver
_GAP_S = 0.005
_SEND_S_MAX = 2.0  # for ports that take nothing; those that do have had their frames long before
_STOP = b"s"
_SINCE_START = getattr(time, "CLOCK_BOOTTIME", None)
_ASLEEP_NS_MAX = 500 * _NS_PER_MS  # no machine wakes up sooner
_LOOKS = 5
_MCL_CURRENT = 1  # sys/mman.h; with MCL_FUTURE, an allocation above the limit of locked memory would fail
_OOM_NEVER = "-1000"  # proc(5), oom_score_adj


def main(arguments: list[str]) -> None:
    """Watch until the driver stops the supervisor or fails."""
    memory, life, ready, parent = (int(argument) for argument in arguments[:4])
    ports = [(port, (bytes.fromhex(off), bytes.fromhex(death))) for port, off, death in json.loads(arguments[4])]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # it must outlive the driver
    avoid_starvation(parent)
    words = memoryview(mmap.mmap(memory, _BYTES)).cast("Q")
    words[_ALIVE_NS] = time.monotonic_ns()
    os.write(ready, b"r")
    os.close(ready)
    if watch(words, life, parent):
        words[_TRIPPED] = 1
        plan = words[_PLAN]
        send([(port, frames[plan]) for port, frames in ports])


def avoid_starvation(driver: int) -> None:
    """Allow every CPU, take real-time priority, lock the memory, and be the last to be killed when memory runs out.

    Otherwise a driver that spins or takes all memory could keep its supervisor from running. Each is tried, and not
    permitted everywhere. It runs for some microseconds every few milliseconds, whatever its priority.
    """
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with contextlib.suppress(OSError):
        # One more than the driver, which does not pass its own on: a loop that spins would keep it from the processor.
        priority = max(os.sched_getparam(pid).sched_priority for pid in (0, driver)) + 1
        priority = min(priority, os.sched_get_priority_max(os.SCHED_FIFO))
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mlockall(_MCL_CURRENT)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_NEVER)


def watch(words: memoryview, life: int, parent: int) -> bool:
    """Watch until an end; return whether the motors must be stopped, False if the driver stops the supervisor."""
    pipe = select.poll()
    pipe.register(life, select.POLLIN)
    beat, fed_ns = words[_BEAT], time.monotonic_ns()
    asleep_ns = max(suspended_ns() for _ in range(_LOOKS))
    while True:
        limit_ns = words[_LIMIT_NS]
        period_ms = min(_PERIOD_MS_MAX, max(1, limit_ns // (_CHECKS_PER_LIMIT * _NS_PER_MS)))
        if pipe.poll(period_ms):
            word = os.read(life, 1)  # empty: the driver's end is closed, so it died
            return word != _STOP
        now_ns = words[_ALIVE_NS] = time.monotonic_ns()
        if words[_BEAT] != beat:
            beat, fed_ns = words[_BEAT], now_ns
        elif now_ns - fed_ns + (2 * period_ms + 1) * _NS_PER_MS > limit_ns:
            return True  # the last beat may be one period older than seen, and the next check may be too late
        if os.getppid() != parent:  # child processes of the driver may hold the pipe open
            return True
        if suspended_ns() - asleep_ns > _ASLEEP_NS_MAX:
            return True  # the driver would go on as if nothing had happened, with motors that held all the time


def suspended_ns() -> int:
    """Return how long the machine has been suspended since it started, ns; 0 where that cannot be told (macOS).

    The monotonic clock stands still meanwhile. A preemption between the two looks makes the result too small.
    """
    return 0 if _SINCE_START is None else time.clock_gettime_ns(_SINCE_START) - time.monotonic_ns()


def send(ports: list[tuple[int, bytes]]) -> None:
    """Write the frames several times to each port. A port that takes nothing delays no other; one that is gone ends."""
    left = {port: _FRAMES for port, frames in ports if frames}
    frames_of = dict(ports)
    deadline = time.monotonic() + _SEND_S_MAX
    for port in left:
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(port, termios.TCOFLUSH)  # targets that are still waiting to be sent
    while left and time.monotonic() < deadline:
        for port in list(left):
            try:
                os.write(port, frames_of[port])
            except BlockingIOError:
                continue
            except OSError:
                left[port] = 1
            left[port] -= 1
            if not left[port]:
                del left[port]
        time.sleep(_GAP_S)


if __name__ == "__main__":
    main(sys.argv[1:])
