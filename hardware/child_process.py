"""Child processes of this interpreter: they never search the working directory for modules.

Python puts the working directory first on the path of `python -m` and `python -c`, and so do the workers of
multiprocessing start. A user's `yaml.py` or `socket.py` there would be imported in place of the real one.
`PYTHONPATH` and the user's site-packages stay in force.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PYTHON: Final = (sys.executable, "-P")
"""Command of a child that runs a module: `[*PYTHON, "-m", "sim2real.cli"]`."""

_VARIABLE = "PYTHONSAFEPATH"  # the same as -P, for processes whose command is not ours


@contextmanager
def safe_workers() -> Iterator[None]:
    """Let workers that are started within the context, by multiprocessing or a library, search no working directory.

    Sets an environment variable of this process; not for several threads at once.
    """
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
