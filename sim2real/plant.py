"""MuJoCo plant of the emulator: the robot's model, driven by the torques of its emulated motors."""

from collections.abc import Sequence
from math import acos, hypot

import mujoco
import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.emulator.plant import BaseMotion, BasePose
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import columns_of, imu_columns, joint_addresses, joint_levers
from sim2real.model.dry_friction import DryFriction
from sim2real.model.injection import IMU_GROUPS, add_imu
from sim2real.model.model import compile_spec, load_start, strip
from sim2real.model.start_state import StartState

_JAM_FRICTION = 1e3
"""Dry friction of a jammed joint, N·m. The solver finds it together with the contacts; a large damping it knows nothing
of, and a leg on the ground with such a joint throws the robot into the air."""

_JAM_IMPEDANCE = (0.99, 0.99, 0.001, 0.5, 2.0)
"""`solimp` of this friction: some 0.05 rad/s of creep. Ten times harder, a leg on the ground makes the solver fail."""

_GRIP_DAMPING = 1e4
"""Damping by which a hand moves a joint, N·m·s/rad: a torque of 10 N·m turns it by 1 mrad/s more or less."""


class MujocoPlant:
    """Mechanics of a robot in MuJoCo.

    The joints model gear friction and rotor inertia; the emulated firmware models the rest of the motors.

    Args:
        robot: The robot; it starts in its start pose.

    Raises:
        UserError: The model does not fit the robot.
    """

    timestep_ns = 1_000_000

    def __init__(self, robot: RobotConfig) -> None:
        spec, pose = load_start(robot)
        strip(spec)
        spec.option.timestep = self.timestep_ns * 1e-9
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        for name, imu in robot.imus.items():
            add_imu(spec, robot, name, imu, IMU_GROUPS)
        self.model = compile_spec(spec, robot)
        self.data = mujoco.MjData(self.model)
        self._qpos, self._dof = map(columns_of, joint_addresses(self.model, robot))
        # MuJoCo creates a new array object at each access of a field; these views are kept.
        self._all_positions: Float64Array = self.data.qpos
        self._all_velocities: Float64Array = self.data.qvel
        self._all_efforts: Float64Array = self.data.qfrc_applied
        self._levers = joint_levers(robot)
        self._in_model = robot.in_model
        self._dof_of_joint = np.arange(self.model.nv)[self._dof]
        self._grip = np.zeros(len(self._dof_of_joint))  # of hands, N·m
        # Fancy indices copy: what they were before any joint was jammed or gripped.
        self._damping = self.model.dof_damping[self._dof_of_joint]
        self._friction = self.model.dof_frictionloss[self._dof_of_joint]
        self._dry_friction = DryFriction(robot)
        self._in_hand = np.zeros(len(self._dof_of_joint), np.bool_)
        self._free = np.ones(len(self._dof_of_joint), np.bool_)  # of jams
        self._impedance = self.model.dof_solimp[self._dof_of_joint]
        self.start = StartState(self.model, robot, pose)
        """Start states: motor joints, passive joints and base."""
        sensors: Float64Array = self.data.sensordata
        self._imus = {
            imu.body: [sensors[columns_of(imu_columns(self.model, name, group))] for group in IMU_GROUPS]
            for name, imu in robot.imus.items()
        }
        base = self.start.base
        self._base = None if base is None else (base.qpos, base.dof)
        self.position: Float64Array = np.zeros(len(robot.joints))
        """Joint angles, (J,), rad."""
        self.velocity: Float64Array = np.zeros(len(robot.joints))
        """Joint velocities, (J,), rad/s."""
        self.diverged = False
        """Whether a step ended in a state that is none."""
        self.reset()

    def reset(self) -> None:
        """Set the robot to its start pose, at rest."""
        mujoco.mj_resetData(self.model, self.data)
        if self._dry_friction.varies:
            self._friction[:] = self._dry_friction.unloaded
            self._put_friction()
        self._all_positions[:] = self.start.qpos
        mujoco.mj_forward(self.model, self.data)
        self._read()

    def step(self, effort: Float64Array) -> None:
        """Advance one timestep under the motors' electromagnetic torques, (J,), N·m.

        Raises:
            UserError: The state is no longer one: MuJoCo would go on from the start pose as if nothing had happened.
        """
        pushed = effort + self._grip
        self._all_efforts[self._dof] = pushed if self._levers is None else pushed / self._levers
        before_s = self.data.time
        mujoco.mj_step(self.model, self.data)
        if self.data.time <= before_s:  # MuJoCo has reset it
            self.diverged = True
            raise UserError(
                f"the simulated mechanics diverged {before_s:.3f} s after the start: a position, velocity or "
                "acceleration was not finite or above 1e10; look for contacts that overlap and very small masses"
            )
        if self._dry_friction.varies:
            self._follow_load(effort if self._levers is None else effort / self._levers)
        self._read()

    def _follow_load(self, motors: Float64Array) -> None:
        """Set the joints' dry friction of the next step; `motors` are the forces of the motors in the last, (J,)."""
        data, dof = self.data, self._dof
        self._friction[:] = self._dry_friction.budget(
            self._friction,
            self._all_velocities[dof],
            motors,
            # The damper of a joint in a hand is the hand.
            data.qfrc_smooth[dof] - np.where(self._in_hand, 0.0, data.qfrc_damper[dof]),
            data.qfrc_constraint[dof],
        )
        self._put_friction()

    def _put_friction(self) -> None:
        self.model.dof_frictionloss[self._dof_of_joint[self._free]] = self._friction[self._free]

    def _read(self) -> None:
        self.position[:] = self._all_positions[self._qpos]
        self.velocity[:] = self._all_velocities[self._dof]
        if self._levers is not None:
            self.position /= self._levers
            self.velocity /= self._levers

    def imu(self, body: str) -> Motion:
        """Return the motion of a body that carries an IMU, at the start of the last timestep."""
        angular_velocity, linear_acceleration, orientation = (values.tolist() for values in self._imus[body])
        return Motion(tuple(orientation), tuple(angular_velocity), tuple(linear_acceleration))

    def place(self, position: Float64Array, base: BasePose | None) -> None:
        """Put the robot, at rest, with these joint angles, (J,), rad. Raises UserError if it has no floating base."""
        mujoco.mj_resetData(self.model, self.data)
        if self._dry_friction.varies:
            self._friction[:] = self._dry_friction.unloaded
            self._put_friction()
        self._all_positions[:] = self.start.place(position[None, :])[0]
        if base is not None:
            address = self._base_address("a pose of the base")
            if base.height is not None:
                self._all_positions[address + 2] = base.height
            quaternion = np.zeros(4)
            mujoco.mju_euler2Quat(quaternion, np.array([base.roll, base.pitch, base.yaw]), "XYZ")
            self._all_positions[address + 3 : address + 7] = quaternion
        mujoco.mj_forward(self.model, self.data)
        self._read()

    def push(self, body: str, force: Sequence[float]) -> None:
        """Let a force act at the centre of mass of a body from now on: world frame, (3,), N."""
        index = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_BODY, self._in_model(body))
        if index < 0:
            names = [self.model.body(number).name for number in range(1, self.model.nbody)]
            raise UserError(f"the model has no body {body!r}; valid: {', '.join(names)}")
        self.data.xfrc_applied[index, :3] = force

    def base(self) -> BaseMotion | None:
        """Return the motion of the floating base; None where the robot has none."""
        if self._base is None:
            return None
        address, dof = self._base
        _, x, y, _ = self._all_positions[address + 3 : address + 7].tolist()
        # The z axis of the body in the world has the z component 1 − 2(x² + y²) of a unit quaternion w x y z.
        upright = max(-1.0, min(1.0, 1.0 - 2.0 * (x * x + y * y)))
        along, across = self._all_velocities[dof : dof + 2].tolist()
        return BaseMotion(float(self._all_positions[address + 2]), acos(upright), hypot(along, across))

    def _base_address(self, what: str) -> int:
        if self._base is None:
            raise UserError(f"{what} needs a floating base; the model has no free joint")
        return self._base[0]

    def jam(self, joint: int, jammed: bool) -> None:
        """Hold a joint by a friction that no motor overcomes, or release it."""
        dof = self._dof_of_joint[joint]
        self._free[joint] = not jammed
        self.model.dof_frictionloss[dof] = _JAM_FRICTION if jammed else self._friction[joint]
        self.model.dof_solimp[dof] = _JAM_IMPEDANCE if jammed else self._impedance[joint]

    def grip(self, joint: int, velocity: float | None) -> None:
        """Move a joint at a velocity, rad/s, by a damping that no motor overcomes; None lets it go."""
        held = self._in_hand[joint] = velocity is not None
        self.model.dof_damping[self._dof_of_joint[joint]] = _GRIP_DAMPING if held else self._damping[joint]
        lever = 1.0 if self._levers is None else float(self._levers[joint])  # a slide is damped in m/s
        self._grip[joint] = _GRIP_DAMPING * lever**2 * (velocity or 0.0)
