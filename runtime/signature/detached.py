"""A detached signature in minisign's format: Ed25519 over the file's digest, with a signed comment."""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sim2real.runtime.signature.key_text import UNTRUSTED, SignatureError, decoded, encoded, key_id_text, read_text
from sim2real.runtime.signature.public_key import PublicKey
from sim2real.runtime.signature.secret_key import SecretKey

SUFFIX: Final = ".minisig"
_PREHASHED, _LEGACY = b"ED", b"Ed"
_TRUSTED: Final = "trusted comment: "
_COMMENT_MAX: Final = 8192  # minisign's TRUSTEDCOMMENTMAXBYTES


@dataclass(frozen=True)
class Signature:
    """A signature and its trusted comment."""

    key_id: bytes
    """8 bytes: which key made it."""
    value: bytes
    """64 bytes: over the file's digest."""
    comment: str
    """Signed with it, for people: when, and of which file."""
    comment_value: bytes
    """64 bytes: over the signature and the comment."""

    @property
    def key_name(self) -> str:
        """Return the id of the key as minisign prints it."""
        return key_id_text(self.key_id)

    def text(self) -> str:
        """Return the content of a `.minisig` file."""
        first = encoded(_PREHASHED + self.key_id + self.value)
        return (
            f"{UNTRUSTED}signature from key {self.key_name}\n{first}\n"
            f"{_TRUSTED}{self.comment}\n{encoded(self.comment_value)}\n"
        )

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the signature in a text. Raises SignatureError."""
        try:
            return cls._of_lines(text.removesuffix("\n").split("\n"))
        except ValueError as error:
            raise SignatureError(f"the signature {error}; valid: one of `sim2real sign` or `minisign -S`") from error

    @classmethod
    def _of_lines(cls, lines: list[str]) -> Self:
        if len(lines) != 4 or not lines[0].startswith(UNTRUSTED) or not lines[2].startswith(_TRUSTED):
            raise ValueError("is not two comments, each with a line of base64")
        data, comment = decoded(lines[1], 74), lines[2].removeprefix(_TRUSTED)
        if data[:2] == _LEGACY:
            raise ValueError("is of the legacy kind, over the file and not its digest")
        if data[:2] != _PREHASHED:
            raise ValueError("is of a kind that is not known")
        if not len(comment.encode()) <= _COMMENT_MAX:
            raise ValueError(f"has a trusted comment of more than {_COMMENT_MAX} bytes")
        return cls(data[2:10], data[10:], comment, decoded(lines[3], 64))

    def check(self, content: bytes, key: PublicKey) -> None:
        """Refuse what the key did not sign.

        Raises:
            SignatureError: The signature is by another key, of other content, or its trusted comment was changed.
        """
        from cryptography.exceptions import InvalidSignature  # slow to load, and needed where something is signed alone
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self.key_id != key.key_id:
            raise SignatureError(f"the signature is by key {self.key_name}, not by {key.name}")
        verifier = Ed25519PublicKey.from_public_bytes(key.key)
        try:
            verifier.verify(self.value, _digest(content))
        except InvalidSignature as error:
            raise SignatureError(
                f"the signature by key {self.key_name} is not of this file: the file or the signature was changed"
            ) from error
        try:
            verifier.verify(self.comment_value, self.value + self.comment.encode())
        except InvalidSignature as error:
            raise SignatureError("the trusted comment of the signature was changed") from error


def sign(content: bytes, key: SecretKey, comment: str) -> Signature:
    """Sign content and a comment. Raises SignatureError if the comment is more than one line, or too long."""
    if not (comment.isprintable() or comment.replace("\t", " ").isprintable()):
        raise SignatureError("the trusted comment must be one line of printable text")
    if not len(comment.encode()) <= _COMMENT_MAX:
        raise SignatureError(f"the trusted comment has more than {_COMMENT_MAX} bytes")
    value = key.sign(_digest(content))
    return Signature(key.public.key_id, value, comment, key.sign(value + comment.encode()))


def comment_for(path: Path) -> str:
    """Return the trusted comment that minisign writes by default: when, and of which file."""
    name = path.name if path.name.isprintable() else ascii(path.name)
    return f"timestamp:{time.time():.0f}\tfile:{name}\thashed"


def signature_path(path: Path) -> Path:
    """Return where the signature of a file is: beside it."""
    return path.with_name(path.name + SUFFIX)


def signature_beside(path: Path) -> Signature | None:
    """Return the signature beside a file, None where there is none. Raises SignatureError if it cannot be read."""
    beside = signature_path(path)
    if not os.path.lexists(beside):
        return None
    try:
        return Signature.of_text(read_text(beside))
    except SignatureError as error:
        raise error if str(error).startswith(str(beside)) else SignatureError(f"{beside}: {error}") from error


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()
