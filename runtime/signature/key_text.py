"""The text around keys and signatures in minisign's format: comments, base64 lines, key ids."""

import base64
import binascii
import errno
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import read_regular

ALGORITHM: Final = b"Ed"
"""Ed25519, of keys."""
UNTRUSTED: Final = "untrusted comment: "

_FILE_BYTES_MAX: Final = 16_384  # minisign's comments have at most 1024 and 8192 characters


class SignatureError(UserError):
    """A key or signature cannot be read, or a signature does not fit; one line."""


def key_id_text(key_id: bytes) -> str:
    """Return the id of a key, 8 bytes, as minisign prints it."""
    return f"{int.from_bytes(key_id, 'little'):016X}"


def encoded(data: bytes) -> str:
    """Return bytes as a line of base64."""
    return base64.b64encode(data).decode()


def decoded(line: str, length: int) -> bytes:
    """Return the bytes of a line of base64. Raises ValueError if it is not the one way to write so many bytes."""
    try:
        data = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error
    if len(data) != length:
        raise ValueError(f"has {len(data)} bytes, must have {length}")
    if encoded(data) != line:  # bits after the last byte
        raise ValueError("is not base64 as minisign writes it")
    return data


def read_text(path: Path) -> str:
    """Return the text of a key or signature file. Raises SignatureError."""
    try:
        data = read_regular(path, _FILE_BYTES_MAX)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise SignatureError(
                f"{path}: larger than {_FILE_BYTES_MAX} bytes: neither a key nor a signature of minisign"
            ) from error
        raise SignatureError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SignatureError(f"{path}: is not text: neither a key nor a signature of minisign") from error
