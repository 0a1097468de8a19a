"""The shipped command sources: drawn per episode, redrawn after a hold time, or moving."""

from typing import Any, Final

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.command import TIP_COMMANDS, TipCommandsConfig, UniformCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.task.command_source import CommandSetup, HeldCommands, HoldTimer, Streams
from sim2real.task.declaration import command

_TARGETS_MAX: Final = 4096  # tip targets in the table
_POSES: Final = 65_536  # random poses; those with the tip inside the command ranges become targets
_SEED: Final = 5
JOINT_SHARE: Final = 0.9
"""Share of each joint's range that the poses are drawn from whose tips become targets."""


@command("uniform")
class UniformCommands(HeldCommands):
    """Commands drawn uniformly from their ranges, redrawn when their hold time expires.

    Args:
        setup: Source of the ranges, the hold time, and the probability that all commands are zero.
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
    """Reachable tip targets: tip positions of random poses that lie within the command ranges.

    Args:
        setup: Source of ranges and kinematics, the hold time of a target, and the speed of a moving one.
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
        self._timer = HoldTimer(setup)
        self._next, self._pace = np.zeros((n, 3)), np.zeros(n)

    def begin(self, ids: Indices, streams: Streams) -> None:
        """Draw the targets of new episodes; a moving target also gets its next waypoint."""
        self._out[ids[:, None], self._columns] = self._draw(ids, streams)
        self._next_waypoint(ids, streams)

    def step(self, streams: Streams) -> BoolArray | None:
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

    def _next_waypoint(self, ids: Indices, streams: Streams) -> None:
        self._timer.begin(ids, streams)
        if self._speed is not None:
            low, high = self._speed
            self._next[ids] = self._draw(ids, streams)
            self._pace[ids] = low + (high - low) * streams.uniform(ids, 1)[:, 0]

    def _draw(self, ids: Indices, streams: Streams) -> Float64Array:
        targets: Float64Array = self._table[(streams.uniform(ids, 1)[:, 0] * len(self._table)).astype(np.intp)]
        return targets

    def _reachable(self, task: TaskConfig, robot: RobotSpec) -> Float64Array:
        """Return tip positions, (m, 3), m, that are reachable and within the command ranges.

        Raises:
            ConfigError: There are none.
        """
        middle = np.array([0.5 * (joint.position_min + joint.position_max) for joint in robot.joints])
        half = np.array([0.5 * (joint.position_max - joint.position_min) for joint in robot.joints])
        spread = np.random.default_rng(_SEED).uniform(-JOINT_SHARE, JOINT_SHARE, (_POSES, len(half)))
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
