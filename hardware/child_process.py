"""Child processes of this interpreter, which never search the working directory for modules.

Python puts the working directory first on the import path of `python -m`, `python -c` and multiprocessing workers. A
user's `yaml.py` or `socket.py` there would be imported in place of the real one. `PYTHONPATH` and the user's
site-packages still apply.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PYTHON: Final = (sys.executable, "-P")
"""Start of the command that runs a module in a child process: `[*PYTHON, "-m", "sim2real.cli"]`."""

_VARIABLE = "PYTHONSAFEPATH"  # same as -P, for processes whose command we do not choose


@contextmanager
def safe_workers() -> Iterator[None]:
    """Keep the working directory off the import path of worker processes started in this context.

    For workers of multiprocessing or of a library. Sets an environment variable of this process: not thread-safe.
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
