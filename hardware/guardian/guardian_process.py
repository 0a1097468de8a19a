"""The guardian's program, started by guardian.py. Uses only the standard library, to start quickly.

Arguments: file descriptors of the port, the shared memory, the pipe from the driver and the pipe to the driver; process
id of the driver; stop frames in hexadecimal. Shared memory: beat, limit in ns, tripped; 64 bits each.
"""

import contextlib
import mmap
import os
import select
import signal
import sys
import time

_BYTES = 24
_BEAT, _LIMIT_NS, _TRIPPED = 0, 1, 2
_NS_PER_MS = 1_000_000
_CHECKS_PER_LIMIT = 40  # the limit is kept with this resolution
_PERIOD_MS_MAX = 10  # also the period of checking the parent process
_FRAMES = 12  # every 5 ms: the first may collide with replies, or with half a frame left by the driver
_GAP_S = 0.005
_WRITE_MS_MAX = 50
_STOP, _FIRE = b"s", b"f"


def main(arguments: list[str]) -> None:
    """Watch until the driver stops the guardian or fails."""
    port, memory, life, ready, parent = (int(argument) for argument in arguments[:5])
    frames = bytes.fromhex(arguments[5])
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # it must outlive the driver
    avoid_starvation()
    words = memoryview(mmap.mmap(memory, _BYTES)).cast("Q")
    os.write(ready, b"r")
    os.close(ready)
    if watch(words, life, parent):
        words[_TRIPPED] = 1
        send(port, frames)


def avoid_starvation() -> None:
    """Allow every CPU, and take a higher priority than a driver with real-time priority.

    Otherwise a driver that spins instead of sleeping could keep its guardian from running.
    """
    with contextlib.suppress(OSError):  # best effort: not permitted everywhere
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with contextlib.suppress(OSError):
        policy = os.sched_getscheduler(0)
        if policy in (os.SCHED_FIFO, os.SCHED_RR):
            highest = os.sched_get_priority_max(policy)
            priority = min(os.sched_getparam(0).sched_priority + 1, highest)
            os.sched_setscheduler(0, policy, os.sched_param(priority))


def watch(words: memoryview, life: int, parent: int) -> bool:
    """Watch until an end; return whether the motors must be stopped, False if the driver stops the guardian."""
    pipe = select.poll()
    pipe.register(life, select.POLLIN)
    beat, fed_ns = words[_BEAT], time.monotonic_ns()
    while True:
        limit_ns = words[_LIMIT_NS]
        period_ms = min(_PERIOD_MS_MAX, max(1, limit_ns // (_CHECKS_PER_LIMIT * _NS_PER_MS)))
        if pipe.poll(period_ms):
            word = os.read(life, 1)  # empty: the driver's end is closed, so it died
            return word != _STOP
        now_ns = time.monotonic_ns()
        if words[_BEAT] != beat:
            beat, fed_ns = words[_BEAT], now_ns
        elif now_ns - fed_ns + (2 * period_ms + 1) * _NS_PER_MS > limit_ns:
            return True  # the last beat may be one period older than seen, and the next check may be too late
        if os.getppid() != parent:  # child processes of the driver may hold the pipe open
            return True


def send(port: int, frames: bytes) -> None:
    """Write the frames several times; return early if the port is gone."""
    writable = select.poll()
    writable.register(port, select.POLLOUT)
    for _ in range(_FRAMES):
        writable.poll(_WRITE_MS_MAX)
        try:
            os.write(port, frames)
        except BlockingIOError:
            continue  # poll has already waited
        except OSError:
            return
        time.sleep(_GAP_S)


if __name__ == "__main__":
    main(sys.argv[1:])
