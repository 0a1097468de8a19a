"""Reads the true state of simulated robots for the terms of their task."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.schema.command import TIP_COMMANDS, VELOCITY_COMMANDS
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Base, Indices, columns_of, joint_levers
from sim2real.model.feet import soles
from sim2real.model.model import RobotModel
from sim2real.model.terrain import Terrain
from sim2real.task.attitude import turned
from sim2real.task.state import TaskState, stands_still

Rows = Indices | slice

_ALL: Final = slice(None)


@dataclass(frozen=True)
class PhysicsArrays:
    """MuJoCo's arrays of n simulations: live, one row each, columns as in the model."""

    qpos: Float64Array
    """(n, nq)"""
    qvel: Float64Array
    """(n, nv)"""
    sensordata: Float64Array
    """(n, nsensordata)"""
    actuator_force: Float64Array
    """(n, nu), N·m; read where joints are not driven by effort."""


class GroundTruth:
    """The true state of n simulations.

    Args:
        arrays: Of the simulations.
        robot: Their model.
        task: Gives gait, goal and commands.
        needs: What the task's terms need; nothing else is read.
        terrain: The ground, where it is not flat.
        vertical: Quaternions that turn the ground's frame into one that stands upright, (n, 4), live, where it slopes.
    """

    def __init__(
        self,
        arrays: PhysicsArrays,
        robot: RobotModel,
        task: TaskConfig,
        needs: frozenset[str],
        *,
        terrain: Terrain | None = None,
        vertical: Float64Array | None = None,
    ) -> None:
        n, names = len(arrays.qpos), list(task.commands)
        self._contact = robot.true_contact if "contact" in needs else None
        bodies = 0 if self._contact is None else len(self._contact) // 3
        self.state = TaskState.zeros(task, n, needs, bodies)
        """Filled by every reading, but for command, actions and commanded efforts: the caller sets these."""
        self._arrays, self._robot, self._terrain, self._vertical = arrays, robot, terrain, vertical
        self._by_effort = task.action.target == "effort"
        self._control_rate = task.control_rate
        self._q, self._v = columns_of(robot.qpos), columns_of(robot.dof)
        self._levers = joint_levers(task.robot)
        self._base = robot.base if "base" in needs else None
        self._feet = robot.true_feet if "feet" in needs else None
        self._tip = robot.true_tip if "tip" in needs else None
        self._rail = robot.rail if "rail" in needs else None
        self._travel = robot.travel if "travel" in needs else None
        self._attitude = _AttitudeColumns.of(robot) if task.goal.kind == "upright" else None
        self._gait = _Gait(task) if "gait" in needs else None
        self._soles = soles(robot.model, robot.start.qpos, [task.robot.in_model(foot) for foot in task.robot.feet])
        self._tip_columns = [names.index(name) for name in TIP_COMMANDS] if "tip" in needs else []
        self._tip_before = np.zeros((n, 3))

    def begin(self, ids: Indices) -> None:
        """Read the state of new episodes, whose sensors are current: nothing has moved before."""
        if self._tip is not None:
            self._tip_before[ids] = self._arrays.sensordata[ids[:, None], self._tip]
        self.read(np.zeros((len(ids), 1)), ids)
        self.state.previous_velocity[ids] = self.state.velocity[ids]

    def read(self, clock: Float64Array, rows: Rows = _ALL) -> None:
        """Update the state of some simulations, one control step after the last read.

        Args:
            clock: Time since the episode began, (k, 1), s.
            rows: Which simulations; their `command` must be set.
        """
        state, qpos, qvel = self.state, self._arrays.qpos[rows], self._arrays.qvel[rows]
        state.position[rows] = qpos[:, self._q]
        state.previous_velocity[rows] = state.velocity[rows]
        state.velocity[rows] = qvel[:, self._v]
        if self._levers is not None:
            state.position[rows] /= self._levers
            state.velocity[rows] /= self._levers
        if not self._by_effort:
            state.effort[rows] = self._arrays.actuator_force[rows][:, self._robot.actuator]
        if self._base is not None:
            self._read_base(self._base, qpos, qvel, rows)
        if self._attitude is not None:
            self._read_attitude(self._attitude, qpos, rows)
        if self._feet is not None:
            self._read_feet(self._feet, clock, rows)
        if self._tip is not None:
            self._read_tip(self._tip, rows)
        if self._rail is not None:
            state.rail_height[rows], state.rail_velocity[rows] = qpos[:, self._rail[0]], qvel[:, self._rail[1]]
        if self._travel is not None:
            state.travel_velocity[rows] = qvel[:, self._travel[1]]
        if self._contact is not None:
            forces = self._arrays.sensordata[rows][:, self._contact]
            state.contact_force[rows] = np.linalg.norm(forces.reshape(len(forces), -1, 3), axis=2)

    def update_command(self, command: Float64Array) -> None:
        """Update the command, (n, C); keep the state that was read."""
        state = self.state
        if self._tip_columns:
            state.tip_offset[...] += (command - state.command)[:, self._tip_columns]
        np.copyto(state.command, command)

    def _read_base(self, at: Base, qpos: Float64Array, qvel: Float64Array, rows: Rows) -> None:
        base = self.state.base
        w, x, y, z = qpos[:, at.qpos + 3 : at.qpos + 7].T.copy()  # each part contiguous: it is read several times
        linear, angular = qvel[:, at.dof : at.dof + 3], qvel[:, at.dof + 3 : at.dof + 6]
        base.down[rows, 0] = 2.0 * (w * y - x * z)
        base.down[rows, 1] = -2.0 * (y * z + w * x)
        base.down[rows, 2] = 2.0 * (x * x + y * y) - 1.0
        ahead_x, ahead_y = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z)
        length = np.maximum(np.hypot(ahead_x, ahead_y), 1e-9)
        cosine, sine = ahead_x / length, ahead_y / length
        base.velocity[rows, 0] = cosine * linear[:, 0] + sine * linear[:, 1]
        base.velocity[rows, 1] = cosine * linear[:, 1] - sine * linear[:, 0]
        base.velocity[rows, 2] = linear[:, 2]
        base.angular_velocity[rows] = angular
        base.yaw_rate[rows] = -np.einsum("ij,ij->i", base.down[rows], angular)
        base.height[rows] = qpos[:, at.qpos + 2]
        if self._terrain is not None:
            base.height[rows] -= self._terrain.height(qpos[:, at.qpos : at.qpos + 2])

    def _read_attitude(self, at: "_AttitudeColumns", qpos: Float64Array, rows: Rows) -> None:
        attitude = (qpos if at.of_base else self._arrays.sensordata[rows])[:, at.columns]
        if self._vertical is not None:
            attitude = turned(self._vertical[rows], attitude[:, None, :])[:, 0]
        self.state.attitude[rows] = attitude

    def _read_feet(self, columns: tuple[Indices, Indices], clock: Float64Array, rows: Rows) -> None:
        sensors, feet = self._arrays.sensordata[rows], self.state.feet
        places, velocities = (sensors[:, part].reshape(len(sensors), -1, 3) for part in columns)
        feet.height[rows] = places[:, :, 2] - self._soles
        if self._terrain is not None:
            feet.height[rows] -= self._terrain.height(places[:, :, :2])
        feet.speed[rows] = np.hypot(velocities[:, :, 0], velocities[:, :, 1])
        if self._gait is not None:
            feet.target[rows] = self._gait.target(clock, self.state.command[rows])

    def _read_tip(self, columns: Indices, rows: Rows) -> None:
        state, place = self.state, self._arrays.sensordata[rows][:, columns]
        state.tip_offset[rows] = state.command[rows][:, self._tip_columns] - place
        state.tip_velocity[rows] = (place - self._tip_before[rows]) * self._control_rate
        self._tip_before[rows] = place

    def state_dict(self) -> dict[str, Float64Array]:
        """Return what the next reading depends on, besides the simulations and the last velocities."""
        return {"tip_before": self._tip_before.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Continue from a state."""
        self._tip_before[...] = state["tip_before"]


@dataclass(frozen=True)
class _AttitudeColumns:
    """Where the attitude of the first IMU's body is, (4,): in `qpos` of a free base, else in `sensordata`."""

    columns: slice | Indices
    of_base: bool

    @classmethod
    def of(cls, robot: RobotModel) -> "_AttitudeColumns":
        if robot.true_attitude is not None:
            return cls(columns_of(robot.true_attitude), of_base=False)
        if robot.base is None:
            raise ValueError("the model has neither a free base nor a sensor of the true attitude")
        return cls(slice(robot.base.qpos + 3, robot.base.qpos + 7), of_base=True)


class _Gait:
    """Target heights of the feet over time."""

    def __init__(self, task: TaskConfig) -> None:
        gait, names = task.gait, list(task.commands)
        if gait is None or task.phase_frequency is None:
            raise ValueError("the task has no gait")
        self._frequency, self._lift, self._swing = task.phase_frequency, gait.lift, gait.swing
        self._offset = np.array([gait.offsets[foot] for foot in task.robot.feet])
        places = [names.index(name) for name in VELOCITY_COMMANDS if name in names]
        self._columns = columns_of(np.array(places, dtype=np.intp)) if places else None

    def target(self, clock: Float64Array, command: Float64Array) -> Float64Array:
        """Return the height of each foot, (k, F), m: half a sine during its swing."""
        phase = clock * self._frequency - self._offset
        phase -= np.floor(phase)
        height = np.where(phase < self._swing, self._lift * np.sin(math.pi / self._swing * phase), 0.0)
        if self._columns is not None:
            height[stands_still(command[:, self._columns])] = 0.0
        target: Float64Array = height
        return target
