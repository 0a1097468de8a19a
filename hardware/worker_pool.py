"""Worker processes that leave Ctrl-C to the process that started them, and never outlive it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from sim2real.hardware.child_process import safe_workers

_AGAIN_S = 1.0


@contextmanager
def worker_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of worker processes. They are spawned, not forked: MuJoCo and onnxruntime have threads.

    A worker takes a signal for the work that handles it, a run for example, and is not interrupted between two. Submit
    work in `interrupts_held`: that starts the workers.

    Args:
        count: How many.
    """
    context = multiprocessing.get_context("spawn")
    with safe_workers(), ProcessPoolExecutor(count, context, _begin) as pool:
        yield pool


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
