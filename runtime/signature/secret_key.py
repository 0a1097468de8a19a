"""A secret key in minisign's format, encrypted with a password or not."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Self

from sim2real.runtime.signature.key_text import ALGORITHM, UNTRUSTED, SignatureError, decoded, encoded
from sim2real.runtime.signature.public_key import PublicKey

_SCRYPT, _NONE, _BLAKE2B = b"Sc", b"\0\0", b"B2"
_BYTES: Final = 158  # algorithms 6, salt 32, limits 16, then 104: key id 8, seed and key 64, checksum 32
_SEALED: Final = 104

OPERATIONS: Final = 33_554_432
MEMORY_BYTES: Final = 1_073_741_824
"""libsodium's `crypto_pwhash_scryptsalsa208sha256_{OPS,MEM}LIMIT_SENSITIVE`, minisign's defaults."""
_OPERATIONS_MIN: Final = 32_768
_BLOCK: Final = 8
"""r of scrypt, as libsodium chooses it."""


class PasswordError(SignatureError):
    """A secret key's password is wrong or missing."""


@dataclass(frozen=True)
class SecretKey:
    """An Ed25519 key that signs."""

    public: PublicKey
    seed: bytes
    """32 bytes: RFC 8032's private key."""

    @classmethod
    def new(cls) -> Self:
        """Return a new random key."""
        return cls.of_seed(secrets.token_bytes(8), secrets.token_bytes(32))

    @classmethod
    def of_seed(cls, key_id: bytes, seed: bytes) -> Self:
        """Return the key of a seed."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        public: bytes = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(PublicKey(key_id, public), seed)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message, 64 bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        signature: bytes = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        return signature

    def text(self, password: str | None, *, operations: int = OPERATIONS, memory: int = MEMORY_BYTES) -> str:
        """Return the content of a secret key's file.

        Args:
            password: Encrypts the key; None leaves it in the clear.
            operations: What deriving the key from the password costs, in libsodium's count.
            memory: The memory that it takes, bytes.
        """
        plain = self.public.key_id + self.seed + self.public.key
        plain += _checksum(plain)
        if password is None:
            head, sealed = ALGORITHM + _NONE + _BLAKE2B + bytes(48), plain
        else:
            salt = secrets.token_bytes(32)
            sealed = _xor(plain, _stream(password, salt, operations, memory))
            limits = operations.to_bytes(8, "little") + memory.to_bytes(8, "little")
            head = ALGORITHM + _SCRYPT + _BLAKE2B + salt + limits
        return f"{UNTRUSTED}minisign encrypted secret key\n{encoded(head + sealed)}\n"

    @classmethod
    def of_text(cls, text: str, password: str | None) -> Self:
        """Return the key in a secret key's file.

        Raises:
            PasswordError: It is encrypted and there is no password, or it is wrong.
            SignatureError: It is no secret key of minisign.
        """
        data = _data(text)
        head, sealed = data[:-_SEALED], data[-_SEALED:]
        encrypted = is_encrypted(text)
        if encrypted and password is None:
            raise PasswordError("the key is encrypted and needs its password")
        if encrypted and password is not None:
            operations, memory = (int.from_bytes(head[at : at + 8], "little") for at in (38, 46))
            sealed = _xor(sealed, _stream(password, head[6:38], operations, memory))
        plain, checksum = sealed[:72], sealed[72:]
        if not hmac.compare_digest(checksum, _checksum(plain)) and (encrypted or checksum != bytes(32)):
            # minisign leaves it out of keys in the clear
            raise PasswordError("the password is wrong") if encrypted else SignatureError("the key is damaged")
        key = cls.of_seed(plain[:8], plain[8:40])
        if key.public.key != plain[40:]:
            raise SignatureError("the key is damaged")
        return key


def is_encrypted(text: str) -> bool:
    """Return whether a secret key needs a password. Raises SignatureError if it is none."""
    return _data(text)[2:4] == _SCRYPT


def _data(text: str) -> bytes:
    """Return the bytes of a secret key's file. Raises SignatureError if it is none."""
    lines = text.splitlines()
    try:
        if len(lines) != 2 or not lines[0].startswith(UNTRUSTED):
            raise ValueError("is not a comment and a key")
        data = decoded(lines[1], _BYTES)
        if data[:2] != ALGORITHM or data[2:4] not in (_SCRYPT, _NONE) or data[4:6] != _BLAKE2B:
            raise ValueError("is of a kind that is not known")
    except ValueError as error:
        raise SignatureError(f"{error}; valid: a secret key of minisign or `sim2real keygen`") from error
    return data


def _checksum(plain: bytes) -> bytes:
    return hashlib.blake2b(ALGORITHM + plain, digest_size=32).digest()


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(one ^ two for one, two in zip(data, stream, strict=True))


def _stream(password: str, salt: bytes, operations: int, memory: int) -> bytes:
    """Return what the key is encrypted with: scrypt with the parameters that libsodium picks for these limits.

    Raises:
        SignatureError: The limits are beyond minisign's own, or there is not so much memory.
    """
    if not (operations <= OPERATIONS and memory <= MEMORY_BYTES):
        raise SignatureError("the key asks for more memory than minisign's keys do")
    rounds, parallel = _parameters(operations, memory)
    needed = 128 * _BLOCK * (rounds + parallel + 2)  # bytes, RFC 7914 section 6
    try:
        return hashlib.scrypt(
            password.encode(), salt=salt, n=rounds, r=_BLOCK, p=parallel, maxmem=needed + 65_536, dklen=_SEALED
        )
    except (MemoryError, ValueError) as error:
        raise SignatureError(f"the password needs {needed >> 20} MiB of memory, which there are not") from error


def _parameters(operations: int, memory: int) -> tuple[int, int]:
    """Return N and p of scrypt as `pickparams` of libsodium's crypto_pwhash_scryptsalsa208sha256 does."""
    operations = max(operations, _OPERATIONS_MIN)
    if operations < memory // 32:
        return _power_below(operations // (_BLOCK * 4)), 1
    rounds = _power_below(memory // (_BLOCK * 128))
    return rounds, max(1, min(operations // 4 // rounds, 0x3FFF_FFFF) // _BLOCK)


def _power_below(most: int) -> int:
    """Return the lowest power of two, from 2 on, that is more than half of a number."""
    return next(1 << power for power in range(1, 63) if 1 << power > most // 2)
