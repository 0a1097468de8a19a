"""What flash, rollback and status return."""

from dataclasses import dataclass

from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.target import Slot, SlotName


@dataclass(frozen=True)
class Installed:
    """The result of a flash or a rollback."""

    slot: Slot
    """The slot that is active now."""
    previous: Slot | None
    """The slot that was active before; None where none was."""
    changed: bool
    """False where the active slot already held this very policy, and nothing was written."""
    on_trial: bool = False
    """Whether it still has to run for a while on the robot before it is the one to go back to."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """The contents of a target; digests were verified when it was read."""

    active: SlotName | None
    slots: tuple[Slot, ...]
    problem: str | None
    """Why the robot cannot run what is active; None when it can."""
    record: Record
    why: str
    """Why this policy is active: in words."""
