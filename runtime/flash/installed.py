"""Checks that the policy file of a slot is the one that was installed there, before it is run."""

from pathlib import Path

from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.slot_files import MANIFEST, distrust, read_manifest, read_record, reason_of
from sim2real.runtime.flash.slot_of_policy import slot_of


def check_installed(policy: Path, sha256: str, size: int) -> None:
    """Refuse a policy whose slot's manifest describes another file, or that its target does not trust.

    Args:
        policy: The path that the file was read from, through `current` or not; a file outside a slot passes.
        sha256: Digest of the bytes that were read, hex digits.
        size: Their number.

    Raises:
        FlashError: The file is damaged, its manifest is missing or damaged, or its signature is not accepted.
    """
    held = slot_of(policy)
    if held is None:
        return
    advice = "install it again with: sim2real flash, or go back with: sim2real rollback"
    try:
        manifest = read_manifest(held.file.with_name(MANIFEST))
    except (OSError, ValueError) as error:
        raise FlashError(f"{policy}: {MANIFEST} beside it cannot be read: {reason_of(error)}; {advice}") from error
    if size != manifest.size:
        raise FlashError(f"{policy}: damaged: it has {size} bytes, its manifest says {manifest.size}; {advice}")
    if sha256 != manifest.sha256:
        raise FlashError(
            f"{policy}: damaged: its SHA-256 is {sha256[:16]}…, its manifest says {manifest.sha256[:16]}…; {advice}"
        )
    trust = read_record(held.root).terms.trust
    if trust is not None and (problem := distrust(held.file, trust)) is not None:
        raise FlashError(f"{policy}: {problem}; {advice}")
