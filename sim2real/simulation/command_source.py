"""Operator commands of simulated robots: drawn per episode, redrawn after a hold time, or moving."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.command import TIP_COMMANDS, CommandConfig, TipCommandsConfig, UniformCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.model.addresses import Indices
from sim2real.randomization.random_streams import RandomStreams
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import RobotSpec

_TARGETS_MAX: Final = 4096  # tip targets in the table
_POSES: Final = 65_536  # random poses; those with the tip inside the command ranges become targets
_SEED: Final = 5
_JOINT_SHARE: Final = 0.9  # share of each joint's range that poses are drawn from


class CommandSource(Protocol):
    """Writes the commands of n robots."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw commands for new episodes."""

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Advance one control step; return a mask of the robots with new commands, (n,), or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


class _HoldTimer:
    """Counts down the hold times of commands."""

    def __init__(self, n: int, hold: tuple[float, float] | None, control_rate: float) -> None:
        self._hold, self._rate = hold, control_rate
        self.left = np.full(n, np.iinfo(np.int64).max, np.int64)
        """Control steps until the next draw, (n,)."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw new hold times."""
        if self._hold is not None:
            low, high = self._hold
            seconds = low + (high - low) * streams.uniform(ids, 1)[:, 0]
            self.left[ids] = np.maximum(np.rint(seconds * self._rate), 1.0)

    def expired(self) -> BoolArray | None:
        """Count one step; return a mask of the expired hold times, (n,), or None."""
        if self._hold is None:
            return None
        self.left -= 1
        expired = self.left <= 0
        return expired if expired.any() else None


class UniformCommands:
    """Commands drawn uniformly from their ranges, redrawn when their hold time expires.

    Args:
        config: Hold time, and the probability that all commands are zero.
        ranges: The commands and their ranges.
        out: Output buffer, (n, C).
        scale: Factor on the ranges, (n, 1), if randomised.
        control_rate: Hz
    """

    def __init__(
        self,
        config: UniformCommandsConfig,
        ranges: Mapping[str, CommandConfig],
        out: Float64Array,
        scale: Float64Array | None,
        control_rate: float,
    ) -> None:
        self._zero_share, self._out, self._scale = config.zero_share, out, scale
        self._low = np.array([command.range[0] for command in ranges.values()])
        self._high = np.array([command.range[1] for command in ranges.values()])
        self._timer = _HoldTimer(len(out), config.hold, control_rate)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw commands for new episodes."""
        if not len(self._low):
            return
        self._timer.begin(ids, streams)
        uniform = streams.uniform(ids, len(self._low) + 1)
        values = self._low + (self._high - self._low) * uniform[:, 1:]
        if self._scale is not None:
            values *= self._scale[ids]
        values[uniform[:, 0] < self._zero_share] = 0.0
        self._out[ids] = values

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Redraw commands whose hold time has expired."""
        expired = self._timer.expired()
        if expired is not None:
            self.begin(np.flatnonzero(expired), streams)
        return expired

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"left": self._timer.left.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._timer.left[...] = state["left"]


class TipCommands:
    """Reachable tip targets: tip positions of random poses that lie within the command ranges.

    Args:
        config: Hold time of a target, and the speed of a moving one.
        task: Source of the ranges.
        robot: Source of the kinematics.
        out: Output buffer of all commands, (n, C).
    """

    def __init__(self, config: TipCommandsConfig, task: TaskConfig, robot: RobotSpec, out: Float64Array) -> None:
        n, names = len(out), list(task.commands)
        self._out, self._speed = out, config.speed
        self._columns = [names.index(name) for name in TIP_COMMANDS]
        self._low, self._high = (
            np.array([task.commands[name].range[side] for name in TIP_COMMANDS]) for side in range(2)
        )
        self._table = self._reachable(task, robot)
        self._period = 1.0 / task.control_rate
        self._timer = _HoldTimer(n, config.hold, task.control_rate)
        self._next, self._pace = np.zeros((n, 3)), np.zeros(n)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the targets of new episodes; a moving target also gets its next waypoint."""
        self._out[ids[:, None], self._columns] = self._draw(ids, streams)
        self._next_waypoint(ids, streams)

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Move the targets; redraw those whose hold time has expired, or that have arrived."""
        expired = self._timer.expired()
        if self._speed is None:
            if expired is not None:
                self.begin(np.flatnonzero(expired), streams)
            return expired
        target = self._out[:, self._columns]
        way = self._next - target
        length = np.maximum(np.sqrt(np.square(way).sum(axis=1)), 1e-9)
        stride = np.minimum(self._pace * self._period, length)
        self._out[:, self._columns] = target + way * (stride / length)[:, None]
        arrived = length <= stride
        if expired is not None:
            arrived |= expired
        if arrived.any():
            self._next_waypoint(np.flatnonzero(arrived), streams)
        return None

    def _next_waypoint(self, ids: Indices, streams: RandomStreams) -> None:
        self._timer.begin(ids, streams)
        if self._speed is not None:
            low, high = self._speed
            self._next[ids] = self._draw(ids, streams)
            self._pace[ids] = low + (high - low) * streams.uniform(ids, 1)[:, 0]

    def _draw(self, ids: Indices, streams: RandomStreams) -> Float64Array:
        targets: Float64Array = self._table[(streams.uniform(ids, 1)[:, 0] * len(self._table)).astype(np.intp)]
        return targets

    def _reachable(self, task: TaskConfig, robot: RobotSpec) -> Float64Array:
        """Return tip positions, (m, 3), m, that are reachable and within the command ranges.

        Raises:
            ConfigError: There are none.
        """
        middle = np.array([0.5 * (joint.position_min + joint.position_max) for joint in robot.joints])
        half = np.array([0.5 * (joint.position_max - joint.position_min) for joint in robot.joints])
        spread = np.random.default_rng(_SEED).uniform(-_JOINT_SHARE, _JOINT_SHARE, (_POSES, len(half)))
        tips = Kinematics(robot, _POSES).tip(middle + spread * half)
        inside: Float64Array = tips[((tips >= self._low) & (tips <= self._high)).all(axis=1)][:_TARGETS_MAX]
        if not len(inside):
            raise ConfigError(
                f"task {task.name!r}: the tip reaches no position within the ranges of {', '.join(TIP_COMMANDS)}"
            )
        return inside

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return {"left": self._timer.left.copy(), "next": self._next.copy(), "pace": self._pace.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._timer.left[...] = state["left"]
        self._next[...], self._pace[...] = state["next"], state["pace"]


def make_commands(task: TaskConfig, robot: RobotSpec, out: Float64Array, scale: Float64Array | None) -> CommandSource:
    """Return the command source of a task; it writes into `out`, (n, C)."""
    source = task.command_source
    if source.kind == "tip":
        return TipCommands(source, task, robot, out)
    return UniformCommands(source, task.commands, out, scale, task.control_rate)
