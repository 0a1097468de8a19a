"""What is asked of simulated robots: commands drawn for each episode, anew while it lasts, or moving."""

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

_PLACES: Final = 4096  # that targets are chosen from
_TRIED: Final = 65_536  # poses of which those are taken that bring the tip into the commands' ranges
_SEED: Final = 5
_JOINT_SHARE: Final = 0.9  # of a joint's range that places are drawn from


class CommandSource(Protocol):
    """Writes the commands of n robots."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the commands of new episodes."""

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Advance one control step; return who was given new commands, (n,), or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""


class _Holds:
    """Counts how long commands stay."""

    def __init__(self, n: int, hold: tuple[float, float] | None, control_rate: float) -> None:
        self._hold, self._rate = hold, control_rate
        self.left = np.full(n, np.iinfo(np.int64).max, np.int64)
        """Control steps until the next draw, (n,)."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw how long the commands of some robots stay."""
        if self._hold is not None:
            low, high = self._hold
            seconds = low + (high - low) * streams.uniform(ids, 1)[:, 0]
            self.left[ids] = np.maximum(np.rint(seconds * self._rate), 1.0)

    def over(self) -> BoolArray | None:
        """Count one step; return whose time is over, (n,), or None."""
        if self._hold is None:
            return None
        self.left -= 1
        over = self.left <= 0
        return over if over.any() else None


class UniformCommands:
    """Commands drawn uniformly from their ranges, held, and drawn anew.

    Args:
        config: How long they are held, and how often all are zero.
        ranges: The commands.
        out: Where they are written, (n, C).
        scale: Factor on the ranges, (n, 1), if one is drawn.
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
        self._holds = _Holds(len(out), config.hold, control_rate)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the commands of new episodes."""
        if not len(self._low):
            return
        self._holds.begin(ids, streams)
        uniform = streams.uniform(ids, len(self._low) + 1)
        values = self._low + (self._high - self._low) * uniform[:, 1:]
        if self._scale is not None:
            values *= self._scale[ids]
        values[uniform[:, 0] < self._zero_share] = 0.0
        self._out[ids] = values

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Draw anew where the time is over."""
        over = self._holds.over()
        if over is not None:
            self.begin(np.flatnonzero(over), streams)
        return over

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {"left": self._holds.left.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._holds.left[...] = state["left"]


class TipCommands:
    """Places that the tip can reach: where it would be with random joint positions, kept where it is in the ranges.

    Args:
        config: How long a place is held, and how fast the target moves to it.
        task: Gives the ranges.
        robot: Gives the kinematics.
        out: Where all commands are written, (n, C).
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
        self._holds = _Holds(n, config.hold, task.control_rate)
        self._next, self._pace = np.zeros((n, 3)), np.zeros(n)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the place of new episodes; a moving target also gets the next place to go to."""
        self._out[ids[:, None], self._columns] = self._places(ids, streams)
        self._go_on(ids, streams)

    def step(self, streams: RandomStreams) -> BoolArray | None:
        """Move the targets; draw anew where the time is over, or a moving target has arrived."""
        over = self._holds.over()
        if self._speed is None:
            if over is not None:
                self.begin(np.flatnonzero(over), streams)
            return over
        place = self._out[:, self._columns]
        way = self._next - place
        length = np.maximum(np.sqrt(np.square(way).sum(axis=1)), 1e-9)
        stride = np.minimum(self._pace * self._period, length)
        self._out[:, self._columns] = place + way * (stride / length)[:, None]
        arrived = length <= stride
        if over is not None:
            arrived |= over
        if arrived.any():
            self._go_on(np.flatnonzero(arrived), streams)
        return None

    def _go_on(self, ids: Indices, streams: RandomStreams) -> None:
        self._holds.begin(ids, streams)
        if self._speed is not None:
            low, high = self._speed
            self._next[ids] = self._places(ids, streams)
            self._pace[ids] = low + (high - low) * streams.uniform(ids, 1)[:, 0]

    def _places(self, ids: Indices, streams: RandomStreams) -> Float64Array:
        places: Float64Array = self._table[(streams.uniform(ids, 1)[:, 0] * len(self._table)).astype(np.intp)]
        return places

    def _reachable(self, task: TaskConfig, robot: RobotSpec) -> Float64Array:
        """Return places, (m, 3), that the tip can reach within the ranges of the commands.

        Raises:
            ConfigError: It can reach none.
        """
        middle = np.array([0.5 * (joint.position_min + joint.position_max) for joint in robot.joints])
        half = np.array([0.5 * (joint.position_max - joint.position_min) for joint in robot.joints])
        spread = np.random.default_rng(_SEED).uniform(-_JOINT_SHARE, _JOINT_SHARE, (_TRIED, len(half)))
        tips = Kinematics(robot, _TRIED).tip(middle + spread * half)
        inside: Float64Array = tips[((tips >= self._low) & (tips <= self._high)).all(axis=1)][:_PLACES]
        if not len(inside):
            raise ConfigError(
                f"task {task.name!r}: the tip reaches no place within the ranges of {', '.join(TIP_COMMANDS)}"
            )
        return inside

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""
        return {"left": self._holds.left.copy(), "next": self._next.copy(), "pace": self._pace.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._holds.left[...] = state["left"]
        self._next[...], self._pace[...] = state["next"], state["pace"]


def make_commands(task: TaskConfig, robot: RobotSpec, out: Float64Array, scale: Float64Array | None) -> CommandSource:
    """Return where the commands of a task come from; they are written into `out`, (n, C)."""
    source = task.command_source
    if source.kind == "tip":
        return TipCommands(source, task, robot, out)
    return UniformCommands(source, task.commands, out, scale, task.control_rate)
