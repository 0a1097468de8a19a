"""The effort that a joint may get where it is: back into its position limits, and no faster than it may move."""

from enum import IntFlag

from sim2real.runtime.contract.robot import JointSpec


class Intervention(IntFlag):
    """Which limit changed the command of a joint."""

    POSITION_TARGET = 1
    """The position target was outside the position limits."""
    POSITION_STEP = 2
    """The position target moved faster than the velocity limit."""
    VELOCITY_TARGET = 4
    """The velocity target was above the velocity limit."""
    EFFORT = 8
    """The effort was above the effort limit."""
    POSITION_GUARD = 16
    """The joint is beyond a position limit and the effort would not have brought it back."""
    VELOCITY_GUARD = 32
    """The joint is above its velocity limit and the effort would have accelerated it."""
    GAIN = 64
    """Stiffness or damping was negative or above the joint's own."""
    NOT_FINITE = 128
    """A target was not finite: the whole command was refused and replaced by damping."""
    POSITION_ACCELERATION = 256
    """The speed of the position target changed faster than the acceleration limit, or was too high to stop in time."""
    POSITION_JERK = 512
    """The acceleration of the position target changed faster than the jerk limit."""
    DERATING = 1024
    """The joint is hot: the effort, or a position target so far from the joint that it would cause that effort, was
    above what heat leaves of the effort limit."""


def clip(value: float, low: float, high: float) -> float:
    """Clamp; NaN becomes zero where that is allowed, else the lower bound."""
    if low <= value <= high:
        return value
    if value < low:
        return low
    if value > high:
        return high
    return 0.0 if low <= 0.0 <= high else low


def effort_bounds(
    joint: JointSpec, position: float, velocity: float, *, held: bool = False, effort_max: float | None = None
) -> tuple[float, float, int]:
    """Return the lowest and highest effort a joint may get where it is, and the bits of the guards that set them.

    Beyond a position limit the effort must at least be that of a soft stop, stiffness · (limit - q) - damping · q̇, and
    never push outward. Above the velocity limit it must not accelerate. A value that is not finite
    allows no effort at all.

    Args:
        joint: The joint.
        position: rad
        velocity: rad/s
        held: Whether the command has stiffness, which brings a joint in impedance mode back.
        effort_max: N·m, where it is less than the joint's.
    """
    most = joint.effort_max if effort_max is None else effort_max
    low, high, bits = -most, most, 0
    # A position target brings the joint back by itself: the effort must only not push outward.
    tracking = joint.mode == "position" or (joint.mode == "impedance" and held)
    stiffness, damping = (0.0, 0.0) if tracking else (joint.stiffness, joint.damping)
    if not position <= joint.position_max:
        stop = stiffness * (joint.position_max - position) - damping * velocity
        high = clip(stop, -most, 0.0)
        bits = int(Intervention.POSITION_GUARD)
    if not position >= joint.position_min:
        stop = stiffness * (joint.position_min - position) - damping * velocity
        low = clip(stop, 0.0, most)
        bits = int(Intervention.POSITION_GUARD)
    if not velocity <= joint.velocity_max:
        high = min(high, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    if not velocity >= -joint.velocity_max:
        low = max(low, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    # Beyond a limit and on its way back too fast: the two guards contradict each other, so neither pushes.
    return (low, high, bits) if low <= high else (0.0, 0.0, bits)
