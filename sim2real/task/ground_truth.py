"""Reads the true state of simulated robots for the terms of their task."""

import math
from typing import Final

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.schema.command import TIP_COMMANDS, VELOCITY_COMMANDS
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices, columns_of
from sim2real.model.model import RobotModel
from sim2real.model.terrain import Terrain
from sim2real.task.state import BaseState, FeetState, TaskState, stands_still
from sim2real.task.term import Need

Rows = Indices | slice

_ALL: Final = slice(None)


class GroundTruth:
    """The true state of n simulations.

    Args:
        batch: The simulations.
        robot: Their model.
        task: Gives gait and commands.
        needs: What the task's terms need; nothing else is read.
        terrain: The ground, where it is not flat.
        period: Control period, s.
    """

    def __init__(
        self, batch: Batch, robot: RobotModel, task: TaskConfig, needs: frozenset[Need], terrain: Terrain | None
    ) -> None:
        self._robot, self._needs, self._terrain, self._task = robot, needs, terrain, task
        self._qpos: Float64Array = batch.bind("qpos")
        self._qvel: Float64Array = batch.bind("qvel")
        self._sensordata: Float64Array = batch.bind("sensordata")
        self._force: Float64Array | None = None
        if task.action.target != "effort" and "effort" in needs:
            self._force = batch.bind("actuator_force")
        self._q, self._v = columns_of(robot.qpos), columns_of(robot.dof)
        self._gait = _Gait(task) if "gait" in needs else None
        self._radius = np.array([robot.model.geom(foot).size[0] for foot in task.robot.feet])
        names = list(task.commands)
        self._tip_columns = [names.index(name) for name in TIP_COMMANDS] if "tip" in needs else []
        self._tip_before = np.zeros((batch.nsim, 3))

    def read(self, state: TaskState, clock: Float64Array, rows: Rows = _ALL) -> None:
        """Bring a state of some simulations up to date: positions, velocities, and what the terms need.

        Args:
            state: Of as many robots as there are rows; its `command` must be set.
            clock: Time since the episode began, (k, 1), s.
            rows: Which simulations.
        """
        qpos, qvel = self._qpos[rows], self._qvel[rows]
        np.copyto(state.position, qpos[:, self._q])
        np.copyto(state.velocity, qvel[:, self._v])
        if self._force is not None:
            np.copyto(state.effort, self._force[rows][:, self._robot.actuator])
        if "base" in self._needs:
            self._read_base(state.base, qpos, qvel)
        if "feet" in self._needs:
            self._read_feet(state, clock, rows)
        if "tip" in self._needs and self._robot.true_tip is not None:
            self._read_tip(state, rows)
        if "rail" in self._needs and self._robot.rail is not None:
            state.rail_height = qpos[:, self._robot.rail[0]]
            state.rail_velocity = qvel[:, self._robot.rail[1]]
        if "travel" in self._needs and self._robot.travel is not None:
            state.travel_velocity = qvel[:, self._robot.travel[1]]

    def ask(self, state: TaskState, command: Float64Array) -> None:
        """Take in what is asked from now on, (n, C): what was read stays, where the tip should be is new."""
        if self._tip_columns:
            state.tip_offset = state.tip_offset + (command - state.command)[:, self._tip_columns]
        np.copyto(state.command, command)

    def begin(self, ids: Indices) -> None:
        """Take the place of the tip of new episodes, whose sensors are current, as the one it was at before."""
        if self._robot.true_tip is not None:
            self._tip_before[ids] = self._sensordata[np.ix_(ids, self._robot.true_tip)]

    def _read_base(self, base: BaseState, qpos: Float64Array, qvel: Float64Array) -> None:
        if self._robot.base is None:
            return
        start, dof = self._robot.base.qpos, self._robot.base.dof
        w, x, y, z = (qpos[:, start + 3 + part] for part in range(4))
        linear, angular = qvel[:, dof : dof + 3], qvel[:, dof + 3 : dof + 6]
        base.down = np.stack((2.0 * (w * y - x * z), -2.0 * (y * z + w * x), 2.0 * (x * x + y * y) - 1.0), axis=1)
        ahead_x, ahead_y = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z)
        length = np.maximum(np.hypot(ahead_x, ahead_y), 1e-9)
        cosine, sine = ahead_x / length, ahead_y / length
        base.velocity = np.stack(
            (
                cosine * linear[:, 0] + sine * linear[:, 1],
                cosine * linear[:, 1] - sine * linear[:, 0],
                linear[:, 2],
            ),
            axis=1,
        )
        base.angular_velocity = angular
        base.yaw_rate = -np.einsum("ij,ij->i", base.down, angular)
        base.height = qpos[:, start + 2]
        if self._terrain is not None:
            base.height = base.height - self._terrain.height(qpos[:, start : start + 2])

    def _read_feet(self, state: TaskState, clock: Float64Array, rows: Rows) -> None:
        if self._robot.true_feet is None:
            return
        sensors = self._sensordata[rows]
        places, velocities = (sensors[:, columns].reshape(len(sensors), -1, 3) for columns in self._robot.true_feet)
        feet: FeetState = state.feet
        feet.height = places[:, :, 2] - self._radius
        if self._terrain is not None:
            feet.height = feet.height - self._terrain.height(places[:, :, :2])
        feet.speed = np.hypot(velocities[:, :, 0], velocities[:, :, 1])
        if self._gait is not None:
            feet.wanted = self._gait.wanted(clock, state.command)

    def _read_tip(self, state: TaskState, rows: Rows) -> None:
        place = self._sensordata[rows][:, self._robot.true_tip]
        state.tip_offset = state.command[:, self._tip_columns] - place
        state.tip_velocity = (place - self._tip_before[rows]) * self._task.control_rate
        self._tip_before[rows] = place

    def state_dict(self) -> dict[str, Float64Array]:
        """Return what the next reading depends on beside the simulations."""
        return {"tip_before": self._tip_before.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Continue from a state."""
        self._tip_before[...] = state["tip_before"]


class _Gait:
    """How high each foot should be at a time."""

    def __init__(self, task: TaskConfig) -> None:
        gait, names = task.gait, list(task.commands)
        if gait is None or task.phase_frequency is None:
            raise ValueError("the task has no gait")
        self._frequency, self._lift, self._swing = task.phase_frequency, gait.lift, gait.swing
        self._offset = np.array([gait.offsets[foot] for foot in task.robot.feet])
        self._columns = [names.index(name) for name in VELOCITY_COMMANDS if name in names]

    def wanted(self, clock: Float64Array, command: Float64Array) -> Float64Array:
        """Return the height of each foot, (k, F), m: half a sine during its swing."""
        phase = clock * self._frequency - self._offset
        phase -= np.floor(phase)
        height = np.where(phase < self._swing, self._lift * np.sin(math.pi / self._swing * phase), 0.0)
        if self._columns:
            height[stands_still(command[:, self._columns])] = 0.0
        wanted: Float64Array = height
        return wanted
