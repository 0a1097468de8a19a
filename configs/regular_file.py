"""Reads files that a person named or a disk holds: regular ones of bounded size, so that none hangs its reader."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

POLICY_BYTES_MAX: Final = 512 << 20
"""Read whole into memory; a policy for a robot has some hundred kilobytes."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe without a writer, or a device, would never come to its end.

    Raises:
        OSError: It cannot be opened, or is no regular file; `filename` and `strerror` say which and why.
    """
    mode = path.stat().st_mode  # before it is opened, which would wait for the writer of a pipe
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return path.open("rb")


def read_regular(path: Path, bytes_max: int) -> bytes:
    """Return the content of a regular file.

    Raises:
        OSError: As `open_regular`, or the file has more bytes.
    """
    with open_regular(path) as file:
        too_large = os.fstat(file.fileno()).st_size > bytes_max
        content = b"" if too_large else file.read(bytes_max + 1)
        if too_large or len(content) > bytes_max:  # it may grow while it is read
            raise OSError(errno.EFBIG, f"Larger than {bytes_max} bytes", str(path))
    return content
