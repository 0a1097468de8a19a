"""Rollback, status, and what a person says about policies: bad, or allowed again; and whom a robot trusts."""

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.flash.fallback import mismatch, refusal
from sim2real.runtime.flash.install import Clock, now_utc
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed, Status
from sim2real.runtime.flash.target import SLOTS, Slot, Target, other
from sim2real.runtime.flash.terms import Terms


def rollback(
    target: Target, robot: RobotConfig | None = None, now: Clock = now_utc, terms: Terms | None = None
) -> Installed:
    """Switch back to the other slot, if what it holds is complete, verifies, and is for the robot where that is known.

    Args:
        target: The target.
        robot: The robot; None where it is not known.
        now: The clock.
        terms: What the target's file asks; of it the oldest date accepted counts, which never goes back.

    Raises:
        FlashError: There is nothing to go back to; what is active stays active.
    """
    target.survey()  # before the lock, which would make a folder of a mistyped path
    with target.exclusive():
        record = target.record()
        record = record.model_copy(update={"terms": record.terms.no_older(terms)})
        return go_back(target, record, robot, now, "by hand")


def go_back(target: Target, record: Record, robot: RobotConfig | None, now: Clock, why: str) -> Installed:
    """Switch back, under the lock. What is gone back to is on trial if it never passed one."""
    active = target.active()
    if active is None:
        raise FlashError(f"{target.place}: nothing is active, so there is nothing to go back from")
    back = target.slot(other(active))
    problem = refusal(back, record, robot)
    if problem is not None or back.manifest is None:
        raise FlashError(f"{target.place}: cannot go back: {problem}; {active} stays active")
    previous = target.slot(active)
    known = target.record()
    record = record.begin_trial(back.manifest.sha256)
    if record != known:
        target.keep(record)
    target.activate(back.name)
    warnings: tuple[str, ...] = ()
    try:
        target.keep(record.with_event("went back", back.manifest.sha256, now(), why))
    except FlashError as error:
        warnings = (f"the history lacks this: {error}",)
    return Installed(back, previous, changed=True, on_trial=record.trial is not None, warnings=warnings)


def status(target: Target, robot: RobotConfig | None = None) -> Status:
    """Read what a target holds, and verify it, against the robot where that is known. Raises FlashError.

    Needs no write access and takes no lock: during a flash, the slot that is not active may show as empty or damaged.
    """
    target.survey()
    active, record = target.active(), target.record()
    slots = tuple(target.slot(name) for name in SLOTS)
    if active is None:
        problem = f"{target.place}: no policy is active; install one with: sim2real flash"
        return Status(None, slots, problem, record, "nothing was flashed")
    (chosen,) = (slot for slot in slots if slot.name == active)
    found = f"the active {active} {chosen.problem}" if not chosen.complete else mismatch(chosen, robot)
    if found is None and chosen.manifest is not None and chosen.manifest.sha256 in record.bad:
        found = f"the active policy is marked bad: {record.bad[chosen.manifest.sha256]}; flash another one"
    return Status(active, slots, f"{target.place}: {found}" if found else None, record, _why(chosen, record))


def revoke(target: Target, sha256: str, why: str, robot: RobotConfig | None = None, now: Clock = now_utc) -> Installed:
    """Mark a policy as bad; the robot goes back from it if it is active.

    Args:
        target: The target.
        sha256: Digest of the policy file, or its first digits if a slot holds it.
        why: In words.
        robot: As for `rollback`.
        now: The clock.

    Raises:
        FlashError: No slot holds it and the digest is not whole, or the record cannot be written. Where the policy is
            active and there is nothing to go back to, it is marked, stays active, and `run` refuses it.
    """
    target.survey()
    with target.exclusive():
        record, active = target.record(), target.active()
        if active is None:
            raise FlashError(f"{target.place}: nothing is active; flash something first")
        digest = whole_digest(target, sha256)
        record = record.mark_bad(digest, "revoked", why, now())
        target.keep(record)
        current = target.slot(active)
        if current.manifest is None or current.manifest.sha256 != digest:
            return Installed(current, None, changed=False, on_trial=record.trial is not None)
        try:
            return go_back(target, record, robot, now, f"{digest[:12]}… was revoked: {why}")
        except FlashError as error:
            return Installed(current, current, changed=False, warnings=(f"{error}; `sim2real run` refuses it",))


def allow(target: Target, sha256: str, now: Clock = now_utc) -> None:
    """Undo what marked a policy as bad. Raises FlashError if it is not marked."""
    target.survey()
    with target.exclusive():
        record = target.record()
        matching = [digest for digest in record.bad if digest.startswith(sha256)]
        if len(matching) != 1:
            marked = ", ".join(digest[:12] for digest in record.bad) or "none"
            raise FlashError(f"{target.place}: {sha256}: is not one policy that is marked bad; marked: {marked}")
        target.keep(record.allow(matching[0], now()))


def trust(target: Target, terms: Terms, now: Clock = now_utc) -> Record:
    """Give a robot the trust of a target's file. Raises FlashError."""
    target.survey()
    with target.exclusive():
        record = target.record()
        record = record.model_copy(update={"terms": record.terms.model_copy(update={"trust": terms.trust})})
        record = record.with_event("trusts", None, now(), terms.trust.words() if terms.trust else "")
        target.keep(record)
        return record


def whole_digest(target: Target, sha256: str) -> str:
    """Return the digest that some digits stand for: of a policy in a slot, or whole already. Raises FlashError."""
    held = {slot.manifest.sha256 for slot in map(target.slot, SLOTS) if slot.manifest is not None}
    matching = [digest for digest in held if digest.startswith(sha256.lower())]
    if len(matching) == 1 and len(sha256) >= 4:
        return matching[0]
    if len(sha256) == 64 and set(sha256.lower()) <= set("0123456789abcdef"):
        return sha256.lower()
    shown = ", ".join(digest[:12] for digest in sorted(held)) or "none"
    raise FlashError(f"{target.place}: {sha256}: is no SHA-256, and not the beginning of one in a slot; held: {shown}")


def _why(slot: Slot, record: Record) -> str:
    """Return in words why the policy of the active slot is active."""
    if slot.manifest is None:
        return "it was switched to"
    sha256, gate = slot.manifest.sha256, record.terms.gate
    if (trial := record.on_trial(sha256)) is not None:
        last = f"; the last run ended by {trial.last}" if trial.last else ""
        return (
            f"on trial: it has not run for {gate.healthy_for:g} s without a break yet, and died in {trial.starts} of "
            f"{gate.starts_max} starts{last}"
        )
    for event in reversed(record.events):
        if event.sha256 == sha256:
            return f"{event.what} on {event.time:%Y-%m-%d %H:%M:%S} UTC{f': {event.why}' if event.why else ''}"
    return "it was installed before this robot kept a history"
