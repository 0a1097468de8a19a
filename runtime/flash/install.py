"""Flash: a policy into the inactive slot of any target, checked at every step, then the switch."""

import errno
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.examine import examine
from sim2real.runtime.flash.fallback import refusal
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed
from sim2real.runtime.flash.target import SLOTS, Slot, SlotName, Target, other
from sim2real.runtime.flash.terms import Terms
from sim2real.runtime.signature.detached import Signature, signature_beside

Clock = Callable[[], datetime]
T = TypeVar("T")


def now_utc() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def flash(
    policy: Path, robot: RobotConfig, target: Target, now: Clock = now_utc, terms: Terms | None = None
) -> Installed:
    """Install a policy: check it, write it to the inactive slot, read it back, try it there, only then switch to it.

    Args:
        policy: The ONNX file; its signature is beside it.
        robot: The robot, whose contract the policy must have.
        target: Where it goes.
        now: The clock.
        terms: What the target asks of policies; as it was before, or nothing, when left out.

    Raises:
        UserError: The policy is damaged, not trusted, or for another robot, or the target cannot take it; what was
            active stays.
    """
    model, signature = read_policy(policy), signature_beside(policy)
    sha256 = hashlib.sha256(model).hexdigest()
    if terms is not None and terms.trust is not None:
        _placed(policy, lambda: terms.trust.check(model, signature) if terms.trust else None)
    contract, provenance = examine(policy, robot)
    with target.exclusive():
        known = target.record()
        record = known.model_copy(update={"terms": known.terms.joined(terms)})
        signed_by = _placed(policy, lambda: _admit(record, model, sha256, signature, provenance))
        manifest = Manifest.of(
            sha256=sha256,
            size=len(model),
            contract=contract,
            provenance=provenance,
            installed=now(),
            signed_by=signed_by,
        )
        active = target.active()
        previous = target.slot(active, record.terms) if active is not None else None
        _refuse_other_robot(contract, target)
        if previous is not None and previous.complete and _holds(previous, sha256):
            # Writing it again would cost the policy that rollback goes back to. What is asked of it may be new.
            record = record if record.on_trial(sha256) else record.begin_trial(sha256)
            if record != known:
                target.keep(record)
            return Installed(previous, previous, changed=False, on_trial=record.on_trial(sha256) is not None)
        name = _room(target, record, active, robot, sha256)
        warnings = _clock_warning(record, now())

        def check(written: Path) -> None:
            _try(written, robot, contract)
            if name == active:
                target.activate(other(active))

        target.write(name, model, signature.text() if signature else None, manifest, check)
        record = record.begin_trial(sha256)
        before = _before_the_switch(target, record, known)
        if before != known:
            target.keep(before)  # the trial before the switch: whatever is active is on trial if it has to be
        target.activate(name)
        warnings += _note(target, record.with_event("installed", sha256, now()), asks_more=before.terms != record.terms)
        return Installed(
            target.slot(name), previous, True, on_trial=record.on_trial(sha256) is not None, warnings=warnings
        )


def _before_the_switch(target: Target, record: Record, known: Record) -> Record:
    """Return the record to keep while the policy before is still active: it must run, should this be the end."""
    active = target.active()
    if active is None or target.slot(active, record.terms).complete or not target.slot(active).complete:
        return record
    trust = known.terms.trust
    return record.model_copy(update={"terms": record.terms.model_copy(update={"trust": trust})})


def read_policy(policy: Path) -> bytes:
    """Return the bytes of a policy file. Raises FlashError."""
    try:
        return read_regular(policy, POLICY_BYTES_MAX)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise FlashError(f"{policy}: larger than {POLICY_BYTES_MAX} bytes: not a policy for a robot") from error
        raise FlashError(f"{policy}: cannot be read: {error.strerror}") from error


def _placed(policy: Path, check: Callable[[], T]) -> T:
    """Run a check of a policy; its refusal names the file."""
    try:
        return check()
    except FlashError as error:
        raise FlashError(f"{policy}: {error}") from error


def _admit(
    record: Record, model: bytes, sha256: str, signature: Signature | None, provenance: dict[str, str]
) -> str | None:
    """Refuse a policy that the target does not take; return who signed it."""
    if (why := record.bad.get(sha256)) is not None:
        raise FlashError(f"this policy is marked bad here: {why}; allow it again with: sim2real revoke --undo")
    record.terms.check_age(provenance)
    return None if record.terms.trust is None else record.terms.trust.check(model, signature)


def _room(target: Target, record: Record, active: SlotName | None, robot: RobotConfig, sha256: str) -> SlotName:
    """Return the slot to write to: the inactive one.

    A policy on trial makes room itself, and the one before it is active meanwhile: what has proved itself is kept. So
    does the very same policy, where it was damaged or lacks the signature that is asked for now.
    """
    if active is None:
        return SLOTS[0]
    current, back = target.slot(active), target.slot(other(active), record.terms)
    on_trial = current.manifest is not None and record.on_trial(current.manifest.sha256) is not None
    proved = back.manifest is not None and back.manifest.sha256 in record.healthy
    replaced = (on_trial and proved) or _holds(current, sha256)
    return active if replaced and refusal(back, record, robot) is None else back.name


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


def _holds(slot: Slot, sha256: str) -> bool:
    return slot.manifest is not None and slot.manifest.sha256 == sha256


def _clock_warning(record: Record, now: datetime) -> tuple[str, ...]:
    if not record.events or now >= record.events[-1].time:
        return ()
    return (
        f"the robot's clock says {now:%Y-%m-%d %H:%M} UTC, which is before what was done last, at "
        f"{record.events[-1].time:%Y-%m-%d %H:%M}: set it, or dates in its history are wrong",
    )


def _note(target: Target, record: Record, *, asks_more: bool) -> tuple[str, ...]:
    """Keep what has happened; the switch is done, so that a failure here is a warning."""
    try:
        target.keep(record)
    except FlashError as error:
        lost = "; the robot does not ask for signatures yet: flash it again" if asks_more else ""
        return (f"the history lacks this: {error}{lost}",)
    return ()
