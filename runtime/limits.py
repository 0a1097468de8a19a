"""Command limits: bounds every joint command in place before it may reach a motor; the only way to the writer.

Pure: no I/O, no clock. Every comparison is written as
`if low <= x <= high`, so that NaN is refused. Part of the trusted core together with `sim2real.runtime.safety`.
"""

from enum import IntFlag
from math import inf

import numpy as np

from sim2real.hardware.types import BoolArray, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec
from sim2real.runtime.envelope.settings import SafetySettings

POSITION_TRACKING_MODES = ("position", "impedance")
"""Modes in which a motor follows a position target; it moves at most as fast as the joint may."""


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

    A command whose every value is inside its bounds is passed by a few array operations; anything else is decided joint
    by joint in plain scalar code.

    Args:
        robot: Gives the limits of the joints.
        settings: The envelope, and limits that are not part of the contract.
        period_s: Control period, s: a position target moves at most velocity limit times this per command.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings, period_s: float) -> None:
        self._joints = robot.joints
        joints = len(robot.joints)
        self._margin = settings.envelope.position_margin
        self._period_s = period_s
        self._any_tracking = any(joint.mode in POSITION_TRACKING_MODES for joint in robot.joints)
        # Bounds of the five targets, (5, J), in the order of JointCommand's fields; row 0 follows the last target.
        velocity, effort, stiffness, damping = range(1, 5)
        self._low, self._high = np.zeros((5, joints)), np.zeros((5, joints))
        for index, joint in enumerate(robot.joints):
            self._high[velocity, index] = joint.velocity_max
            self._high[effort, index] = joint.effort_max
            self._high[stiffness, index] = joint.stiffness
            self._high[damping, index] = joint.damping
        self._low[[velocity, effort]] = -self._high[[velocity, effort]]
        # Bounds of position and velocity inside which a joint may get any effort, (2, J).
        self._free_low = np.array([[j.position_min for j in robot.joints], [-j.velocity_max for j in robot.joints]])
        self._free_high = np.array([[j.position_max for j in robot.joints], [j.velocity_max for j in robot.joints]])
        self._previous = [joint.default_position for joint in robot.joints]
        self._hold = list(self._previous)
        self._holding = False
        self._targets = np.zeros((5, joints))
        self._requested = JointCommand(*self._targets)
        self._moving = np.zeros((2, joints))
        self._ok, self._ok2 = np.zeros((5, joints), np.bool_), np.zeros((5, joints), np.bool_)
        self._bits = np.zeros(joints, np.int64)
        self._follow_previous()

    @property
    def requested(self) -> JointCommand:
        """The command of the last call before it was limited, for reports."""
        return self._requested

    def begin(self, state: JointState) -> None:
        """Start from where the joints are: position targets move on from here; not finite counts as default."""
        for index, joint in enumerate(self._joints):
            measured = float(state.position[index])
            start = measured if -inf < measured < inf else joint.default_position
            self._previous[index] = _clip(start, joint.position_min - self._margin, joint.position_max + self._margin)
        self._holding = False
        self._follow_previous()

    def allow_for(self, elapsed_s: float) -> None:
        """Set how long ago the last command was, s: for commands that do not come at the control rate."""
        self._period_s = elapsed_s
        self._follow_previous()

    def limit(self, command: JointCommand, state: JointState) -> Int64Array:
        """Bring a command inside the limits, in place.

        Args:
            command: Targets of this tick; afterwards finite and inside the limits, whatever they were before.
            state: The last readings; where they are not finite no effort is allowed.

        Returns:
            Bits of `Intervention` for each joint, (J,): the object's own buffer.
        """
        self._remember(command)
        self._bits.fill(0)
        if self._inside(state):
            self._holding = False
        elif np.isfinite(self._targets).all():
            self._holding = False
            for index, joint in enumerate(self._joints):
                self._limit_joint(index, joint, command, state)
        else:
            self._refuse(command, state)
        self._moved(command)
        return self._bits

    def damp(self, command: JointCommand, state: JointState, usable: BoolArray) -> Int64Array:
        """Overwrite a command with damping, inside the limits.

        A joint in current mode gets effort = -damping · velocity, or none where its reading is not usable: a stale
        velocity must not cause an effort. A joint in position mode holds the position it had when damping began. One in
        impedance mode is damped by its motor, without stiffness; its target follows it, so that it does not snap back
        when stiffness returns.

        Args:
            command: Overwritten.
            state: The last readings.
            usable: (J,), whether a joint's reading is recent enough to act on.
        """
        self._bits.fill(0)
        self._damp(command, state, usable)
        self._remember(command)
        self._moved(command)
        return self._bits

    def hold(self, command: JointCommand, state: JointState, usable: BoolArray) -> Int64Array:
        """Overwrite a command with one that keeps every joint at the position it had when holding began.

        A joint in position or impedance mode is held by its motor. One in current mode gets
        effort = stiffness · (position - q) - damping · q̇, or none where its reading is not usable.

        Args:
            command: Overwritten.
            state: The last readings.
            usable: (J,), whether a joint's reading is recent enough to act on.
        """
        self._bits.fill(0)
        for index, joint in enumerate(self._joints):
            position, velocity = float(state.position[index]), float(state.velocity[index])
            self._hold_from(index, position)
            tracking = joint.mode in POSITION_TRACKING_MODES
            command.position[index] = target = _clip(self._hold[index], *self._position_bounds(index))
            command.velocity[index] = command.effort[index] = 0.0
            command.stiffness[index] = joint.stiffness if tracking else 0.0
            command.damping[index] = joint.damping if tracking else 0.0
            if usable[index] and joint.mode != "position":
                low, high, _ = effort_bounds(joint, position, velocity, held=tracking)
                wanted = 0.0 if tracking else joint.stiffness * (target - position) - joint.damping * velocity
                command.effort[index] = _clip(wanted, low, high)
        self._holding = True
        self._remember(command)
        self._moved(command)
        return self._bits

    def limp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one without effort, stiffness and damping.

        The position target follows the joint, so that a motor that has no other target gives way as well as it can, and
        so that no joint snaps back afterwards.

        Args:
            command: Overwritten.
            state: The last readings.
        """
        self._bits.fill(0)
        for values in (command.velocity, command.effort, command.stiffness, command.damping):
            values.fill(0.0)
        for index in range(len(self._joints)):
            self._follow(index, command, float(state.position[index]))
        self._holding = False
        self._remember(command)
        self._moved(command)
        return self._bits

    def _hold_from(self, index: int, position: float) -> None:
        """Note where holding begins; later calls do not move it."""
        if not self._holding:
            self._hold[index] = position if -inf < position < inf else self._previous[index]

    def _remember(self, command: JointCommand) -> None:
        targets = self._targets
        targets[0] = command.position
        targets[1] = command.velocity
        targets[2] = command.effort
        targets[3] = command.stiffness
        targets[4] = command.damping

    def _inside(self, state: JointState) -> bool:
        """Tell whether the command may pass as it is. NaN is inside nothing."""
        moving, ok, ok2 = self._moving, self._ok, self._ok2
        np.less_equal(self._low, self._targets, out=ok)
        np.less_equal(self._targets, self._high, out=ok2)
        if np.count_nonzero(ok) < ok.size or np.count_nonzero(ok2) < ok2.size:
            return False
        moving[0] = state.position
        moving[1] = state.velocity
        np.less_equal(self._free_low, moving, out=ok[:2])
        np.less_equal(moving, self._free_high, out=ok2[:2])
        return int(np.count_nonzero(ok[:2]) + np.count_nonzero(ok2[:2])) == 2 * moving.size

    def _moved(self, command: JointCommand) -> None:
        """Remember the position targets."""
        if self._any_tracking:
            for index, joint in enumerate(self._joints):
                if joint.mode in POSITION_TRACKING_MODES:
                    self._previous[index] = float(command.position[index])
            self._follow_previous()

    def _follow_previous(self) -> None:
        for index in range(len(self._joints)):
            self._low[0, index], self._high[0, index] = self._position_bounds(index)

    def _position_bounds(self, index: int) -> tuple[float, float]:
        """Return how far a position target may go in this tick."""
        joint, previous = self._joints[index], self._previous[index]
        # A joint that starts outside the limits, within the margin, is moved back gradually: a target never jumps.
        low, high = min(joint.position_min, previous), max(joint.position_max, previous)
        if joint.mode in POSITION_TRACKING_MODES:
            step = joint.velocity_max * self._period_s
            low, high = max(low, previous - step), min(high, previous + step)
        return low, high

    def _limit_joint(self, index: int, joint: JointSpec, command: JointCommand, state: JointState) -> None:
        bits = self._limit_position(index, joint, command)
        for values, row, limit in (
            (command.velocity, 1, Intervention.VELOCITY_TARGET),
            (command.stiffness, 3, Intervention.GAIN),
            (command.damping, 4, Intervention.GAIN),
            (command.effort, 2, Intervention.EFFORT),
        ):
            wanted = float(values[index])
            allowed = _clip(wanted, float(self._low[row, index]), float(self._high[row, index]))
            if allowed != wanted:
                values[index] = allowed
                bits |= limit
        position, velocity = float(state.position[index]), float(state.velocity[index])
        low, high, guards = effort_bounds(joint, position, velocity, held=float(command.stiffness[index]) > 0.0)
        effort = float(command.effort[index])
        if not low <= effort <= high:
            command.effort[index] = _clip(effort, low, high)
            bits |= guards
        self._bits[index] = int(bits)

    def _limit_position(self, index: int, joint: JointSpec, command: JointCommand) -> Intervention:
        wanted = float(command.position[index])
        low, high = self._position_bounds(index)
        if low <= wanted <= high:
            return Intervention(0)
        command.position[index] = _clip(wanted, low, high)
        inside = joint.position_min <= wanted <= joint.position_max
        return Intervention.POSITION_STEP if inside else Intervention.POSITION_TARGET

    def _refuse(self, command: JointCommand, state: JointState) -> None:
        bad = ~np.isfinite(self._targets).all(axis=0)
        self._damp(command, state, state.fresh)
        self._bits[bad] = int(Intervention.NOT_FINITE)

    def _damp(self, command: JointCommand, state: JointState, usable: BoolArray) -> None:
        for index, joint in enumerate(self._joints):
            position, velocity = float(state.position[index]), float(state.velocity[index])
            self._hold_from(index, position)
            command.velocity[index] = command.effort[index] = 0.0
            command.stiffness[index] = joint.stiffness if joint.mode == "position" else 0.0
            command.damping[index] = joint.damping if joint.mode in POSITION_TRACKING_MODES else 0.0
            if joint.mode == "impedance":
                self._follow(index, command, position)
            else:
                command.position[index] = _clip(self._hold[index], *self._position_bounds(index))
            if usable[index] and joint.mode != "position":
                # Beyond a position limit damping may be too little: the guard is the same as for any command.
                low, high, _ = effort_bounds(joint, position, velocity)
                wanted = -joint.damping * velocity if joint.mode == "current" else 0.0
                command.effort[index] = _clip(wanted, low, high)
        self._holding = True

    def _follow(self, index: int, command: JointCommand, position: float) -> None:
        """Let the position target follow the joint within the margin; without stiffness it causes no effort."""
        joint = self._joints[index]
        low, high = joint.position_min - self._margin, joint.position_max + self._margin
        if -inf < position < inf:
            self._previous[index] = _clip(position, low, high)
        command.position[index] = self._previous[index]


def _clip(value: float, low: float, high: float) -> float:
    """Clamp; NaN becomes zero where that is allowed, else the lower bound."""
    if low <= value <= high:
        return value
    if value < low:
        return low
    if value > high:
        return high
    return 0.0 if low <= 0.0 <= high else low


def effort_bounds(
    joint: JointSpec, position: float, velocity: float, *, held: bool = False
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
    """
    low, high, bits = -joint.effort_max, joint.effort_max, 0
    # A position target brings the joint back by itself: the effort must only not push outward.
    tracking = joint.mode == "position" or (joint.mode == "impedance" and held)
    stiffness, damping = (0.0, 0.0) if tracking else (joint.stiffness, joint.damping)
    if not position <= joint.position_max:
        stop = stiffness * (joint.position_max - position) - damping * velocity
        high = _clip(stop, -joint.effort_max, 0.0)
        bits |= int(Intervention.POSITION_GUARD)
    if not position >= joint.position_min:
        stop = stiffness * (joint.position_min - position) - damping * velocity
        low = _clip(stop, 0.0, joint.effort_max)
        bits |= int(Intervention.POSITION_GUARD)
    if not velocity <= joint.velocity_max:
        high = min(high, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    if not velocity >= -joint.velocity_max:
        low = max(low, 0.0)
        bits |= int(Intervention.VELOCITY_GUARD)
    # Beyond a limit and on its way back too fast: the two guards contradict each other, so neither pushes.
    return (low, high, bits) if low <= high else (0.0, 0.0, bits)
