"""Flash, rollback and status, on any target."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.part import digest_of
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.examine import examine
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.target import SLOTS, Slot, SlotName, Target, other

_POLICY_BYTES_MAX = 512 << 20  # read whole into memory; a policy for a robot has some hundred kilobytes

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Installed:
    """The result of a flash or a rollback."""

    slot: Slot
    """The slot that is active now."""
    previous: Slot | None
    """The slot that was active before; None where none was."""
    changed: bool
    """False where the active slot already held this very policy, and nothing was written."""


@dataclass(frozen=True)
class Status:
    """The contents of a target; digests were verified when it was read."""

    active: SlotName | None
    slots: tuple[Slot, ...]
    problem: str | None
    """Why the robot cannot run what is active; None when it can."""


def flash(policy: Path, robot: RobotConfig, target: Target, now: Clock = lambda: datetime.now(UTC)) -> Installed:
    """Install a policy: check it, write it to the inactive slot, read it back, try it there, only then switch to it.

    Raises:
        UserError: The policy is damaged or for another robot, or the target cannot take it; what was active stays.
    """
    model = _read(policy)
    contract, provenance = examine(policy, robot)
    manifest = Manifest.of(
        sha256=hashlib.sha256(model).hexdigest(),
        size=len(model),
        contract=contract,
        provenance=provenance,
        installed=now(),
    )
    with target.exclusive():
        active = target.active()
        previous = target.slot(active) if active is not None else None
        _refuse_other_robot(contract, target)
        if previous is not None and previous.complete and _same(previous, manifest):
            # Writing it again would cost the policy that rollback goes back to.
            return Installed(previous, previous, changed=False)
        name = other(active)
        target.write(name, model, manifest, lambda written: _try(written, robot, contract))
        target.activate(name)
        return Installed(target.slot(name), previous, changed=True)


def rollback(target: Target, robot: RobotConfig | None = None) -> Installed:
    """Switch back to the other slot, if what it holds is complete, verifies, and is for the robot where that is known.

    Raises:
        FlashError: There is nothing to go back to; what is active stays active.
    """
    target.survey()  # before the lock, which would make a folder of a mistyped path
    with target.exclusive():
        active = target.active()
        if active is None:
            raise FlashError(f"{target.place}: nothing is active, so there is nothing to go back from")
        back = target.slot(other(active))
        if not back.complete:
            raise FlashError(f"{target.place}: cannot go back: {back.name} {back.problem}; {active} stays active")
        if (mismatch := _mismatch(back, robot)) is not None:
            raise FlashError(f"{target.place}: cannot go back: {mismatch}; {active} stays active")
        previous = target.slot(active)
        target.activate(back.name)
        return Installed(back, previous, changed=True)


def status(target: Target, robot: RobotConfig | None = None) -> Status:
    """Read what a target holds, and verify it, against the robot where that is known. Raises FlashError.

    Needs no write access and takes no lock: during a flash, the slot that is not active may show as empty or damaged.
    """
    target.survey()
    active = target.active()
    slots = tuple(target.slot(name) for name in SLOTS)
    if active is None:
        return Status(None, slots, f"{target.place}: no policy is active; install one with: sim2real flash")
    (chosen,) = (slot for slot in slots if slot.name == active)
    problem = f"the active {active} {chosen.problem}" if not chosen.complete else _mismatch(chosen, robot)
    return Status(active, slots, f"{target.place}: {problem}" if problem is not None else None)


def _read(policy: Path) -> bytes:
    try:
        if not policy.stat().st_size <= _POLICY_BYTES_MAX:
            raise FlashError(f"{policy}: larger than {_POLICY_BYTES_MAX} bytes: not a policy for a robot")
        return policy.read_bytes()
    except OSError as error:
        raise FlashError(f"{policy}: cannot be read: {error.strerror}") from error


def _try(written: Path, robot: RobotConfig, contract: Contract) -> None:
    """Dry-run the copy; the original may have been replaced between its examination and its reading."""
    found, _ = examine(written, robot)
    if found != contract:
        raise FlashError(f"{written}: the policy changed while it was being installed; flash it again")


def _refuse_other_robot(contract: Contract, target: Target) -> None:
    """Refuse a target that holds another robot's policies: the folder is probably the wrong one."""
    for name in SLOTS:
        manifest = target.slot(name).manifest
        if manifest is not None and manifest.robot != contract.robot.name:
            raise FlashError(
                f"{target.place}: holds policies for robot {manifest.robot!r}, this one is for "
                f"{contract.robot.name!r}; give each robot its own folder"
            )


def _mismatch(slot: Slot, robot: RobotConfig | None) -> str | None:
    """Return why the robot's runtime would refuse what is in a slot, None when it would not or no robot is given."""
    if robot is None or slot.manifest is None or slot.manifest.robot_digest == digest_of(robot_spec(robot)):
        return None
    return (
        f"the policy in {slot.name} was made for robot {slot.manifest.robot!r} with other settings than {robot.name!r} "
        "has now; `sim2real run` would list them and refuse it"
    )


def _same(slot: Slot, manifest: Manifest) -> bool:
    return slot.manifest is not None and slot.manifest.sha256 == manifest.sha256
