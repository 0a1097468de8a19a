"""The slot of a target that a policy file is in, by whatever path or link it is reached."""

from dataclasses import dataclass
from pathlib import Path

from sim2real.runtime.flash.slot_files import LOCK, POLICY
from sim2real.runtime.flash.target import SLOTS, SlotName


@dataclass(frozen=True)
class HeldIn:
    """Where a target holds a policy."""

    root: Path
    """The target's folder, without links."""
    name: SlotName
    file: Path
    """The file itself, without links."""


def slot_of(policy: Path) -> HeldIn | None:
    """Return the slot that a policy file is in; None where it is in none."""
    try:
        file = policy.resolve()
        root = file.parent.parent
        if file.name != POLICY or not (root / LOCK).exists():
            return None
    except (OSError, RuntimeError):  # whoever reads it says what is wrong
        return None
    return next((HeldIn(root, name, file) for name in SLOTS if name == file.parent.name), None)
