"""The interface of a flash target: two slots, one of them active."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from sim2real.runtime.flash.manifest import Manifest
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.terms import Terms

SlotName = Literal["slot_a", "slot_b"]
SLOTS: tuple[SlotName, SlotName] = ("slot_a", "slot_b")

Check = Callable[[Path], None]
"""Tries a policy file where it will run; raises UserError when it must not be installed."""


@dataclass(frozen=True)
class Image:
    """What a slot holds of which nothing but this is known: a controller keeps no manifest."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Slot:
    """The contents of a slot; digests were computed from its bytes when it was read."""

    name: SlotName
    manifest: Manifest | None
    """None where the slot is empty or its manifest cannot be read."""
    problem: str | None
    """Why the slot cannot be run, in words; None when it is complete and verified."""
    empty: bool = False
    image: Image | None = None
    """In place of a manifest, on a controller."""

    @property
    def complete(self) -> bool:
        """Whether the policy in the slot is there, whole, and the one its manifest describes."""
        return self.problem is None


class Target(Protocol):
    """A place with two policy slots.

    Every method raises `FlashError` when the place cannot be reached, read or written. Whatever fails, and wherever the
    process dies, the active slot is as it was.
    """

    @property
    def place(self) -> str:
        """Return where the target is, for people."""
        ...

    @property
    def policy_path(self) -> str:
        """Return the path of the active policy on the target: what `sim2real run` is given."""
        ...

    def exclusive(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Make the place ready if it is missing, survey it, and keep every other flash and rollback out of it."""
        ...

    def survey(self) -> None:
        """Refuse a place that holds anything but slots: it may be a folder of other things."""
        ...

    def active(self) -> SlotName | None:
        """Return the name of the active slot; None when nothing was ever activated."""
        ...

    def slot(self, name: SlotName, terms: Terms | None = None) -> Slot:
        """Read a slot and verify its digest now, and its signature by these terms; by the record's when left out."""
        ...

    def record(self) -> Record:
        """Read the record: trust, trial, bad policies, history; empty where there is none."""
        ...

    def keep(self, record: Record) -> None:
        """Replace the record in one step, durable."""
        ...

    def write(self, name: SlotName, model: bytes, signature: str | None, manifest: Manifest, check: Check) -> None:
        """Put a policy into an inactive slot, durable; what it held stays until the new one is whole and checked."""
        ...

    def activate(self, name: SlotName) -> None:
        """Switch to a slot in one atomic, durable step."""
        ...


def other(name: SlotName | None) -> SlotName:
    """Return the other slot; the first if there is none."""
    return SLOTS[1] if name == SLOTS[0] else SLOTS[0]
