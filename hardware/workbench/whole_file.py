"""Files that are there whole or not at all, also after a power cut or `kill -9`."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""Errors of file systems without hard links, as on USB sticks."""


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises OSError: FileExistsError if it is."""
    partial = _partial(path)
    try:
        _write(partial, text)
        try:
            os.link(partial, path)  # unlike a rename, it does not replace a file that was made meanwhile
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
            partial.rename(path)
    finally:
        _remove(partial)
    _sync(path.parent)


def replace_file(path: Path, text: str, check: Callable[[Path], object] = lambda partial: None) -> None:
    """Write a file in place of the one that may be there; its permissions are kept, and so is a link to it.

    Args:
        path: The file.
        text: Its new text.
        check: Called with the file beside it that is about to take its place; an error leaves everything as it was.

    Raises:
        OSError: It cannot be written.
    """
    path = path.resolve()
    partial = _partial(path)
    try:
        _write(partial, text)
        if path.exists():
            shutil.copymode(path, partial)
        check(partial)
        partial.replace(path)
    finally:
        _remove(partial)
    _sync(path.parent)


def _partial(path: Path) -> Path:
    """Return the name of the file beside it; one that was cut off before is written over by the next."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems have nothing to sync
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
