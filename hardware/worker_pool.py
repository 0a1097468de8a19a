"""Worker processes that leave Ctrl-C to the process that started them, and never outlive it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from sim2real.hardware.child_process import safe_workers

_AGAIN_S = 1.0
_ENDS_MAX = 30  # a run in lockstep ends within seconds, also on a busy machine


@contextmanager
def worker_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of worker processes. They are spawned, not forked: MuJoCo and onnxruntime have threads.

    A worker takes a signal for the work that handles it, a run for example, and is not interrupted between two. Submit
    work in `interrupts_held`: that starts the workers. An exception in the block, Ctrl-C for one, ends them: nobody
    waits for what they are at.

    Args:
        count: How many.
    """
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    with safe_workers(), ProcessPoolExecutor(count, context, _begin) as pool:
        try:
            yield pool
        except BaseException:
            workers = [each for each in multiprocessing.active_children() if each not in others]
            # Waited for, as Python's own exit races with a pool that is still closing: "Bad file descriptor".
            closing = threading.Thread(target=pool.shutdown, kwargs={"cancel_futures": True}, name="closing")
            closing.start()
            _end(workers)
            closing.join()
            raise


def _end(workers: Sequence[BaseProcess]) -> None:
    """End processes: a run in one ends in order, and what was queued behind it is not begun."""
    for _ in range(_ENDS_MAX):
        if not (alive := [each for each in workers if each.is_alive()]):
            return
        for each in alive:
            each.terminate()
        wait([each.sentinel for each in alive], _AGAIN_S)
    for each in workers:
        each.kill()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Deliver Ctrl-C after the block. A process that is started in it gets none before it is ready: no traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Be ready for work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the whole process group
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however: nobody else would. A run ends in order."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_AGAIN_S)
