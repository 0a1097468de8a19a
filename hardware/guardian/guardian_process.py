"""The program of the guardian's process, which guardian.py starts. Standard library alone, to start quickly.

Arguments: descriptors of port, shared memory, pipe from the driver and pipe to it; process id of the driver; frames in
hexadecimal. Shared memory: beat, limit in ns, tripped, 64 bits each.
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
_LOOKS = 40  # at the counter within the limit: so finely it is kept
_PERIOD_MS_MAX = 10  # also how often the parent is looked for
_FRAMES = 12  # times 5 ms: the first may collide with replies, or with half a frame that the driver has left
_GAP_S = 0.005
_WRITE_MS_MAX = 50
_STOP, _FIRE = b"s", b"f"


def main(arguments: list[str]) -> None:
    """Watch until the driver says that it is over, or is no more."""
    port, memory, life, ready, parent = (int(argument) for argument in arguments[:5])
    frames = bytes.fromhex(arguments[5])
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # its job ends when the driver's does, not before
    step_out()
    words = memoryview(mmap.mmap(memory, _BYTES)).cast("Q")
    os.write(ready, b"r")
    os.close(ready)
    if watch(words, life, parent):
        words[_TRIPPED] = 1
        send(port, frames)


def step_out() -> None:
    """Leave the processor that the driver may be bound to, and go before it if it has real-time priority.

    A driver that spins instead of sleeping would otherwise keep its guardian from running.
    """
    with contextlib.suppress(OSError):  # what is not permitted is not needed on a machine that has time
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with contextlib.suppress(OSError):
        policy = os.sched_getscheduler(0)
        if policy in (os.SCHED_FIFO, os.SCHED_RR):
            highest = os.sched_get_priority_max(policy)
            priority = min(os.sched_getparam(0).sched_priority + 1, highest)
            os.sched_setscheduler(0, policy, os.sched_param(priority))


def watch(words: memoryview, life: int, parent: int) -> bool:
    """Return whether the motors must be stopped; False when the driver says that it is over."""
    pipe = select.poll()
    pipe.register(life, select.POLLIN)
    beat, fed_ns = words[_BEAT], time.monotonic_ns()
    while True:
        limit_ns = words[_LIMIT_NS]
        period_ms = min(_PERIOD_MS_MAX, max(1, limit_ns // (_LOOKS * _NS_PER_MS)))
        if pipe.poll(period_ms):
            word = os.read(life, 1)  # nothing: the driver's end is closed, it died
            return word != _STOP
        now_ns = time.monotonic_ns()
        if words[_BEAT] != beat:
            beat, fed_ns = words[_BEAT], now_ns
        elif now_ns - fed_ns + (2 * period_ms + 1) * _NS_PER_MS > limit_ns:
            return True  # the last beat was up to a period before it was seen, and the next look may be too late
        if os.getppid() != parent:  # children of the driver may hold the pipe open
            return True


def send(port: int, frames: bytes) -> None:
    """Write the frames several times; a port that is gone ends it."""
    writable = select.poll()
    writable.register(port, select.POLLOUT)
    for _ in range(_FRAMES):
        writable.poll(_WRITE_MS_MAX)
        try:
            os.write(port, frames)
        except BlockingIOError:
            continue  # the poll has waited
        except OSError:
            return
        time.sleep(_GAP_S)


if __name__ == "__main__":
    main(sys.argv[1:])
