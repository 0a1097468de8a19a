"""The targets of all joints between two runs of the policy, where the bus has more ticks than the policy."""

import math

import numpy as np

from sim2real.configs.schema.loop import Between
from sim2real.hardware.types import JointCommand
from sim2real.runtime.contract.action import ActionTargets


class TargetPath:
    """The way from the targets of one run of the policy to those of the next.

    - `linear`: a straight way, so that the new targets are reached in the last tick before the next run. Nothing jumps,
      at the price of a delay of half a policy's period on average.
    - `hold`: the new targets at once, as in training. In one tick of a fast bus that may be more than the joint's
      velocity limit allows; safety then bounds it, and says so.
    - `filter`: a first-order low pass, whose time constant is the policy's period.

    All of a command's arrays go the same way, gains too. With one tick to a run all three are the policy's targets to
    the bit. Allocates nothing per tick.

    Args:
        joints: Number of joints.
        ratio: Ticks of the loop to one of the policy.
        between: The way.
    """

    def __init__(self, joints: int, ratio: int, between: Between = "linear") -> None:
        self._ratio = ratio
        self._between: Between = "hold" if ratio == 1 else between
        self._share = 1.0 - math.exp(-1.0 / ratio)
        self._from, self._to, self._now, self._scratch = (np.zeros((5, joints)) for _ in range(4))
        self._to_rows, self._now_rows = tuple(self._to), tuple(self._now)

    def begin(self, command: JointCommand) -> None:
        """Start from a command: the last one that was sent."""
        position, velocity, effort, stiffness, damping = self._now_rows
        position[:] = command.position
        velocity[:] = command.velocity
        effort[:] = command.effort
        stiffness[:] = command.stiffness
        damping[:] = command.damping
        self._to[:] = self._now
        self._from[:] = self._now

    def aim(self, targets: ActionTargets) -> None:
        """Take the targets of a run of the policy on one robot."""
        self._from[:] = self._now
        position, velocity, effort, stiffness, damping = self._to_rows
        position[:] = targets.position[0]
        velocity[:] = targets.velocity[0]
        effort[:] = targets.effort[0]
        stiffness[:] = targets.stiffness[0]
        damping[:] = targets.damping[0]

    def write(self, command: JointCommand, step: int) -> None:
        """Write the targets of one tick.

        Args:
            command: The command to write to.
            step: Ticks since the last run was due, from 1 in that tick; see `Decimation.step`.
        """
        self._go(step)
        position, velocity, effort, stiffness, damping = self._now_rows
        command.position[:] = position
        command.velocity[:] = velocity
        command.effort[:] = effort
        command.stiffness[:] = stiffness
        command.damping[:] = damping

    def _go(self, step: int) -> None:
        now, to, scratch = self._now, self._to, self._scratch
        if self._between == "filter":
            np.subtract(to, now, out=scratch)
            np.multiply(scratch, self._share, out=scratch)
            np.add(now, scratch, out=now)
        elif self._between == "hold" or step >= self._ratio:
            now[:] = to
        else:
            np.subtract(to, self._from, out=scratch)
            np.multiply(scratch, step / self._ratio, out=scratch)
            np.add(self._from, scratch, out=now)
