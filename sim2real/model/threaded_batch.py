"""Makes batches of simulations that a forked child of the process never frees.

The threads of a batch are in the process that made it. MuJoCo waits for them when it frees a batch: in a forked child
it aborts the process ("thread::join failed"), or waits forever.
"""

import ctypes
import os
from weakref import WeakSet

import mujoco
from mujoco.batch import Batch

_alive: "WeakSet[Batch]" = WeakSet()


def threaded_batch(model: mujoco.MjModel, n: int, threads: int) -> Batch:
    """Return n simulations of a model on native threads; 0 threads are one for every core."""
    batch = Batch(model, nsim=n, nthread=threads)
    _alive.add(batch)
    return batch


def _keep() -> None:
    """Take a reference that nothing gives back, so that not even the end of the interpreter frees the batches."""
    for batch in _alive:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(batch))


os.register_at_fork(after_in_child=_keep)
