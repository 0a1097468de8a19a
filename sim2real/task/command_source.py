"""What a command source is: it writes the operator commands of simulated robots."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sim2real.configs.schema.command import CommandSourceConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.runtime.contract.robot import RobotSpec


class Streams(Protocol):
    """Random numbers, one stream for each environment."""

    def uniform(self, ids: Indices, width: int) -> Float64Array:
        """Return uniform numbers in [0, 1) of the streams of k environments, (k, width)."""


class CommandSource(Protocol):
    """Writes the commands of n robots."""

    def begin(self, ids: Indices, streams: Streams) -> None:
        """Draw commands for new episodes."""

    def step(self, streams: Streams) -> BoolArray | None:
        """Advance one control step; return a mask of the robots with new commands, (n,), or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


@dataclass(frozen=True)
class CommandSetup:
    """What a command source is created from."""

    task: TaskConfig
    """Source of the commands and their ranges."""
    robot: RobotSpec
    """Source of the kinematics."""
    out: Float64Array
    """Output buffer of all commands, (n, C), SI, in the task's order."""
    scale: Float64Array | None
    """Factor on the ranges, (n, 1), if randomised."""
    parameters: Mapping[str, float]
    """The numbers that the source declares: the task's, its own for the rest."""

    @property
    def config(self) -> CommandSourceConfig:
        """The task's block `command_source`."""
        return self.task.command_source


class HoldTimer:
    """Counts down the hold times of commands.

    Args:
        setup: Source of the hold time, if commands change within an episode.
    """

    def __init__(self, setup: CommandSetup) -> None:
        self._hold, self._rate = setup.config.hold, setup.task.control_rate
        self.left = np.full(len(setup.out), np.iinfo(np.int64).max, np.int64)
        """Control steps until the next draw, (n,)."""

    def begin(self, ids: Indices, streams: Streams) -> None:
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


class HeldCommands(ABC):
    """A source whose commands are drawn per episode, and redrawn when the task's `hold` time expires.

    Args:
        setup: Source of the commands and their hold time.
    """

    uniforms: int
    """How many random numbers a draw takes of each robot's stream."""

    def __init__(self, setup: CommandSetup) -> None:
        ranges = setup.task.commands.values()
        self.setup = setup
        self.low = np.array([command.range[0] for command in ranges])
        """Lowest values, (C,)."""
        self.high = np.array([command.range[1] for command in ranges])
        """Highest values, (C,)."""
        self._timer = HoldTimer(setup)

    @abstractmethod
    def draw(self, uniform: Float64Array, ids: Indices) -> Float64Array:
        """Return commands of k robots, (k, C), from random numbers in [0, 1), (k, uniforms)."""

    def begin(self, ids: Indices, streams: Streams) -> None:
        """Draw commands for new episodes."""
        if not len(self.low):
            return
        self._timer.begin(ids, streams)
        values, shape = self.draw(streams.uniform(ids, self.uniforms), ids), (len(ids), len(self.low))
        if values.shape != shape:
            raise ValueError(f"draw returned {values.shape}; valid: {shape}")
        self.setup.out[ids] = values

    def step(self, streams: Streams) -> BoolArray | None:
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
