"""What a source of commands is: it decides what is asked of simulated robots, and when that changes."""

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
        """Draw the commands of new episodes."""

    def step(self, streams: Streams) -> BoolArray | None:
        """Advance one control step; return who was given new commands, (n,), or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return what the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""


@dataclass(frozen=True)
class CommandSetup:
    """What a source of commands is made from."""

    task: TaskConfig
    """Names the commands and their ranges."""
    robot: RobotSpec
    """Gives the kinematics."""
    out: Float64Array
    """Where all commands are written, (n, C), SI, in the task's order."""
    scale: Float64Array | None
    """Factor on the ranges, (n, 1), if one is drawn."""
    parameters: Mapping[str, float]
    """The numbers that the source declares: the task's, its own for the rest."""

    @property
    def config(self) -> CommandSourceConfig:
        """The task's block `command_source`."""
        return self.task.command_source


class Holds:
    """Counts how long commands stay.

    Args:
        setup: Gives the time that they are held, if they change within an episode.
    """

    def __init__(self, setup: CommandSetup) -> None:
        self._hold, self._rate = setup.config.hold, setup.task.control_rate
        self.left = np.full(len(setup.out), np.iinfo(np.int64).max, np.int64)
        """Control steps until the next draw, (n,)."""

    def begin(self, ids: Indices, streams: Streams) -> None:
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


class HeldCommands(ABC):
    """A source whose commands are drawn for each episode, held for the task's `hold`, and drawn again.

    Args:
        setup: Gives the commands and how long they are held.
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
        self._holds = Holds(setup)

    @abstractmethod
    def draw(self, uniform: Float64Array, ids: Indices) -> Float64Array:
        """Return commands of k robots, (k, C), from random numbers in [0, 1), (k, uniforms)."""

    def begin(self, ids: Indices, streams: Streams) -> None:
        """Draw the commands of new episodes."""
        if not len(self.low):
            return
        self._holds.begin(ids, streams)
        self.setup.out[ids] = self.draw(streams.uniform(ids, self.uniforms), ids)

    def step(self, streams: Streams) -> BoolArray | None:
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
