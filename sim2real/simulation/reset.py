"""Initial states of episodes: joints, base, and the delay buffers of commands."""

import math
from typing import Final

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.model.terrain import Terrain
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import RandomStreams
from sim2real.task.attitude import turned

_LYING_HEIGHT: Final = 0.12  # m, base height above the ground for starts in a random attitude


def reset_limits(task: TaskConfig) -> tuple[Float64Array, Float64Array]:
    """Return the lowest and highest start position of the joints, (J,) each, rad: draws are kept within.

    Raises:
        ConfigError: A joint would always start outside its position limits.
    """
    reset, joints = task.reset, task.robot.joints
    for name, joint in joints.items():
        around = joint.default_position if reset.around == "default" else 0.0
        (low, high), (lowest, highest) = reset.position, joint.position_limits
        if not (around + low <= highest and lowest <= around + high):
            first, last = math.degrees(around + low), math.degrees(around + high)
            raise ConfigError(
                f"task {task.name!r}: reset.position starts joint {name!r} between {first:.4g} and {last:.4g} deg, "
                f"outside its position_limits; valid: a range that meets {math.degrees(lowest):.4g} to "
                f"{math.degrees(highest):.4g} deg, or reset.around: default"
            )
    limits = np.array([joint.position_limits for joint in joints.values()])
    return limits[:, 0], limits[:, 1]


class Reset:
    """Sets the initial states of n simulations.

    Args:
        batch: The simulations.
        robot: Their model.
        task: Source of the reset ranges.
        parameters: Source of joint offsets and ground roughness.
        terrain: Rough ground; None if flat.

    Raises:
        ConfigError: A joint would always start outside its position limits.
    """

    def __init__(
        self,
        batch: Batch,
        robot: RobotModel,
        task: TaskConfig,
        parameters: EpisodeParameters,
        terrain: Terrain | None,
    ) -> None:
        self._batch, self._robot, self._task, self._terrain = batch, robot, task, terrain
        self._qpos: Float64Array = batch.bind("qpos")
        self._qvel: Float64Array = batch.bind("qvel")
        self._history: Float64Array = batch.bind("history")
        self._activation: Float64Array = batch.bind("act")
        self._qpos[:] = robot.start.qpos
        self._template = batch.state[0].copy()
        self._offset = parameters.array("joint_offset")
        self._roughness = parameters.array("terrain_roughness")
        self._limits = reset_limits(task)
        self._pose = np.array([joint.default_position for joint in task.robot.joints.values()])

    def draw(self, ids: Indices, streams: RandomStreams) -> tuple[Float64Array, Float64Array]:
        """Draw and write the initial states of new episodes; return joint positions and velocities, (k, J)."""
        position, velocity = self._joints(ids, streams)
        if self._offset is not None:
            # The encoders, with their offsets, then read the drawn position.
            position -= self._offset[ids]
        self._batch.state[ids] = self._template
        start = self._robot.start
        states = start.place(position)
        speeds = start.follow(states, velocity)
        self._qpos[ids], self._qvel[ids] = states, speeds
        position, velocity = start.positions(states), start.velocities(speeds)
        if self._robot.base is not None:
            self._draw_base(ids, self._robot.base.qpos, streams)
        return position, velocity

    def fill_controls(self, ids: Indices, controls: Float64Array) -> None:
        """Fill the delay buffers of commands of new episodes with controls, (k, J).

        Also sets the internal target of motors that move it towards the goal.
        """
        moving = self._robot.moving_target
        if moving.size:
            self._activation[ids[:, None], moving[:, 0]] = controls[:, moving[:, 1]]
        columns = self._robot.control_history
        if columns.size:
            self._history[ids[:, None, None], columns] = controls[:, :, None]

    def restore_initial(self, ids: Indices) -> None:
        """Set some simulations to the model's initial state."""
        self._batch.state[ids] = self._template

    def _joints(self, ids: Indices, streams: RandomStreams) -> tuple[Float64Array, Float64Array]:
        reset, robot = self._task.reset, self._task.robot
        joints = len(self._pose)
        uniform = streams.uniform(ids, 2 * joints + 1)
        position = _between(reset.position, uniform[:, :joints])
        if reset.around == "default":
            position += self._pose
        low, high = self._limits
        np.maximum(position, low, out=position)  # as np.clip does, in a quarter of its time
        np.minimum(position, high, out=position)
        velocity = _between(reset.velocity, uniform[:, joints : 2 * joints])
        if reset.start_pose_share > 0.0:
            # At rest, where the ramp to the start pose ends on the robot.
            chosen = uniform[:, -1] < reset.start_pose_share
            spread = 2.0 * streams.uniform(ids, joints) - 1.0
            position[chosen] = self._pose + spread[chosen] * robot.ready.tolerance
            velocity[chosen] = 0.0
        return position, velocity

    def _draw_base(self, ids: Indices, column: int, streams: RandomStreams) -> None:
        """Draw the poses of free bases: position on their terrain level, heading, and for some a random attitude."""
        uniform = streams.uniform(ids, 7)
        ground = np.zeros(len(ids))
        if self._terrain is not None:
            roughness = np.zeros(len(ids)) if self._roughness is None else self._roughness[ids, 0]
            place = self._terrain.start_positions(self._terrain.level_of(roughness), uniform[:, :2])
            self._qpos[ids, column] = place[:, 0]
            self._qpos[ids, column + 1] = place[:, 1]
            # Above the highest ground within reach: no foot may start inside it.
            around = place[:, None, :] + _AROUND
            ground = self._terrain.height(around).max(axis=1)
        heading = math.pi * uniform[:, 2]
        turn = np.stack((np.cos(heading), 0.0 * heading, 0.0 * heading, np.sin(heading)), axis=1)
        start = self._robot.start
        attitude = turned(turn, start.qpos[None, None, column + 3 : column + 7].repeat(len(ids), axis=0))[:, 0]
        height = start.height + ground
        lying = uniform[:, 3] < self._task.reset.lying_share
        attitude[lying] = _random_attitude(uniform[lying, 4:])
        height[lying] = _LYING_HEIGHT + ground[lying]
        self._qpos[ids, column + 2] = height
        self._qpos[ids[:, None], column + 3 + np.arange(4)] = attitude


_AROUND: Final = np.stack(np.meshgrid(np.linspace(-0.2, 0.2, 9), np.linspace(-0.2, 0.2, 9)), axis=-1).reshape(-1, 2)


def _between(low_high: tuple[float, float], uniform: Float64Array) -> Float64Array:
    low, high = low_high
    return low + (high - low) * uniform


def _random_attitude(uniform: Float64Array) -> Float64Array:
    """Return uniformly distributed unit quaternions, (k, 4), from uniform numbers, (k, 3) (Shoemake 1992)."""
    first, second, third = uniform.T
    a, b = np.sqrt(1.0 - first), np.sqrt(first)
    return np.stack(
        (
            a * np.sin(2.0 * math.pi * second),
            a * np.cos(2.0 * math.pi * second),
            b * np.sin(2.0 * math.pi * third),
            b * np.cos(2.0 * math.pi * third),
        ),
        axis=1,
    )
