"""A run is trained by one process at a time: two would write each other's checkpoints and metrics."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.training.run_folder import RunFolder

_LOCK: Final = ".lock"


def discard_unbegun(run: RunFolder) -> None:
    """Remove the folder of a run whose process was ended before it saved anything: there is nothing to go on with."""
    lock = run.checkpoints / _LOCK
    if not (lock.is_file() and run.holds_nothing()) or lock.read_text("ascii", "replace") == str(os.getpid()):
        return
    try:
        with claimed(run):
            run.remove()
    except UserError:
        return  # another process is just making it


@contextmanager
def claimed(run: RunFolder) -> Iterator[None]:
    """Hold a run; the system lets go of it when the process ends, however it ends.

    The lock is POSIX's: processes that this one forks do not inherit it, so that none of them keeps a run whose process
    was killed.

    Raises:
        UserError: Another process trains it, or the lock cannot be written.
    """
    try:
        run.checkpoints.mkdir(exist_ok=True)
        file = (run.checkpoints / _LOCK).open("a+", encoding="ascii")
    except OSError as error:
        raise UserError(f"{run.checkpoints}: its lock cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            raise UserError(f"{run.path}: process {holder} is training it; valid: once that one has ended") from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
