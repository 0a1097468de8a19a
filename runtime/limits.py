"""Command limits: bounds every joint command in place before it may reach a motor; the only way to the writer.

Pure: no I/O, no clock. Every comparison is written as
`if low <= x <= high`, so that NaN is refused. Part of the trusted core together with `sim2real.runtime.safety`.
"""

from math import inf
from sys import float_info
from typing import Final, Literal

import numpy as np

from sim2real.hardware.flags import flags
from sim2real.hardware.types import BoolArray, Float64Array, Int64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.envelope.effort_budget import EffortBudget
from sim2real.runtime.envelope.effort_guard import Intervention as Intervention
from sim2real.runtime.envelope.effort_guard import clip
from sim2real.runtime.envelope.effort_guard import effort_bounds as effort_bounds
from sim2real.runtime.envelope.settings import SafetySettings
from sim2real.runtime.envelope.target_motion import POSITION_TRACKING_MODES as POSITION_TRACKING_MODES
from sim2real.runtime.envelope.target_motion import TargetMotion

_POSITION, _VELOCITY, _EFFORT, _STIFFNESS, _DAMPING, _FREE_POSITION, _FREE_VELOCITY = range(7)

_FARTHEST: Final = float_info.max  # rad; any finite position target may be asked for
_ROUNDING: Final = 1e-9  # rad; steps that add up to one at the very limit of speed round by less


