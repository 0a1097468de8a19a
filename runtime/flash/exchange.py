"""Two names of a folder change places in one step, where the system can do that."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

_HERE: Final = -100  # AT_FDCWD
_EXCHANGE: Final = 2  # RENAME_EXCHANGE of renameat2(2), Linux 3.15
_NOT_KNOWN: Final = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


def exchange(one: Path, two: Path) -> bool:
    """Let two folders change places: at every instant both names are there.

    Returns:
        Whether it was done; False where neither system nor file system can.

    Raises:
        OSError: It failed, and both are as they were.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:  # a C library from before 2018
        return False
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(two), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_KNOWN:
        return False
    raise OSError(code, os.strerror(code), str(one))
