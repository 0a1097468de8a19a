"""Safety's verdict on a tick: a level, its reasons, and the joint, value and limit behind each."""

from enum import IntEnum, IntFlag
from typing import NamedTuple


class Level(IntEnum):
    """What the runtime does about a verdict."""

    OK = 0
    DAMP = 1
    """Damp until readings recover."""
    FAULT = 2
    """Torque off, latched."""


class Reason(IntFlag):
    """Why a verdict is not OK."""

    STALE_READING = 1
    """The last complete reading is older than `reading_age_max`, or from the future."""
    EFFORT = 2
    """The measured effort is implausibly high."""
    ACTION_NOT_FINITE = 4
    """The policy's action is not finite."""
    POSITION = 8
    """Outside the position limits by more than the margin."""
    VELOCITY = 16
    """Above the velocity limit by more than the margin."""
    TEMPERATURE = 32
    VOLTAGE = 64
    NOT_FINITE = 128
    """A position, velocity or effort is not finite."""
    COMMUNICATION_LOSS = 256
    """No reading of a joint for `communication_loss`."""
    MISSED_TICKS = 512
    MOTOR_FAULT = 1024
    """The motor reports a fault of its own."""
    TEMPERATURE_UNKNOWN = 2048
    VOLTAGE_UNKNOWN = 4096
    PORT_LOST = 8192
    START_POSE = 16384
    """The start pose was not reached in time."""
    IMU_STALE = 32768
    """The last reading of an IMU that the policy depends on is older than its `stale_after`, or from the future."""
    IMU_FROZEN = 65536
    """Such an IMU has sent the same sample for as long as that."""
    IMU_IMPLAUSIBLE = 131072
    """Such an IMU sends values that no sensor can read."""
    POSITION_JUMP = 262144
    """The position changed by more than the joint can have moved since the last reading: neither the encoder nor any
    later position can be trusted."""
    BUS_LOSS = 524288
    """No reading of any joint of a bus for `communication_loss`."""
    DAMPING_TOO_LONG = 1048576
    """The robot was damped for `damping_max`, all times together."""
    MISSED_SHARE = 2097152
    """More than `missed_share_max` of the ticks in `missed_share_window` were missed."""
    TRACKING = 4194304
    """The joint was farther from its position target than `tracking_error_max` for `tracking_time`."""
    JOINT_FROZEN = 8388608
    """The joint's position stayed where it was for `frozen_after`, although it must have moved: the encoder is stuck,
    or the motor gives no torque."""
    STALLED = 16777216
    """The joint did not move for `tracking_time` at more than its `stall_effort`."""
    TILT = 33554432
    """The body of an IMU is tilted by more than `tilt_max`."""
    OPERATOR_LOST = 67108864
    """No sign of life from the operator's device for `operator_timeout`."""
    OBSERVATION_RANGE = 134217728
    """The policy observes values outside the range seen in training; `observation_range` says what follows."""
    SUPERVISOR_LOST = 268435456
    """The process that watches over this one has ended, or stalls."""
    INTERNAL_ERROR = 536870912
    """An exception in a tick."""


IMU_REASONS = Reason.IMU_STALE | Reason.IMU_FROZEN | Reason.IMU_IMPLAUSIBLE | Reason.TILT
"""Reasons that are about an IMU; their violations have its index instead of a joint's."""

DAMP_REASONS = (
    Reason.STALE_READING
    | Reason.EFFORT
    | Reason.ACTION_NOT_FINITE
    | Reason.IMU_STALE
    | Reason.IMU_FROZEN
    | Reason.IMU_IMPLAUSIBLE
    | Reason.OPERATOR_LOST
    | Reason.OBSERVATION_RANGE
)
"""Reasons to damp; every other reason is a fault."""


class Violation(NamedTuple):
    """One reason, with the joint, the value and the limit that caused it."""

    reason: Reason
    joint: int
    """Index of the joint, or of the IMU, bus, observation term or action component that the reason is about; -1 when it
    is about the whole robot."""
    value: float
    limit: float


class Verdict(NamedTuple):
    """Safety's decision on a tick."""

    level: Level
    reasons: Reason
    violations: tuple[Violation, ...]


ALL_WELL = Verdict(Level.OK, Reason(0), ())


def verdict_of(violations: tuple[Violation, ...]) -> Verdict:
    """Return the verdict on some violations; the worst of them decides."""
    reasons = Reason(0)
    for violation in violations:
        reasons |= violation.reason
    if reasons == 0:
        return ALL_WELL
    return Verdict(Level.FAULT if reasons & ~DAMP_REASONS else Level.DAMP, reasons, violations)


def joined(first: Verdict, second: Verdict) -> Verdict:
    """Return both verdicts in one; of what both say about the same joint, what the first says."""
    known = {(violation.reason, violation.joint) for violation in first.violations}
    more = [each for each in second.violations if (each.reason, each.joint) not in known]
    return verdict_of((*first.violations, *more))