class CommandLimits:
    """Limits of one robot's commands.

    Position targets are moved in array operations. The rest of a command passes by a few of them when every value is
    inside its bounds; otherwise it is decided joint by joint in plain scalar code.

    Args:
        robot: Gives the limits of the joints.
        settings: The envelope, and limits that are not part of the contract.
        period_s: Control period, s: a position target moves at most velocity limit times this per command.
    """

    def __init__(self, robot: RobotSpec, settings: SafetySettings, period_s: float) -> None:
        self._joints = robot.joints
        joints = len(robot.joints)
        self.budget = EffortBudget(robot, settings)
        self._motion = TargetMotion(robot, settings, period_s)
        self._impedance = np.array([joint.mode == "impedance" for joint in robot.joints])
        self._servo = np.array([joint.mode == "position" for joint in robot.joints])
        self._stiffness = np.array([joint.stiffness for joint in robot.joints])
        # Bounds of the five targets, in the order of JointCommand's fields, and of position and velocity inside which a
        # joint may get any effort, (7, J).
        self._low, self._high = np.zeros((7, joints)), np.zeros((7, joints))
        self._low[_POSITION], self._high[_POSITION] = -_FARTHEST, _FARTHEST
        self._high[_VELOCITY] = self._high[_FREE_VELOCITY] = [joint.velocity_max for joint in robot.joints]
        self._high[_EFFORT] = [joint.effort_max for joint in robot.joints]
        self._high[_STIFFNESS] = self._stiffness
        self._high[_DAMPING] = [joint.damping for joint in robot.joints]
        self._high[_FREE_POSITION] = [joint.position_max for joint in robot.joints]
        self._low[_FREE_POSITION] = [joint.position_min for joint in robot.joints]
        for row in (_VELOCITY, _EFFORT, _FREE_VELOCITY):
            self._low[row] = -self._high[row]
        self._kept: Literal["", "damp", "hold"] = ""
        self._kept_position = np.array([joint.default_position for joint in robot.joints])
        self._values = np.zeros((7, joints))
        self._targets = self._values[:_FREE_POSITION]
        self._requested = JointCommand(*self._targets)
        self._ok, self._ok_memory = flags(7, joints)
        self._ok2, self._ok2_memory = flags(7, joints)
        self._wanted = np.zeros(joints)
        self._changed, self._changed_memory = flags(joints)
        self._bits = np.zeros(joints, np.int64)

    @property
    def requested(self) -> JointCommand:
        """The command of the last call before it was limited, for reports."""
        return self._requested

    @property
    def target(self) -> Float64Array:
        """(J,), rad: the last position targets; joints that follow none have where they began."""
        return self._motion.target

    def begin(self, state: JointState) -> None:
        """Start from where the joints are: position targets move on from here; not finite counts as default."""
        self._motion.begin(state.position)
        self._kept = ""

    def allow_for(self, elapsed_s: float) -> None:
        """Set how long ago the last command was, s: for commands that do not come at the control rate."""
        self._motion.allow_for(elapsed_s)

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
        if not self._inside(state):
            if not np.isfinite(self._targets).all():
                self._refuse(command, state)
                return self._bits
            for index in range(len(self._joints)):
                self._limit_joint(index, command, state)
            self._derate_positions(command, state)
        self._kept = ""
        self._move(command.position)
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
        self._damp(command, state, usable)
        self._remember(command)
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
        self._keep("hold", state)
        self._bits.fill(0)
        for index, joint in enumerate(self._joints):
            position, velocity = float(state.position[index]), float(state.velocity[index])
            tracking = joint.mode in POSITION_TRACKING_MODES
            command.velocity[index] = command.effort[index] = 0.0
            command.stiffness[index] = joint.stiffness if tracking else 0.0
            command.damping[index] = joint.damping if tracking else 0.0
            if usable[index]:
                wanted = joint.stiffness * (float(self._kept_position[index]) - position) - joint.damping * velocity
                command.effort[index] = self._guarded(index, 0.0 if tracking else wanted, state, held=tracking)
        np.copyto(command.position, self._kept_position)
        self._derate_positions(command, state)
        self._motion.move(command.position)
        self._remember(command)
        return self._bits

    def limp(self, command: JointCommand, state: JointState) -> Int64Array:
        """Overwrite a command with one without effort, stiffness and damping.

        Position targets follow the joints, so that none snaps back afterwards. A joint in position mode has no other
        way to give way: it follows its target, as fast as that may move.

        Args:
            command: Overwritten.
            state: The last readings.
        """
        self._bits.fill(0)
        for values in (command.velocity, command.effort, command.stiffness, command.damping):
            values.fill(0.0)
        self._motion.follow(state.position, self._impedance)
        np.copyto(command.position, self._motion.target)
        np.copyto(command.position, state.position, where=self._servo & np.isfinite(state.position))
        self._motion.move(command.position)
        self._kept = ""
        self._remember(command)
        return self._bits

    def _remember(self, command: JointCommand) -> None:
        targets = self._targets
        targets[_POSITION] = command.position
        targets[_VELOCITY] = command.velocity
        targets[_EFFORT] = command.effort
        targets[_STIFFNESS] = command.stiffness
        targets[_DAMPING] = command.damping

    def _inside(self, state: JointState) -> bool:
        """Tell whether all but the position targets may pass as they are. NaN is inside nothing."""
        if self.budget.reduced:
            return False
        values = self._values
        values[_FREE_POSITION] = state.position
        values[_FREE_VELOCITY] = state.velocity
        np.less_equal(self._low, values, self._ok)
        np.less_equal(values, self._high, self._ok2)
        return 0 not in self._ok_memory and 0 not in self._ok2_memory

    def _move(self, position: Float64Array) -> None:
        """Move the position targets, and note which limits were in the way."""
        wanted = self._wanted
        wanted[:] = position
        self._motion.move(position)
        np.not_equal(position, wanted, self._changed)
        if 1 in self._changed_memory:
            for index in np.flatnonzero(self._changed).tolist():
                asked = float(wanted[index])
                reason = self._motion.reason(index, asked)
                if reason is not Intervention.POSITION_STEP or abs(float(position[index]) - asked) > _ROUNDING:
                    self._bits[index] |= int(reason)

    def _limit_joint(self, index: int, command: JointCommand, state: JointState) -> None:
        """Bring everything but the position target inside the limits."""
        bits = Intervention(0)
        for values, row, limit in (
            (command.velocity, _VELOCITY, Intervention.VELOCITY_TARGET),
            (command.stiffness, _STIFFNESS, Intervention.GAIN),
            (command.damping, _DAMPING, Intervention.GAIN),
            (command.effort, _EFFORT, Intervention.EFFORT),
        ):
            wanted = float(values[index])
            allowed = clip(wanted, float(self._low[row, index]), float(self._high[row, index]))
            if allowed != wanted:
                values[index] = allowed
                bits |= limit
        effort, most = float(command.effort[index]), float(self.budget.allowed[index])
        if not abs(effort) <= most:
            effort = command.effort[index] = clip(effort, -most, most)
            bits |= Intervention.DERATING
        low, high, guards = self._effort_bounds(index, state, held=float(command.stiffness[index]) > 0.0)
        if not low <= effort <= high:
            command.effort[index] = clip(effort, low, high)
            bits |= guards
        self._bits[index] = int(bits)

    def _derate_positions(self, command: JointCommand, state: JointState) -> None:
        """Bring the position targets of hot joints so close that stiffness causes no more effort than is allowed."""
        if not self.budget.reduced:
            return
        for index, joint in enumerate(self._joints):
            stiffness = joint.stiffness if joint.mode == "position" else float(command.stiffness[index])
            position, most = float(state.position[index]), float(self.budget.allowed[index])
            if not (most < joint.effort_max and stiffness > 0.0 and -inf < position < inf):
                continue
            reach, wanted = most / stiffness, float(command.position[index])
            if not abs(wanted - position) <= reach:
                command.position[index] = clip(wanted, position - reach, position + reach)
                self._bits[index] |= int(Intervention.DERATING)

    def _effort_bounds(self, index: int, state: JointState, *, held: bool) -> tuple[float, float, int]:
        position, velocity = float(state.position[index]), float(state.velocity[index])
        most = float(self.budget.allowed[index])
        return effort_bounds(self._joints[index], position, velocity, held=held, effort_max=most)

    def _guarded(self, index: int, wanted: float, state: JointState, *, held: bool) -> float:
        low, high, _ = self._effort_bounds(index, state, held=held)
        return clip(wanted, low, high)

    def _refuse(self, command: JointCommand, state: JointState) -> None:
        bad = ~np.isfinite(self._targets).all(axis=0)
        self._damp(command, state, state.fresh)
        self._bits[bad] = int(Intervention.NOT_FINITE)

    def _damp(self, command: JointCommand, state: JointState, usable: BoolArray) -> None:
        self._keep("damp", state)
        self._bits.fill(0)
        for index, joint in enumerate(self._joints):
            command.velocity[index] = command.effort[index] = 0.0
            command.stiffness[index] = joint.stiffness if joint.mode == "position" else 0.0
            command.damping[index] = joint.damping if joint.mode in POSITION_TRACKING_MODES else 0.0
            if usable[index]:
                # Beyond a position limit damping may be too little: the guard is the same as for any command.
                wanted = -joint.damping * float(state.velocity[index]) if joint.mode == "current" else 0.0
                command.effort[index] = self._guarded(index, wanted, state, held=False)
        self._motion.follow(state.position, self._impedance)
        np.copyto(command.position, self._kept_position)
        np.copyto(command.position, self._motion.target, where=self._impedance)
        self._derate_positions(command, state)
        self._motion.move(command.position)

    def _keep(self, kind: Literal["damp", "hold"], state: JointState) -> None:
        """Note where the joints are when damping or holding begins; later calls do not move it."""
        if self._kept != kind:
            self._kept = kind
            np.copyto(self._kept_position, self._motion.target)
            np.copyto(self._kept_position, state.position, where=np.isfinite(state.position))
