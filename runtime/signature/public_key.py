"""A public key in minisign's format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sim2real.runtime.signature.key_text import (
    ALGORITHM,
    UNTRUSTED,
    SignatureError,
    decoded,
    encoded,
    key_id_text,
    read_text,
)

_BYTES = 42  # algorithm 2, key id 8, key 32


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 key with minisign's id."""

    key_id: bytes
    """8 bytes, random; a signature names its key by it."""
    key: bytes
    """32 bytes."""

    @property
    def name(self) -> str:
        """Return the id as minisign prints it."""
        return key_id_text(self.key_id)

    @property
    def line(self) -> str:
        """Return the key as one line: what `minisign -P` and `trusted_keys` take."""
        return encoded(ALGORITHM + self.key_id + self.key)

    def text(self) -> str:
        """Return the content of a `.pub` file."""
        return f"{UNTRUSTED}minisign public key {self.name}\n{self.line}\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Return the key of a line. Raises ValueError."""
        data = decoded(line.strip(), _BYTES)
        if not data.startswith(ALGORITHM):
            raise ValueError("is not an Ed25519 key of minisign")
        return cls(data[2:10], data[10:])

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a `.pub` file. Raises SignatureError."""
        lines = read_text(path).splitlines()
        try:
            if len(lines) != 2 or not lines[0].startswith(UNTRUSTED):
                raise ValueError("is not a comment and a key")
            return cls.of_line(lines[1])
        except ValueError as error:
            raise SignatureError(f"{path}: {error}; valid: a public key of minisign or `sim2real keygen`") from error
