"""Command limits: bounds every joint command in place before it may reach a motor; the only way to the writer.

Pure: no I/O, no clock. A command inside the limits costs no allocation. Every comparison is written as
`if low <= x <= high`, so that NaN is refused. Part of the trusted core together with `runtime.safety`.
"""

from enum import IntFlag
from math import inf

import numpy as np

from hardware.types import BoolArray, Float64Array, Int64Array, JointCommand, JointState
from runtime.contract.spec import JointSpec, RobotSpec


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


class CommandLimits:
    """Limits of one robot's commands.

    Args:
        robot: Gives the limits of the joints.
        period_s: Control period, s: a position target moves at most velocity limit times this per command.
    """

    def __init__(self, robot: RobotSpec, period_s: float) -> None:
        self._joints = robot.joints
        joints = len(robot.joints)
        self._low = np.array([joint.position_min for joint in robot.joints])
        self._high = np.array([joint.position_max for joint in robot.joints])
        self._default = np.array([joint.default_position for joint in robot.joints])
        self._velocity_max = np.array([joint.velocity_max for joint in robot.joints])
        self._effort_max = np.array([joint.effort_max for joint in robot.joints])
        self._stiffness_max = np.array([joint.stiffness for joint in robot.joints])
        self._damping_max = np.array([joint.damping for joint in robot.joints])
        self._by_position = np.array([joint.mode == "position" for joint in robot.joints])
        self._margin = robot.safety.position_margin
        self._step = self._velocity_max * period_s
        self._zero = np.zeros(joints)
        self._effort_low, self._effort_high = -self._effort_max, self._effort_max.copy()
        self._previous = self._default.copy()
        self._hold = self._default.copy()
        self._holding = False
        self._requested = JointCommand.zeros(joints)
        self._bits = np.zeros(joints, np.int64)
        self._scratch = np.zeros(joints)
        self._scratch2 = np.zeros(joints)
        self._mask = np.zeros(joints, np.bool_)

    @property
    def requested(self) -> JointCommand:
        """The command of the last call as it was asked for, for reports."""
        return self._requested

    def begin(self, state: JointState) -> None:
        """Start from where the joints are: position targets move on from here; not finite counts as default."""
        np.copyto(self._previous, self._default)
        np.copyto(self._previous, state.position, where=np.isfinite(state.position))
        np.clip(self._previous, self._low - self._margin, self._high + self._margin, out=self._previous)
        self._holding = False

    def limit(self, command: JointCommand, state: JointState) -> Int64Array:
        """Bring a command inside the limits, in place.

        Args:
            command: Targets of this tick; afterwards finite and inside the limits, whatever they were.
            state: The last readings; where they are not finite no effort is allowed.

        Returns:
            Bits of `Intervention` for each joint, (J,): the object's own buffer.
        """
        self._remember(command)
        if not self._finite(command):
            refused = self._refused(command)
            self._fill_damping(command, state, state.fresh)
            self._clamp(command, state)
            np.copyto(self._bits, refused)
            return self._bits
        self._holding = False
        self._clamp(command, state)
        return self._bits

    def damp(self, command: JointCommand, state: JointState, usable: BoolArray) -> Int64Array:
        """Overwrite a command with damping, inside the limits.

        A joint in current mode gets effort = -damping · velocity, or none where its reading is not usable: a stale
        velocity is no ground to push on. A joint in position mode holds the position it had when damping began.

        Args:
            command: Overwritten.
            state: The last readings.
            usable: (J,), whether a joint's reading is recent enough to act on.
        """
        self._fill_damping(command, state, usable)
        self._remember(command)
        self._clamp(command, state)
        return self._bits

    def _remember(self, command: JointCommand) -> None:
        np.copyto(self._requested.position, command.position)
        np.copyto(self._requested.velocity, command.velocity)
        np.copyto(self._requested.effort, command.effort)
        np.copyto(self._requested.stiffness, command.stiffness)
        np.copyto(self._requested.damping, command.damping)

    def _finite(self, command: JointCommand) -> bool:
        # Not by a sum, which could overflow: minimum and maximum refuse NaN and infinity alike.
        for values in (command.position, command.velocity, command.effort, command.stiffness, command.damping):
            if not (-inf < values.min() and values.max() < inf):
                return False
        return True

    def _refused(self, command: JointCommand) -> Int64Array:
        bad = np.zeros(len(self._joints), np.bool_)
        for values in (command.position, command.velocity, command.effort, command.stiffness, command.damping):
            bad |= ~np.isfinite(values)
        return np.where(bad, int(Intervention.NOT_FINITE), 0).astype(np.int64)

    def _fill_damping(self, command: JointCommand, state: JointState, usable: BoolArray) -> None:
        if not self._holding:
            np.copyto(self._hold, self._previous)
            np.copyto(self._hold, state.position, where=np.isfinite(state.position))
            self._holding = True
        np.copyto(command.position, self._hold)
        command.velocity.fill(0.0)
        np.multiply(self._damping_max, state.velocity, out=command.effort)
        np.negative(command.effort, out=command.effort)
        np.clip(command.effort, -self._effort_max, self._effort_max, out=command.effort)
        usable = usable & np.isfinite(command.effort) & ~self._by_position
        np.copyto(command.effort, 0.0, where=~usable)
        np.copyto(command.stiffness, np.where(self._by_position, self._stiffness_max, 0.0))
        np.copyto(command.damping, np.where(self._by_position, self._damping_max, 0.0))
        # Holding is not an intervention: the target begins inside what the clamps below allow.
        np.clip(
            command.position,
            np.minimum(self._low, self._previous),
            np.maximum(self._high, self._previous),
            command.position,
        )
        np.clip(
            command.position,
            self._previous - self._step,
            self._previous + self._step,
            out=command.position,
            where=self._by_position,
        )

    def _clamp(self, command: JointCommand, state: JointState) -> None:
        """Bring finite targets inside the limits and note in the bits what had to change."""
        self._bits.fill(0)
        self._clamp_position(command.position)
        self._clip(command.velocity, -self._velocity_max, self._velocity_max, Intervention.VELOCITY_TARGET)
        self._clip(command.stiffness, self._zero, self._stiffness_max, Intervention.GAIN)
        self._clip(command.damping, self._zero, self._damping_max, Intervention.GAIN)
        self._clip(command.effort, -self._effort_max, self._effort_max, Intervention.EFFORT)
        if not self._moving_inside(state):
            self._guard(command.effort, state)

    def _clamp_position(self, position: Float64Array) -> None:
        # Who starts outside the limits, within the margin, is walked back inside: a target never jumps.
        low = np.minimum(self._low, self._previous, out=self._scratch)
        high = np.maximum(self._high, self._previous, out=self._scratch2)
        self._clip(position, low, high, Intervention.POSITION_TARGET)
        low = np.subtract(self._previous, self._step, out=self._scratch)
        high = np.add(self._previous, self._step, out=self._scratch2)
        np.copyto(low, -inf, where=~self._by_position)
        np.copyto(high, inf, where=~self._by_position)
        self._clip(position, low, high, Intervention.POSITION_STEP)
        np.copyto(self._previous, position, where=self._by_position)

    def _clip(self, values: Float64Array, low: Float64Array, high: Float64Array, limit: Intervention) -> None:
        np.less(values, low, out=self._mask)
        if self._mask.any():
            self._bits[self._mask] |= int(limit)
            np.copyto(values, low, where=self._mask)
        np.greater(values, high, out=self._mask)
        if self._mask.any():
            self._bits[self._mask] |= int(limit)
            np.copyto(values, high, where=self._mask)

    def _moving_inside(self, state: JointState) -> bool:
        q, v = state.position, state.velocity
        return bool(
            np.less_equal(q, self._high, out=self._mask).all()
            and np.greater_equal(q, self._low, out=self._mask).all()
            and np.less_equal(np.abs(v, out=self._scratch), self._velocity_max, out=self._mask).all()
        )

    def _guard(self, effort: Float64Array, state: JointState) -> None:
        for index, joint in enumerate(self._joints):
            q, v = float(state.position[index]), float(state.velocity[index])
            low, high, bits = effort_bounds(joint, q, v)
            wanted = float(effort[index])
            if low <= wanted <= high:
                continue
            self._bits[index] |= bits
            effort[index] = min(max(wanted, low), high)


