"""Key files: written once, never over another file, the secret one for its owner alone."""

import os
from pathlib import Path

from sim2real.runtime.signature.key_text import SignatureError, read_text
from sim2real.runtime.signature.secret_key import SecretKey, is_encrypted


def public_path(path: Path) -> Path:
    """Return where the public key of a secret key is: beside it."""
    return path.with_name(path.name + ".pub")


def write_key(path: Path, key: SecretKey, password: str | None) -> None:
    """Write a secret key, mode 0600, and the public one beside it. Raises SignatureError; no file is overwritten."""
    if not path.name:
        raise SignatureError("the key needs a name; give the path of a new file with -o")
    public = public_path(path)
    for file in (path, public):
        if os.path.lexists(file):
            raise SignatureError(f"{file}: is there already, and no key is overwritten; give another name with -o")
    _create(path, key.text(password), 0o600)
    try:
        _create(public, key.public.text(), 0o644)
    except SignatureError:
        path.unlink(missing_ok=True)  # ours: it was created above
        raise


def needs_password(path: Path) -> bool:
    """Return whether a secret key file is encrypted. Raises SignatureError."""
    try:
        return is_encrypted(read_text(path))
    except SignatureError as error:
        raise _placed(path, error) from error


def read_key(path: Path, password: str | None) -> SecretKey:
    """Read a secret key file. Raises SignatureError."""
    try:
        return SecretKey.of_text(read_text(path), password)
    except SignatureError as error:
        raise _placed(path, error) from error


def _placed(path: Path, error: SignatureError) -> SignatureError:
    return error if str(error).startswith(str(path)) else type(error)(f"{path}: {error}")


def _create(path: Path, text: str, mode: int) -> None:
    """Write a file that must not be there yet; it has its mode from its first moment."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)  # ours: a part of a key is none, and nothing would be written over it
            raise
    except OSError as error:
        raise SignatureError(f"{path}: cannot be written: {error.strerror}") from error
