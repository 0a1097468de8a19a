"""File operations that have reached the disk when they return."""

import os
from pathlib import Path


def write_durable(path: Path, data: bytes) -> None:
    """Write a new file and wait until its bytes are on the disk. Raises OSError; an existing file is refused.

    The system's cached copy is given up, so that reading the file back tells what the disk holds.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(data)
        while view:  # bounded: every turn writes at least one byte or raises
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries (names created, renamed, removed) are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
