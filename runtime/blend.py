"""Blends the policy's first targets in, from the command before them."""

import numpy as np

from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.types import Float64Array, JointCommand


class Blend:
    """A straight way from the last command to the policy's, in every target of every joint.

    command = last + share · (policy's - last), where the share rises from 0 to 1 in the time of the blend.

    Args:
        joints: Number of joints.
        duration: s; with 0 the policy's targets pass from the first tick on.
    """

    def __init__(self, joints: int, duration: float) -> None:
        self._last = JointCommand.zeros(joints)
        self._duration = duration
        self._begun_ns = self._duration_ns = 0
        self._active = False

    def begin(self, last: JointCommand, now_ns: int, at_least: float = 0.0) -> None:
        """Start from the last command; the blend takes this long at least, s."""
        self._duration_ns = ns_from_s(max(self._duration, at_least))
        self._begun_ns, self._active = now_ns, self._duration_ns > 0
        for name in JointCommand.__slots__:
            np.copyto(getattr(self._last, name), getattr(last, name))

    def apply(self, command: JointCommand, now_ns: int) -> None:
        """Bring the policy's command nearer to the one before it, in place, while the blend lasts."""
        if not self._active:
            return
        elapsed_ns = now_ns - self._begun_ns
        if not elapsed_ns < self._duration_ns:
            self._active = False
            return
        share = elapsed_ns / self._duration_ns
        last = self._last
        _towards(last.position, command.position, share)
        _towards(last.velocity, command.velocity, share)
        _towards(last.effort, command.effort, share)
        _towards(last.stiffness, command.stiffness, share)
        _towards(last.damping, command.damping, share)


def _towards(last: Float64Array, target: Float64Array, share: float) -> None:
    np.subtract(target, last, out=target)
    np.multiply(target, share, out=target)
    np.add(last, target, out=target)