def effort_bounds(joint: JointSpec, position: float, velocity: float) -> tuple[float, float, int]:
    """Return the lowest and highest effort a joint may get where it is, and the bits of the guards that set them.

    Beyond a position limit the effort must at least be that of a soft stop, stiffness · (limit - q) - damping · q̇, and
    never push outward. Above the velocity limit it must not accelerate. A value that is not finite
    allows no effort at all.
    """
    low, high, bits = -joint.effort_max, joint.effort_max, 0
    if not position <= joint.position_max:
        stop = joint.stiffness * (joint.position_max - position) - joint.damping * velocity
        high = _between(stop, -joint.effort_max, 0.0)
        bits |= int(Intervention.POSITION_GUARD)
    if not position >= joint.position_min:
        stop = joint.stiffness * (joint.position_min - position) - joint.damping * velocity
        low = -_between(-stop, -joint.effort_max, 0.0)
        bits |= int(Intervention.POSITION_GUARD)
    if not velocity <= joint.velocity_max:
        high = min(high, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    if not velocity >= -joint.velocity_max:
        low = max(low, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    # Beyond a limit and on its way back too fast: the two guards contradict each other, so neither pushes.
    return (low, high, bits) if low <= high else (0.0, 0.0, bits)


def _between(value: float, low: float, high: float) -> float:
    """Clamp; NaN becomes `high`, which here is no effort."""
    if low <= value <= high:
        return value
    return low if value < low else high
