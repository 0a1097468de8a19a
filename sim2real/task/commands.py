"""The shipped sources of commands: drawn for each episode, drawn again while it lasts, or moving."""

from typing import Any, Final

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.command import TIP_COMMANDS, TipCommandsConfig, UniformCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.task.command_source import CommandSetup, HeldCommands, Holds, Streams
from sim2real.task.declaration import command

_PLACES: Final = 4096  # that targets are chosen from
_TRIED: Final = 65_536  # poses of which those are taken that bring the tip into the commands' ranges
_SEED: Final = 5
_JOINT_SHARE: Final = 0.9  # of a joint's range that places are drawn from


@command("uniform")
class UniformCommands(HeldCommands):
    """Commands drawn uniformly from their ranges, held, and drawn anew.

    Args:
        setup: Gives the ranges, how long they are held, and how often all are zero.
    """

    def __init__(self, setup: CommandSetup) -> None:
        super().__init__(setup)
        self.uniforms = len(self.low) + 1
        config = setup.config
        self._zero_share = config.zero_share if isinstance(config, UniformCommandsConfig) else 0.0

    def draw(self, uniform: Float64Array, ids: Indices) -> Float64Array:
        """Return commands of k robots, (k, C), from random numbers, (k, C + 1)."""
        values: Float64Array = self.low + (self.high - self.low) * uniform[:, 1:]
        if self.setup.scale is not None:
            values *= self.setup.scale[ids]
        values[uniform[:, 0] < self._zero_share] = 0.0
        return values


@command("tip", needs=("tip",))
class TipCommands:
    """Places that the tip can reach: where it would be with random joint positions, kept where it is in the ranges.

    Args:
        setup: Gives ranges and kinematics, how long a place is held, and how fast the target moves to it.
    """

    def __init__(self, setup: CommandSetup) -> None:
        task, robot, out = setup.task, setup.robot, setup.out
        n, names = len(out), list(task.commands)
        self._out, self._speed = out, setup.config.speed if isinstance(setup.config, TipCommandsConfig) else None
        self._columns = [names.index(name) for name in TIP_COMMANDS]
        self._low, self._high = (
            np.array([task.commands[name].range[side] for name in TIP_COMMANDS]) for side in range(2)
        )
        self._table = self._reachable(task, robot)
        self._period = 1.0 / task.control_rate
        self._holds = Holds(setup)
        self._next, self._pace = np.zeros((n, 3)), np.zeros(n)

    def begin(self, ids: Indices, streams: Streams) -> None:
        """Draw the place of new episodes; a moving target also gets the next place to go to."""
        self._out[ids[:, None], self._columns] = self._places(ids, streams)
        self._go_on(ids, streams)

    def step(self, streams: Streams) -> BoolArray | None:
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

    def _go_on(self, ids: Indices, streams: Streams) -> None:
        self._holds.begin(ids, streams)
        if self._speed is not None:
            low, high = self._speed
            self._next[ids] = self._places(ids, streams)
            self._pace[ids] = low + (high - low) * streams.uniform(ids, 1)[:, 0]

    def _places(self, ids: Indices, streams: Streams) -> Float64Array:
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
