"""Thousands of randomised robots stepped together: the core behind the vector and the single environment."""

from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt
from mujoco.batch import Batch, SimulationError

from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig
from hardware.types import Float64Array
from runtime.contract.action import ActionPipeline
from runtime.contract.goal import goal_error
from runtime.contract.observation import Float32Array, ObservationPipeline
from runtime.contract.signals import Signals
from runtime.contract.spec import contract_of
from sim2real.episodes import EpisodeStatistics
from sim2real.imu import FirstImuReadings
from sim2real.latency import EpisodeLatency
from sim2real.model import GROUP_OF_TERM, Indices, build_model, columns_of
from sim2real.noise import quantize, reading_noises, register_resolution
from sim2real.randomization import EpisodePhysics
from sim2real.terms import REWARDS, TERMINATIONS, TaskConstants, TaskState
from sim2real.transition import Transition


class Simulation:
    """n simulations of one task on MuJoCo's batch, with the robot's contract at both ends.

    Latency is exact to the physics step: an observation latency is the age of the reading when it is observed.
    A reading is never younger than one physics step: `Batch.step` leaves the sensors as of the last substep's start.

    Args:
        task: The task.
        randomization: How episodes differ.
        n: Number of simulations.
        seed: Seed of everything random here.
        threads: Threads that step the simulations; 0 uses every core. Results do not depend on it.
    """

    def __init__(
        self, task: TaskConfig, randomization: RandomizationConfig, n: int, *, seed: int = 0, threads: int = 0
    ) -> None:
        self.task, self.randomization, self.n = task, randomization, n
        self.contract = contract_of(task)
        latency = randomization.latency
        groups = {GROUP_OF_TERM[entry.term] for entry in task.observation if entry.term in GROUP_OF_TERM}
        self._groups = tuple(sorted(groups))
        self._robot = build_model(
            task,
            action_delay_max=latency.action[1],
            observation_delay_max=latency.observation[1],
            imu_delay_max=latency.imu[1],
            groups=self._groups,
        )
        self.batch = Batch(self._robot.model, nsim=n, nthread=threads)
        self._rng = np.random.default_rng(seed)
        self.observation_pipeline = ObservationPipeline(self.contract, n)
        self.action_pipeline = ActionPipeline(self.contract, n)
        self._latency = EpisodeLatency(self.batch, self._robot, self._groups, latency, task.physics.timestep)
        self._bind()
        self._physics = EpisodePhysics(self.batch, self._robot, randomization, self._strength)
        self._noises = reading_noises(n, randomization.noise, task.robot)
        resolution = register_resolution(task.robot)["joint_effort"]
        self._effort_resolution = resolution if randomization.noise.quantize else None
        self.length_max = round(task.episode_duration * task.control_rate)
        self._hold = min(round(task.goal.hold * task.control_rate), self.length_max)
        self.episodes = EpisodeStatistics(n, tuple(entry.term for entry in task.rewards))
        self._weights = np.array([entry.weight / task.control_rate for entry in task.rewards])

    def _bind(self) -> None:
        """Get the live arrays of the batch, and make the buffers."""
        n, batch, robot = self.n, self.batch, self._robot
        joints = len(robot.qpos)
        self._control = batch.bind("ctrl")
        self._qpos, self._qvel = batch.bind("qpos"), batch.bind("qvel")
        self._sensordata, self._history = batch.bind("sensordata"), batch.bind("history")
        self._first_imus = FirstImuReadings(batch, robot, self._groups, self._latency.sensor)
        self._columns = {group: columns_of(robot.sensors[group]) for group in self._groups}
        self._q, self._v = columns_of(robot.qpos), columns_of(robot.dof)
        self._u = columns_of(robot.control)
        self._template = batch.state[0].copy()
        # MuJoCo resets a simulation whose state is bad and counts that here.
        first, last = mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQACC
        self._bad_states = batch.warning[:, int(first) : int(last) + 1, 1]
        self._strength = np.ones((n, joints))
        self.signals = Signals.zeros(n, joints, len(self.task.robot.imus), len(self.task.commands))
        # Views with one row for each robot, into which sensors are copied.
        self._readings: dict[str, Float64Array] = {
            group: getattr(self.signals, group).reshape(n, -1) for group in self._groups
        }
        self._constants = TaskConstants.of(self.task)
        self._state = TaskState(
            position=np.zeros((n, joints)),
            velocity=np.zeros((n, joints)),
            effort=np.zeros((n, joints)),
            action=self.action_pipeline.last_action,
            previous_action=np.zeros((n, joints), np.float32),
            goal_error=np.zeros(n),
        )
        self._goal_joint = list(self.task.robot.joints).index(self.task.goal.joint)
        self._rewards = np.zeros((len(self.task.rewards), n))
        size = self.contract.observation_size
        self.transition = Transition(
            observation=self.observation_pipeline.observation,
            final_observation=np.zeros((n, size), np.float32),
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
        )

    def seed(self, seed: int) -> None:
        """Start the random numbers anew."""
        self._rng = np.random.default_rng(seed)

    def stagger(self) -> None:
        """Give every running episode a random age."""
        self.episodes.length[:] = self._rng.integers(0, self.length_max, self.n)

    def begin(self, ids: Indices) -> None:
        """Begin new episodes of some simulations; their rows of `transition.observation` show the first observation."""
        self._physics.draw(ids, self._rng)
        self._latency.draw(ids, self._rng)
        position, velocity = self._place(ids)
        first = Signals.zeros(len(ids), position.shape[1], len(self.task.robot.imus), len(self.task.commands))
        present = {"joint_position": position, "joint_velocity": velocity, **self._first_imus.read(ids)}
        for group in self._groups:
            values: Float64Array = getattr(first, group).reshape(len(ids), -1)
            if group in present:
                values[:] = present[group]
            noise = self._noises[group]
            noise.begin(ids, self._rng)
            noise.first(ids, values, self._rng)
        self._draw_commands(ids)
        first.command[:] = self.signals.command[ids]
        self.action_pipeline.reset(ids)
        self._state.previous_action[ids] = 0.0
        none = np.zeros((len(ids), self.contract.action_size), np.float32)
        self.observation_pipeline.restart(ids, first, none)

    def step(self, action: Float32Array) -> Indices:
        """Advance every simulation by one control step and fill `transition`; return who ended, without beginning anew.

        Args:
            action: (n, A).
        """
        out, state = self.transition, self._state
        np.copyto(state.previous_action, state.action)
        self._command(action)
        failed = self._advance()
        self._sense()
        np.copyto(state.position, self._qpos[:, self._q])
        np.copyto(state.velocity, self._qvel[:, self._v])
        state.goal_error = goal_error(state.position[:, self._goal_joint], self.task.goal.position, self.task.goal.wrap)
        self._judge(failed)
        if self.contract.phase_frequency is not None:
            np.multiply(self.episodes.length[:, None], 1.0 / self.contract.control_rate, out=self.signals.clock)
        self.observation_pipeline.observe(self.signals, self.action_pipeline.last_action)
        np.copyto(out.final_observation, out.observation)
        return np.flatnonzero(out.terminated | out.truncated)

    def finish(self, ids: Indices) -> None:
        """Count the episodes of some simulations as ended: success is an unbroken hold at the end of a full episode."""
        success = self.transition.truncated[ids] & (self.episodes.held[ids] >= self._hold)
        self.episodes.finish(ids, success)

    def _draw_commands(self, ids: Indices) -> None:
        """Draw what is asked of the policy in new episodes."""
        for column, command in enumerate(self.task.commands.values()):
            self.signals.command[ids, column] = self._rng.uniform(*command.range, len(ids))

    def _place(self, ids: Indices) -> tuple[Float64Array, Float64Array]:
        """Draw the joint state of new episodes and write the whole simulation state, delay buffers included."""
        reset, shape = self.task.reset, (len(ids), len(self._robot.qpos))
        position = self._rng.uniform(*reset.position, shape)
        if reset.around == "default":
            position += [joint.default_position for joint in self.task.robot.joints.values()]
        velocity = self._rng.uniform(*reset.velocity, shape)
        if reset.start_pose_share > 0.0:
            self._start_as_on_the_robot(position, velocity)
        self.batch.state[ids] = self._template
        self._qpos[np.ix_(ids, self._robot.qpos)] = position
        self._qvel[np.ix_(ids, self._robot.dof)] = velocity
        # A reset leaves zeros in the delay buffers; what was read and commanded before the episode must be neutral.
        initial = {"joint_position": position, "joint_velocity": velocity}
        for group in self._groups:
            if group in initial:
                self._fill(ids, self._robot.sensor_history[group], initial[group])
        neutral = np.zeros(shape) if self.contract.action.target == "effort" else position
        self._control[np.ix_(ids, self._robot.control)] = neutral
        self._fill(ids, self._robot.control_history, neutral)
        return position, velocity

    def _start_as_on_the_robot(self, position: Float64Array, velocity: Float64Array) -> None:
        """Put some of the new episodes, (k, J) each, at rest where the ramp to the start pose would leave them."""
        robot = self.task.robot
        chosen = self._rng.random(len(position)) < self.task.reset.start_pose_share
        pose = np.array([joint.default_position for joint in robot.joints.values()])
        position[chosen] = pose + self._rng.uniform(-1.0, 1.0, position[chosen].shape) * robot.ready.tolerance
        velocity[chosen] = 0.0

    def _fill(self, ids: Indices, columns: npt.NDArray[np.intp], values: Float64Array) -> None:
        if columns.size:
            self._history[ids[:, None, None], columns] = values[:, :, None]

    def _command(self, action: Float32Array) -> None:
        targets = self.action_pipeline.apply(action)
        if self.contract.action.target == "effort":
            effort = self._state.effort
            np.copyto(effort, targets.effort)
            if self._effort_resolution is not None:
                quantize(effort, self._effort_resolution)
            self._control[:, self._u] = effort * self._strength
        else:
            self._control[:, self._u] = targets.position

    def _advance(self) -> Indices | None:
        """Step the physics; return the simulations that MuJoCo refused to step."""
        try:
            self.batch.step(nstep=self.task.decimation)
        except SimulationError as error:
            return np.asarray(error.ids, np.intp)
        return None

    def _sense(self) -> None:
        for group in self._groups:
            values = self._readings[group]
            np.copyto(values, self._sensordata[:, self._columns[group]])
            self._noises[group].apply(values, self._rng)

    def _judge(self, failed: Indices | None) -> None:
        """Compute rewards and ends of episodes."""
        out, state, task = self.transition, self._state, self.task
        for row, entry in enumerate(task.rewards):
            np.multiply(
                REWARDS[entry.term](state, self._constants, entry.scale), self._weights[row], out=self._rewards[row]
            )
        broken = self._diverged(failed)
        self._rewards[:, broken] = 0.0
        self.episodes.add(self._rewards, np.abs(state.goal_error) <= task.goal.tolerance)
        out.terminated[:] = False
        for term in task.terminations:
            np.logical_or(out.terminated, TERMINATIONS[term](state, self._constants), out=out.terminated)
        out.terminated[broken] = True
        np.sum(self._rewards, axis=0, out=out.reward)
        np.subtract(out.reward, task.termination_penalty, out=out.reward, where=out.terminated)
        np.greater_equal(self.episodes.length, self.length_max, out=out.truncated)
        np.logical_and(out.truncated, ~out.terminated, out=out.truncated)

    def _diverged(self, failed: Indices | None) -> Indices:
        """Return and count the simulations that are no longer finite; their readings become neutral numbers."""
        state = self._state
        finite = np.isfinite(state.position + state.velocity).all(axis=1) & ~self._bad_states.any(axis=1)
        if failed is not None:
            finite[failed] = False
        broken = np.flatnonzero(~finite)
        if len(broken):
            self.episodes.diverged += len(broken)
            self._bad_states[broken] = 0
            for group, values in self._readings.items():
                values[broken] = 0.0 if group != "orientation" else np.tile([1.0, 0.0, 0.0, 0.0], values.shape[1] // 4)
        return broken

    def state_dict(self) -> dict[str, Any]:
        """Return everything that resuming bit for bit needs: arrays and plain data."""
        return {
            "rng": self._rng.bit_generator.state,
            "state": self.batch.state.copy(),
            "strength": self._strength.copy(),
            "fields": {name: self.batch.expand(name).copy() for name in self._expanded()},
            "noise": {group: self._noises[group].state_dict() for group in self._groups},
            "last_action": self.action_pipeline.last_action.copy(),
            "command": self.signals.command.copy(),
            "pipeline": self.observation_pipeline.state_dict(),
            "episodes": self.episodes.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state that `state_dict` of the same task and size returned."""
        self._rng.bit_generator.state = state["rng"]
        for name in self._expanded():
            self.batch.expand(name)[...] = state["fields"][name]
        if self._expanded():
            self.batch.set_const()
        self.batch.state[...] = state["state"]
        self._strength[...] = state["strength"]
        for group in self._groups:
            self._noises[group].load_state_dict(state["noise"][group])
        self.action_pipeline.last_action[...] = state["last_action"]
        self.signals.command[...] = state["command"]
        self.observation_pipeline.load_state_dict(state["pipeline"])
        self.episodes.load_state_dict(state["episodes"])

    def _expanded(self) -> list[str]:
        return [*self._physics.field_names, *self._latency.field_names]
