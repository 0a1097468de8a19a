"""The flash target that is a folder on this machine.

FOLDER/
  slot_a/policy.onnx  manifest.json  policy.onnx.minisig
  slot_b/policy.onnx  manifest.json
  current -> slot_a     switched by rename, so at every instant it names a complete slot
  record.json           trusted keys, trial, bad policies, history; replaced by rename
  incoming/             a policy being written and checked; changes places with a slot when it is whole
  outgoing/             where that cannot be done in one step: what the slot held, until the new policy has its name
  upload/               what has arrived of a policy from another machine
  .lock                 held by flock while a flash or rollback is at work; never removed, or two could hold "it"
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sim2real.runtime.flash.durable import sync_folder, write_durable
from sim2real.runtime.flash.exchange import exchange
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.record import RECORD, Record
from sim2real.runtime.flash.slot_files import (
    CURRENT,
    LOCK,
    MANIFEST,
    POLICY,
    SIGNATURE,
    read_manifest,
    read_record,
    reason_of,
    slot_problem,
)
from sim2real.runtime.flash.target import SLOTS, Check, Slot, SlotName, other
from sim2real.runtime.flash.terms import Terms

UPLOAD: Final = "upload"
_CURRENT_NEW, _RECORD_NEW, _INCOMING, _OUTGOING = "current.new", "record.new", "incoming", "outgoing"
_KNOWN: Final = {*SLOTS, CURRENT, _CURRENT_NEW, RECORD, _RECORD_NEW, _INCOMING, _OUTGOING, UPLOAD, LOCK}
_NO_LINKS: Final = (RECORD, _RECORD_NEW, UPLOAD, LOCK)
_KNOWN_IN_SLOT: Final = {POLICY, MANIFEST, SIGNATURE}

_NAMES_SHOWN_MAX: Final = 5
_SPACE_BYTES: Final = 1 << 20  # beside the policy: manifest, signature, record, and what the file system takes
_LOOK_S: Final = 0.05


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
        return str(self._root / CURRENT / POLICY)

    @contextmanager
    def exclusive(self, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the lock; the folder is created when missing. The system drops the lock with the process."""
        if os.path.lexists(self._root) and not self._root.is_dir():
            raise FlashError(f"{self._root}: is not a folder")
        with self._one_line("cannot be prepared"):
            self._root.mkdir(parents=True, exist_ok=True)
            self.survey()  # before the first write: a folder of other things does not even get a lock file
            descriptor = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            self._lock(descriptor, time.monotonic() + wait_s)
            self._mend()
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int, deadline: float) -> None:
        while True:  # bounded by the deadline
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise FlashError(
                        f"{self._root}: another flash or rollback is at work here; try again later"
                    ) from error
            time.sleep(_LOOK_S)

    def _mend(self) -> None:
        """Clear away what an interrupted flash left; an exchange in two steps is finished or undone."""
        with self._one_line("cannot be written"):
            _remove(self._root / _INCOMING)
        outgoing, spare = self._root / _OUTGOING, self._root / other(self.active())
        if os.path.lexists(outgoing):
            with self._one_line("cannot be written"):
                if os.path.lexists(spare):
                    _remove(outgoing)
                else:
                    os.rename(outgoing, spare)

    def survey(self) -> None:
        """Refuse a folder with anything in it that flashing did not put there."""
        with self._one_line("cannot be read"):
            unknown = sorted(set(os.listdir(self._root)) - _KNOWN)
            for folder in (*SLOTS, _INCOMING, _OUTGOING):
                path = self._root / folder
                if path.is_symlink() or (path.exists() and not path.is_dir()):
                    unknown.append(f"{folder} (not a folder)")
                elif path.is_dir():
                    unknown += [f"{folder}/{name}" for name in sorted(set(os.listdir(path)) - _KNOWN_IN_SLOT)]
                    unknown += [f"{folder}/{name} (a link)" for name in _KNOWN_IN_SLOT if (path / name).is_symlink()]
            unknown += [f"{name} (a link)" for name in _NO_LINKS if (self._root / name).is_symlink()]
        if unknown:
            shown = ", ".join(unknown[:_NAMES_SHOWN_MAX]) + (", …" if len(unknown) > _NAMES_SHOWN_MAX else "")
            raise FlashError(
                f"{self._root}: holds what flashing did not put there: {shown}; give an empty or a new folder"
            )

    def active(self) -> SlotName | None:
        """Return the slot that `current` names."""
        link = self._root / CURRENT
        with self._one_line("cannot be read"):
            if not os.path.lexists(link):
                return None
            named = os.readlink(link) if link.is_symlink() else None
        for name in SLOTS:
            if named == name:
                return name
        raise FlashError(f"{link}: is not a link to a slot; valid: {', '.join(SLOTS)}")

    def slot(self, name: SlotName, terms: Terms | None = None) -> Slot:
        """Read a slot and verify its digest, and its signature where one is asked for, now."""
        folder = self._root / name
        if not os.path.lexists(folder):
            folder = self._root / _OUTGOING  # an exchange in two steps was interrupted; the next lock mends it
            if name == self.active() or not os.path.lexists(folder):
                return Slot(name, None, "is empty", empty=True)
        try:
            manifest = read_manifest(folder / MANIFEST)
        except (OSError, ValueError) as error:
            return Slot(name, None, f"{MANIFEST} cannot be read: {reason_of(error)}")
        trust = (read_record(self._root).terms if terms is None else terms).trust
        return Slot(name, manifest, slot_problem(folder, manifest, trust))

    def record(self) -> Record:
        """Read the record."""
        return read_record(self._root)

    def keep(self, record: Record) -> None:
        """Replace the record, durable."""
        new = self._root / _RECORD_NEW
        with self._one_line("cannot be written"):
            new.unlink(missing_ok=True)
            write_durable(new, record.model_dump_json(exclude_defaults=True).encode() + b"\n")
            os.rename(new, self._root / RECORD)
            sync_folder(self._root)

    def write(self, name: SlotName, model: bytes, signature: str | None, manifest: Manifest, check: Check) -> None:
        """Put a policy into an inactive slot by way of `incoming`, re-read, tried and durable."""
        incoming = self._root / _INCOMING
        try:
            with self._one_line("cannot be written"):
                self._check_space(len(model))
                incoming.mkdir()
                write_durable(incoming / POLICY, model)
                if signature is not None:
                    write_durable(incoming / SIGNATURE, signature.encode())
                write_durable(
                    incoming / MANIFEST, manifest.model_dump_json(indent=1, exclude_none=True).encode() + b"\n"
                )
                sync_folder(incoming)
                problem = slot_problem(incoming, manifest, None)
            if problem is not None:
                raise FlashError(f"{incoming}: what was written does not read back: {problem}; is the disk failing?")
            check(incoming / POLICY)
            if name == self.active():
                raise FlashError(f"{self._root / name}: is active and is not written to")
            with self._one_line("cannot be written"):
                self._install(incoming, self._root / name)
        except BaseException:
            with suppress(OSError):  # a full disk gets its space back; the error itself is on its way
                _remove(incoming)
            raise
        with suppress(OSError):  # what the slot held before; the next flash removes it too
            _remove(incoming)
            _remove(self._root / _OUTGOING)

    def _install(self, incoming: Path, slot: Path) -> None:
        """Give a whole policy the name of a slot; what the slot held has a name until then."""
        if not os.path.lexists(slot):
            os.rename(incoming, slot)
        elif not exchange(incoming, slot):
            outgoing = self._root / _OUTGOING
            os.rename(slot, outgoing)
            try:
                os.rename(incoming, slot)
            except OSError:
                os.rename(outgoing, slot)
                raise
        sync_folder(self._root)

    def _check_space(self, size: int) -> None:
        free = os.statvfs(self._root)
        available, needed = free.f_bavail * free.f_frsize, size + _SPACE_BYTES
        if not needed <= available:
            raise FlashError(f"{self._root}: has no room: {needed} bytes are needed, {available} are free")

    def activate(self, name: SlotName) -> None:
        """Switch `current` by rename: a reader sees the one slot or the other, complete."""
        link, new = self._root / CURRENT, self._root / _CURRENT_NEW
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


def _remove(folder: Path) -> None:
    """Remove a slot's folder. Its content was surveyed: nothing of the user's is in it."""
    if os.path.lexists(folder):
        shutil.rmtree(folder)
