"""The start state of a robot: one source for simulations, the emulator's plant and checks."""

import math
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array, Indices
from sim2real.model.addresses import Base, free_base, joint_addresses, joint_levers
from sim2real.model.base_frame import base_body, is_plain, is_upright, turn_base_frame
from sim2real.model.compilation import compile_spec
from sim2real.model.loop_closure import CLOSED_MAX, LoopClosure
from sim2real.model.plain_elements import plain

Pose = dict[str, Float64Array]
"""Values of joints of the model by name: (1,), (4,) of a ball joint, (7,) of a free one."""

_MOVED_MAX: Final = 5e-3  # rad, of a motor joint by closing loops: more than rounding in the YAML
_RESIDUAL_MAX: Final = 1e-3  # m or rad, of equalities that joint limits keep from closing: less than what is seen
_OUTSIDE_MAX: Final = 2e-3  # rad or m, beyond a joint's range: more than rounding
_HALVINGS: Final = 5  # of the distance from the start pose, until the loops of a random pose close


def prepare_start(spec: mujoco.MjSpec, robot: RobotConfig) -> Pose:
    """Return the pose of the robot's keyframe, and turn the frame of its free base so that it starts upright.

    Args:
        spec: The robot's model, as its file has it; joints have names.
        robot: The robot.

    Raises:
        ConfigError: The model has no such keyframe; height or attitude of a fixed base.
    """
    start = robot.start
    body = base_body(spec, robot.in_model(robot.joint_names[0]))
    if body is None and (start.height is not None or start.attitude is not None):
        raise ConfigError(f"robot {robot.name!r}: start.height and start.attitude need a free base; it has none")
    if start.keyframe is None and start.attitude is None and (body is None or is_plain(body)):
        return {}
    model = compile_spec(spec, robot)
    pose = _pose(model, _qpos(model, robot))
    if body is None:
        return pose
    joint = next(each.name for each in body.joints if each.type == mujoco.mjtJoint.mjJNT_FREE)
    attitude = pose[joint][3:7].copy()
    if start.attitude is not None:
        mujoco.mju_euler2Quat(attitude, np.array(start.attitude), "XYZ")
    if not is_upright(attitude):
        turn_base_frame(spec, body, model, attitude)
        attitude = np.array([1.0, 0.0, 0.0, 0.0])
    pose[joint][3:7] = attitude
    return pose


def hold_joints(spec: mujoco.MjSpec, robot: RobotConfig, pose: Pose) -> None:
    """Hold the robot's `held` joints in their start pose by equalities. Raises ConfigError for an invalid one."""
    if not robot.held:
        return
    kinds = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
    driven = {robot.in_model(name) for name in robot.joints}
    valid = [joint.name for joint in spec.joints if joint.type in kinds and joint.name not in driven]
    initial: Pose = {}
    if pose:
        model = compile_spec(spec, robot)
        initial = _pose(model, model.qpos0)
    for name in robot.held:
        if name not in valid:
            raise ConfigError(
                f"robot {robot.name!r}: held: no hinge or slide without motor named {name!r}; "
                f"valid: {', '.join(valid) or 'none'}"
            )
        offset = float(pose[name][0] - initial[name][0]) if pose else 0.0
        held = plain(spec.add_equality(name=f"{name}/held"))
        held.type, held.objtype, held.name1 = mujoco.mjtEq.mjEQ_JOINT, mujoco.mjtObj.mjOBJ_JOINT, name
        held.data = [offset, *[0.0] * (len(held.data) - 1)]


def _qpos(model: mujoco.MjModel, robot: RobotConfig) -> Float64Array:
    name = robot.start.keyframe
    if name is None:
        return np.array(model.qpos0)
    names = [model.key(index).name for index in range(model.nkey)]
    if name not in names:
        valid = ", ".join(filter(None, names)) or "none"
        raise ConfigError(f"robot {robot.name!r}: start.keyframe: the model has no keyframe {name!r}; valid: {valid}")
    return np.array(model.key(name).qpos)


def _pose(model: mujoco.MjModel, qpos: Float64Array) -> Pose:
    addresses = [*model.jnt_qposadr.tolist(), model.nq]
    return {model.joint(index).name: qpos[addresses[index] : addresses[index + 1]] for index in range(model.njnt)}


