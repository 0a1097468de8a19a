"""The other slot, as the one to go back to."""

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.part import digest_of
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.target import Slot


def refusal(slot: Slot, record: Record, robot: RobotConfig | None) -> str | None:
    """Return why what is in a slot must not be run; None when it may."""
    if not slot.complete or slot.manifest is None:
        return f"{slot.name} {slot.problem}"
    if (why := record.bad.get(slot.manifest.sha256)) is not None:
        return f"the policy in {slot.name} is marked bad: {why}"
    try:
        record.terms.check_age(slot.manifest.provenance)
    except FlashError as error:
        return f"{slot.name}: {error}"
    return mismatch(slot, robot)


def mismatch(slot: Slot, robot: RobotConfig | None) -> str | None:
    """Return why the robot's runtime would refuse what is in a slot, None when it would not or no robot is given."""
    if robot is None or slot.manifest is None or slot.manifest.robot_digest == digest_of(robot_spec(robot)):
        return None
    return (
        f"the policy in {slot.name} was made for robot {slot.manifest.robot!r} with other settings than {robot.name!r} "
        "has now; `sim2real run` would list them and refuse it"
    )
