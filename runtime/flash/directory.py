"""The flash target that is a folder on this machine.

FOLDER/
  slot_a/policy.onnx  manifest.json
  slot_b/policy.onnx  manifest.json
  current -> slot_a     switched by rename, so at every instant it names a complete slot
  incoming/             a policy being written and checked; takes a slot's name only when it is whole
  .lock                 held by flock while a flash or rollback is at work; never removed, or two could hold "it"
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from sim2real.runtime.flash.durable import sync_folder, write_durable
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.target import SLOTS, Check, Slot, SlotName

POLICY = "policy.onnx"
MANIFEST = "manifest.json"
LOCK = ".lock"
_CURRENT = "current"
_CURRENT_NEW = "current.new"
_INCOMING = "incoming"
_KNOWN = {*SLOTS, _CURRENT, _CURRENT_NEW, _INCOMING, LOCK}
_KNOWN_IN_SLOT = {POLICY, MANIFEST}

_MANIFEST_BYTES_MAX = 1_000_000  # a written manifest has about one thousand
_READ_BYTES = 1 << 20
_NAMES_SHOWN_MAX = 5


class DirectoryTarget:
    """A folder with two policy slots; implements `sim2real.runtime.flash.target.Target`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def place(self) -> str:
        """Return the folder."""
        return str(self._root)

    @property
    def policy_path(self) -> str:
        """Return the path through `current`, which stays the same across flashes."""
        return str(self._root / _CURRENT / POLICY)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock; the folder is created when missing. The system drops the lock with the process."""
        if os.path.lexists(self._root) and not self._root.is_dir():
            raise FlashError(f"{self._root}: is not a folder")
        with self._one_line("cannot be prepared"):
            self._root.mkdir(parents=True, exist_ok=True)
            self.survey()  # before the first write: a folder of other things does not even get a lock file
            descriptor = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FlashError(f"{self._root}: another flash or rollback is at work here; try again later") from error
            yield
        finally:
            os.close(descriptor)

    def survey(self) -> None:
        """Refuse a folder with anything in it that flashing did not put there."""
        with self._one_line("cannot be read"):
            unknown = sorted(set(os.listdir(self._root)) - _KNOWN)
            for folder in (*SLOTS, _INCOMING):
                path = self._root / folder
                if path.is_symlink() or (path.exists() and not path.is_dir()):
                    unknown.append(f"{folder} (not a folder)")
                elif path.is_dir():
                    unknown += [f"{folder}/{name}" for name in sorted(set(os.listdir(path)) - _KNOWN_IN_SLOT)]
        if unknown:
            shown = ", ".join(unknown[:_NAMES_SHOWN_MAX]) + (", …" if len(unknown) > _NAMES_SHOWN_MAX else "")
            raise FlashError(
                f"{self._root}: holds what flashing did not put there: {shown}; give an empty or a new folder"
            )

    def active(self) -> SlotName | None:
        """Return the slot that `current` names."""
        link = self._root / _CURRENT
        with self._one_line("cannot be read"):
            if not os.path.lexists(link):
                return None
            named = os.readlink(link) if link.is_symlink() else None
        for name in SLOTS:
            if named == name:
                return name
        raise FlashError(f"{link}: is not a link to a slot; valid: {', '.join(SLOTS)}")

    def slot(self, name: SlotName) -> Slot:
        """Read a slot and verify its digest now."""
        folder = self._root / name
        if not os.path.lexists(folder):
            return Slot(name, None, "is empty", empty=True)
        try:
            manifest = read_manifest(folder / MANIFEST)
        except (OSError, ValueError) as error:
            return Slot(name, None, f"{MANIFEST} cannot be read: {reason_of(error)}")
        return Slot(name, manifest, _problem(folder / POLICY, manifest))

    def write(self, name: SlotName, model: bytes, manifest: Manifest, check: Check) -> None:
        """Put a policy into an inactive slot by way of `incoming`, re-read, tried and durable."""
        if name == self.active():
            raise FlashError(f"{self._root / name}: is active and is not written to")
        incoming = self._root / _INCOMING
        try:
            with self._one_line("cannot be written"):
                _remove(incoming)  # left by a flash that was interrupted
                incoming.mkdir()
                write_durable(incoming / POLICY, model)
                write_durable(incoming / MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")
                sync_folder(incoming)
                problem = _problem(incoming / POLICY, manifest)
            if problem is not None:
                raise FlashError(f"{incoming}: what was written does not read back: {problem}; is the disk failing?")
            check(incoming / POLICY)
            with self._one_line("cannot be written"):
                _remove(self._root / name)
                os.rename(incoming, self._root / name)
                sync_folder(self._root)
        except BaseException:
            with suppress(OSError):  # a full disk gets its space back; the error itself is on its way
                _remove(incoming)
            raise

    def activate(self, name: SlotName) -> None:
        """Switch `current` by rename: a reader sees the one slot or the other, complete."""
        link, new = self._root / _CURRENT, self._root / _CURRENT_NEW
        with self._one_line("cannot be switched"):
            new.unlink(missing_ok=True)
            os.symlink(name, new)
            os.replace(new, link)
        with self._one_line("is switched, but may fall back at a power cut: the folder cannot be synced"):
            sync_folder(self._root)

    @contextmanager
    def _one_line(self, what: str) -> Iterator[None]:
        """Turn errors of the file system into one line."""
        try:
            yield
        except OSError as error:
            raise FlashError(f"{error.filename or self._root}: {what}: {error.strerror}") from error


def digest_of_file(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file, as hex digits, and its length. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a slot. Raises OSError, or ValueError if it is not valid."""
    if not path.stat().st_size <= _MANIFEST_BYTES_MAX:
        raise ValueError(f"larger than {_MANIFEST_BYTES_MAX} bytes")
    return Manifest.model_validate_json(path.read_bytes())


def _problem(policy: Path, manifest: Manifest) -> str | None:
    """Return what is wrong with a policy file, None when it is the one the manifest describes."""
    try:
        sha256, size = digest_of_file(policy)
    except OSError as error:
        return f"{POLICY} cannot be read: {reason_of(error)}"
    if size != manifest.size:
        return f"{POLICY} has {size} bytes, its manifest says {manifest.size}"
    if sha256 != manifest.sha256:
        return f"{POLICY} is damaged: its SHA-256 is {sha256[:16]}…, its manifest says {manifest.sha256[:16]}…"
    return None


def reason_of(error: Exception) -> str:
    """Return in words why a manifest or policy could not be read."""
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        return ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
    return getattr(error, "strerror", None) or str(error)


def _remove(folder: Path) -> None:
    """Remove a slot's folder. Its content was surveyed: nothing of the user's is in it."""
    if os.path.lexists(folder):
        shutil.rmtree(folder)