class StartState:
    """Start states of a robot in its compiled model: all joints, passive ones and base included.

    Args:
        model: The compiled model.
        robot: The robot.
        pose: Pose of the robot's keyframe.

    Raises:
        ConfigError: The start pose violates the model's equalities, and no motion within the joint limits mends it.
    """

    def __init__(self, model: mujoco.MjModel, robot: RobotConfig, pose: Pose) -> None:
        self.base: Base | None = free_base(model, robot)
        """The free base, if the robot has one."""
        self._columns, self._dof = joint_addresses(model, robot)
        levers = joint_levers(robot)
        self._levers: Float64Array | float = 1.0 if levers is None else levers
        self._default = np.array([joint.default_position for joint in robot.joints.values()])
        base: Indices = np.zeros(0, np.intp) if self.base is None else self.base.dof + np.arange(6)
        self.closure = LoopClosure(model, self._dof, base)
        self._nv = model.nv
        scalar = model.jnt_type >= int(mujoco.mjtJoint.mjJNT_SLIDE)
        limited = np.flatnonzero(model.jnt_limited.astype(bool) & scalar)
        self._ranges = {int(model.jnt_qposadr[index]): tuple(model.jnt_range[index].tolist()) for index in limited}
        self.qpos: Float64Array = self._initial(model, robot, pose)
        """(nq,)"""
        self.residual = self.closure.close(self.qpos)
        """Largest residual of the model's equalities, m or rad."""
        self._check(robot)

    def _check(self, robot: RobotConfig) -> None:
        for name, address in zip(robot.joints, self._columns, strict=True):
            low, high = self._ranges.get(int(address), (-np.inf, np.inf))
            if not low - _OUTSIDE_MAX <= self.qpos[address] <= high + _OUTSIDE_MAX:
                raise ConfigError(
                    f"robot {robot.name!r}: default_position of joint {name!r} is at {self.qpos[address]:.4g}, outside "
                    f"its range in the model; valid: {low:.4g} to {high:.4g} (rad, or m of a slide)"
                )
        moved = np.abs(self.position - self._default)
        if self.residual <= CLOSED_MAX and not moved.max() <= _MOVED_MAX:
            wanted = ", ".join(
                f"{name} {math.degrees(angle):.4f} deg"
                for name, angle, change in zip(robot.joints, self.position, moved, strict=True)
                if change > _MOVED_MAX
            )
            raise ConfigError(
                f"robot {robot.name!r}: loops of the model do not close at the default positions of its joints; "
                f"valid, the nearest: {wanted}"
            )
        if not self.residual <= _RESIDUAL_MAX:
            raise ConfigError(
                f"robot {robot.name!r}: its start pose violates the equality {self.closure.worst(self.qpos)} of the "
                f"model by {self.residual * 1e3:.3g} mm or mrad, and no motion within the joint limits closes the "
                "loop; give a pose that does: default_position of the joints, or a keyframe by start.keyframe"
            )

    @property
    def position(self) -> Float64Array:
        """Positions of the motor joints, (J,), rad; the default pose, unless loops needed another one."""
        return self.positions(self.qpos)

    def positions(self, qpos: Float64Array) -> Float64Array:
        """Return the positions of the motor joints, (…, J), rad, in states, (…, nq)."""
        positions: Float64Array = qpos[..., self._columns] / self._levers
        return positions

    def velocities(self, qvel: Float64Array) -> Float64Array:
        """Return the velocities of the motor joints, (…, J), rad/s, in states, (…, nv)."""
        velocities: Float64Array = qvel[..., self._dof] / self._levers
        return velocities

    @property
    def height(self) -> float:
        """Height of the free base's origin, m; 0 for a fixed base."""
        return 0.0 if self.base is None else float(self.qpos[self.base.qpos + 2])

    def place(self, position: Float64Array) -> Float64Array:
        """Return states with motor joints at given positions and loops closed around them.

        If a loop does not close at a position, motor joints move too. If that does not help, the position is moved
        towards the start pose, by half of the distance each time.

        Args:
            position: (k, J), rad.

        Returns:
            (k, nq).
        """
        states = self.qpos[None].repeat(len(position), axis=0)
        states[:, self._columns] = position * self._levers
        if self.closure.needed:
            # One at a time: MuJoCo has no batched Jacobians of equalities; about 0.2 ms for each new episode.
            for row, wanted in zip(states, position, strict=True):
                self._close(row, wanted)
        return states

    def _close(self, row: Float64Array, wanted: Float64Array) -> None:
        home = self.position
        for halving in range(_HALVINGS):
            row[:] = self.qpos
            row[self._columns] = (home + (wanted - home) * 0.5**halving) * self._levers
            if self.closure.close(row) <= CLOSED_MAX:
                return
        row[:] = self.qpos

    def follow(self, qpos: Float64Array, velocity: Float64Array) -> Float64Array:
        """Return velocities, (k, nv), of motor joints, (k, J), rad/s, and of the passive joints that they drive."""
        states = np.zeros((len(velocity), self._nv))
        states[:, self._dof] = velocity * self._levers
        if self.closure.needed:
            for place, row in zip(qpos, states, strict=True):
                self.closure.follow(place, row)
        return states

    def _initial(self, model: mujoco.MjModel, robot: RobotConfig, pose: Pose) -> Float64Array:
        qpos = np.array(model.qpos0)
        for name, values in pose.items():
            address = int(model.joint(name).qposadr[0])
            qpos[address : address + len(values)] = values
        for address, (low, high) in self._ranges.items():  # soft limits would push passive joints there
            qpos[address] = np.clip(qpos[address], low, high)
        qpos[self._columns] = self._default * self._levers
        if self.base is not None and robot.start.height is not None:
            qpos[self.base.qpos + 2] = robot.start.height
        return qpos
