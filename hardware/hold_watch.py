"""Watches the first second of torque: a joint that leaves the range of its targets is driven by something else."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import BoolArray, Float64Array, JointCommand, JointState, MotorFault

HELD_NS: Final = ns_from_s(1.0)
"""How long it watches after torque came on; later `safety.tracking_error_max` counts."""

_MARGIN = math.radians(2.0)  # backlash, a dead zone, noise
_RECENT_NS = ns_from_s(0.5)
_FALL = 2.0  # a limp joint that is falling gains speed while the motors are switched on one after the other


class HoldWatch:
    """Whether the joints stay where they were, or between there and their targets.

    Another id that the motor obeys, an offset that changed with the mode, or a register of another program moves a
    joint as soon as it has torque. A load moves it, too, by no more than effort limit / stiffness. Joints in current
    mode, without stiffness, or with a feed-forward are not held, and not watched.

    Attributes:
        watching: Whether there is anything to judge.
    """

    def __init__(self, joints: Sequence[JointConfig]) -> None:
        count = len(joints)
        self.watching = False
        self._last: JointState | None = None
        self._effort = np.array([joint.effort_limit for joint in joints])
        self._impedance = np.array([joint.mode == "impedance" for joint in joints])
        self._by_position = np.array([joint.mode == "position" and joint.stiffness > 0.0 for joint in joints])
        self._stiffness = np.array([joint.stiffness for joint in joints])
        self._held: BoolArray = np.zeros(count, np.bool_)
        self._asked: BoolArray = np.zeros(count, np.bool_)
        self._moved: BoolArray = np.zeros(count, np.bool_)
        self._low: Float64Array = np.zeros(count)
        self._high: Float64Array = np.zeros(count)
        self._bound: Float64Array = np.zeros(count)
        self._until_ns = 0

    def remember(self, state: JointState) -> None:
        """Note where the latest readings are, while torque is off."""
        self._last = state

    def begin(self, asked_ns: int, now_ns: int) -> None:
        """Begin: torque is on now; switching it on began at `asked_ns`."""
        self.watching, self._until_ns = True, now_ns + HELD_NS
        self._held[:], self._asked[:], self._moved[:] = self._by_position, False, False
        self._low.fill(np.nan)
        np.divide(self._effort, self._stiffness, out=self._bound, where=self._stiffness > 0.0)
        self._bound += _MARGIN
        last = self._last
        if last is not None:
            recent = (last.stamp_ns >= 0) & (asked_ns - last.stamp_ns <= _RECENT_NS)
            fall = _FALL * np.abs(last.velocity) * (now_ns - last.stamp_ns) / NS_PER_S
            np.copyto(self._low, last.position - fall, where=recent)
            np.copyto(self._high, last.position + fall, where=recent)

    def end(self) -> None:
        """End: torque is off, or a joint may be anywhere."""
        self.watching, self._last = False, None

    def note(self, command: JointCommand) -> None:
        """Widen the range of each joint by its target."""
        np.minimum(self._low, command.position, out=self._low)
        np.maximum(self._high, command.position, out=self._high)
        if self._impedance.any():
            driven = (command.stiffness <= 0.0) | (command.effort != 0.0) | (command.velocity != 0.0)
            self._asked |= self._impedance & driven
            np.copyto(self._held, ~self._asked, where=self._impedance)
            soft = self._impedance & self._held
            bound = self._effort / np.where(soft, command.stiffness, 1.0) + _MARGIN
            np.copyto(self._bound, bound, where=soft & (bound > self._bound))

    def judge(self, state: JointState, now_ns: int) -> None:
        """Add `MotorFault.MOVED_WHILE_HELD` to joints that were elsewhere, until torque is off."""
        if now_ns > self._until_ns and not self._moved.any():
            self.end()
            return
        fresh = state.fresh & (state.faults == 0)
        first = fresh & np.isnan(self._low)
        np.copyto(self._low, state.position, where=first)
        np.copyto(self._high, state.position, where=first)
        inside = (self._low - self._bound <= state.position) & (state.position <= self._high + self._bound)
        if now_ns <= self._until_ns:
            self._moved |= fresh & self._held & ~inside
        state.faults[self._moved] |= int(MotorFault.MOVED_WHILE_HELD)
