"""The shipped metrics: how well an episode tracked its commands, in SI units."""

from abc import ABC, abstractmethod
from typing import Final

import numpy as np

from sim2real.configs.schema.command import VELOCITY_COMMANDS
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.task.declaration import metric
from sim2real.task.measurement import MetricSums
from sim2real.task.state import TaskConstants, TaskState, commanded, pose_error, stands_still

_SETTLING: Final = 1.0  # s after a new command that are not measured
_TIP_SETTLING: Final = 1.5  # s
_HOP_MIN: Final = 0.02  # m above standing that make a hop


class _HeldError(MetricSums, ABC):
    """|Mean velocity - command| over the time that a command is held, its first second left out.

    The mean leaves out the sway of walking and hopping. Several commands in an episode are weighted by how long each
    was measured.
    """

    names: tuple[str, ...]
    commands: tuple[str, ...]

    def __init__(self, n: int, constants: TaskConstants) -> None:
        width = len(self.names)
        zeros = np.zeros((n, width))
        super().__init__(n, age=np.zeros(n), error=zeros, settled=np.zeros(n), total=zeros.copy())
        self._constants = constants
        self._settling = round(_SETTLING * constants.control_rate)

    @abstractmethod
    def velocity(self, state: TaskState) -> Float64Array:
        """Return the commanded quantities, (n, width)."""

    def add(self, state: TaskState, command_changed: BoolArray | None) -> None:
        """Add one control step."""
        sums = self.arrays
        settled = sums["age"] >= self._settling
        sums["error"] += (self.velocity(state) - commanded(state, self._constants, *self.commands)) * settled[:, None]
        sums["settled"] += settled
        sums["age"] += 1.0
        if command_changed is not None:
            self._close(np.flatnonzero(command_changed))

    def _close(self, ids: Indices) -> None:
        """End the measurement of the present commands of some robots."""
        sums = self.arrays
        sums["total"][ids] += np.abs(sums["error"][ids])
        sums["count"][ids] += sums["settled"][ids]
        for name in ("error", "settled", "age"):
            sums[name][ids] = 0.0

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean errors, in the units of the commands."""
        self._close(ids)
        means = self.mean(ids)
        return {name: means[:, column] for column, name in enumerate(self.names)}


@metric("velocity_error", needs=("base",), commands=VELOCITY_COMMANDS)
class VelocityError(_HeldError):
    """Velocity tracking of a walking robot, m/s, m/s, rad/s."""

    names: tuple[str, ...] = ("forward_error", "left_error", "turn_error")
    commands: tuple[str, ...] = VELOCITY_COMMANDS

    def velocity(self, state: TaskState) -> Float64Array:
        """Return velocity forward and left, and yaw rate, (n, 3)."""
        return np.column_stack((state.base.velocity[:, :2], state.base.yaw_rate))


@metric("travel_error", needs=("travel",), commands=("forward",))
class TravelError(_HeldError):
    """Velocity tracking of a robot on a boom, m/s."""

    names: tuple[str, ...] = ("travel_error",)
    commands: tuple[str, ...] = ("forward",)

    def velocity(self, state: TaskState) -> Float64Array:
        """Return velocity along the boom, (n, 1)."""
        return state.travel_velocity[:, None]


@metric("foot_lift", needs=("base", "feet", "gait"), commands=VELOCITY_COMMANDS)
class FootLift(MetricSums):
    """Mean of the highest point of each swing over all feet, m, while the robot is commanded to move."""

    names: tuple[str, ...] = ("foot_lift",)

    def __init__(self, n: int, constants: TaskConstants) -> None:
        feet = constants.feet
        super().__init__(n, peak=np.zeros((n, feet)), swinging=np.zeros((n, feet)), total=np.zeros(n))
        self._columns = constants.columns(VELOCITY_COMMANDS)

    def add(self, state: TaskState, _command_changed: BoolArray | None) -> None:
        """Add one control step."""
        sums = self.arrays
        swinging, peak = state.feet.target > 0.0, sums["peak"]
        ended = (sums["swinging"] > swinging) & ~stands_still(state.command[:, self._columns])[:, None]
        sums["total"] += (peak * ended).sum(axis=1)
        sums["count"] += ended.sum(axis=1)
        np.maximum(peak, state.feet.height, out=peak)
        peak *= swinging
        sums["swinging"][...] = swinging

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean lift, m."""
        return {"foot_lift": self.mean(ids)}


@metric("tip_error", needs=("tip",))
class TipError(MetricSums):
    """Mean distance of the tip from where it should be, m, from 1.5 s after each new target on."""

    names: tuple[str, ...] = ("tip_error",)

    def __init__(self, n: int, constants: TaskConstants) -> None:
        super().__init__(n, age=np.zeros(n), total=np.zeros(n))
        self._settling = round(_TIP_SETTLING * constants.control_rate)

    def add(self, state: TaskState, command_changed: BoolArray | None) -> None:
        """Add one control step."""
        sums = self.arrays
        settled = sums["age"] >= self._settling
        sums["total"] += np.sqrt(np.square(state.tip_offset).sum(axis=1)) * settled
        sums["count"] += settled
        sums["age"] += 1.0
        if command_changed is not None:
            sums["age"][command_changed] = 0.0

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean distance, m."""
        return {"tip_error": self.mean(ids)}


@metric("pose_error", needs=("pose",))
class PoseError(MetricSums):
    """Mean distance of the joints from the commands of their names, rad, from 1 s after each new pose on."""

    names: tuple[str, ...] = ("pose_error",)

    def __init__(self, n: int, constants: TaskConstants) -> None:
        super().__init__(n, age=np.zeros(n), total=np.zeros(n))
        self._constants = constants
        self._settling = round(_SETTLING * constants.control_rate)

    def add(self, state: TaskState, command_changed: BoolArray | None) -> None:
        """Add one control step."""
        sums = self.arrays
        settled = sums["age"] >= self._settling
        sums["total"] += np.abs(pose_error(state, self._constants)).mean(axis=1) * settled
        sums["count"] += settled
        sums["age"] += 1.0
        if command_changed is not None:
            sums["age"][command_changed] = 0.0

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean distance, rad."""
        return {"pose_error": self.mean(ids)}


@metric("hop_error", needs=("rail",), commands=("height",))
class HopError(MetricSums):
    """Mean |apex - commanded height| over the hops of an episode, m: an apex is where a rising robot begins to fall."""

    names: tuple[str, ...] = ("hop_error", "hops")

    def __init__(self, n: int, constants: TaskConstants) -> None:
        super().__init__(n, rising=np.zeros(n), total=np.zeros(n))
        self._constants = constants

    def add(self, state: TaskState, _command_changed: BoolArray | None) -> None:
        """Add one control step."""
        sums = self.arrays
        rising = state.rail_velocity > 0.0
        apex = (sums["rising"] > 0.0) & ~rising & (state.rail_height > _HOP_MIN)
        error = np.abs(state.rail_height - commanded(state, self._constants, "height")[:, 0])
        sums["total"] += error * apex
        sums["count"] += apex
        sums["rising"][...] = rising

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the mean error, m, and how many hops there were."""
        return {"hop_error": self.mean(ids), "hops": self.arrays["count"][ids]}
