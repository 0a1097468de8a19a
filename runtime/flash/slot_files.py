"""The files of a slot, read and verified: policy, manifest, signature."""

import errno
import hashlib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from sim2real.configs.regular_file import POLICY_BYTES_MAX, open_regular, read_regular
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.record import RECORD, RECORD_BYTES_MAX, Record
from sim2real.runtime.flash.trust import Trust
from sim2real.runtime.signature.detached import SUFFIX, signature_beside
from sim2real.runtime.signature.key_text import SignatureError

POLICY: Final = "policy.onnx"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = POLICY + SUFFIX
LOCK: Final = ".lock"
CURRENT: Final = "current"

_MANIFEST_BYTES_MAX: Final = 1_000_000  # a written manifest has about one thousand
_READ_BYTES: Final = 1 << 20


def digest_of_file(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file, as hex digits, and its length. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with open_regular(path) as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a slot. Raises OSError, or ValueError if it is not valid."""
    return Manifest.model_validate_json(_bounded(path, _MANIFEST_BYTES_MAX))


def read_record(root: Path) -> Record:
    """Read the record of a target's folder; an empty one where there is none. Raises FlashError."""
    path = root / RECORD
    try:
        return Record.model_validate_json(_bounded(path, RECORD_BYTES_MAX))
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError) as error:
        raise FlashError(
            f"{path}: cannot be read: {reason_of(error)}; without it the robot forgets keys, trials and bad policies: "
            "remove it only if you know why it is damaged"
        ) from error


def slot_problem(folder: Path, manifest: Manifest, trust: Trust | None) -> str | None:
    """Return what is wrong with the policy in a folder; None when it is the one of the manifest, and is trusted."""
    policy = folder / POLICY
    try:
        sha256, size = digest_of_file(policy)
    except OSError as error:
        return f"{POLICY} cannot be read: {reason_of(error)}"
    if size != manifest.size:
        return f"{POLICY} has {size} bytes, its manifest says {manifest.size}"
    if sha256 != manifest.sha256:
        return f"{POLICY} is damaged: its SHA-256 is {sha256[:16]}…, its manifest says {manifest.sha256[:16]}…"
    return None if trust is None else distrust(policy, trust)


def distrust(policy: Path, trust: Trust) -> str | None:
    """Return why a policy file in a slot may not be run, None when it may."""
    try:
        trust.check(read_regular(policy, POLICY_BYTES_MAX), signature_beside(policy))
    except (OSError, FlashError, SignatureError) as error:
        return f"{POLICY} is not trusted: {reason_of(error)}"
    return None


def reason_of(error: Exception) -> str:
    """Return in words why a manifest or policy could not be read."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        return ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
    return getattr(error, "strerror", None) or str(error)


def _bounded(path: Path, most: int) -> bytes:
    try:
        return read_regular(path, most)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ValueError(f"larger than {most} bytes") from error
        raise
