"""The MuJoCo model of a robot: the user's bodies with motors, sensors and delays from the YAML."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mujoco
import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.supply import OWN_SUPPLY
from sim2real.configs.schema.task import PhysicsConfig, TaskConfig
from sim2real.model.addresses import (
    Base,
    Indices,
    joint_addresses,
    named_sensor_columns,
    sensor_columns,
    slide_joint,
    true_feet,
    value_columns,
)
from sim2real.model.compilation import compile_spec as compile_spec
from sim2real.model.compilation import one_line, read_spec
from sim2real.model.contact_sensors import add_contact_sensors, contact_columns
from sim2real.model.dry_friction import DryFriction
from sim2real.model.injection import (
    ATTITUDE,
    IMU_GROUPS,
    add_backlash,
    add_imu,
    add_motor,
    add_payload,
    add_terrain,
    add_tip_sensor,
    add_true_sensors,
)
from sim2real.model.kinematics_check import check_tip
from sim2real.model.plain_elements import plain
from sim2real.model.read_model import prepare_spec, separate
from sim2real.model.start_state import Pose, StartState, hold_joints, prepare_start
from sim2real.model.terrain import Terrain
from sim2real.model.tip import mark_tip

_INTEGRATORS = {
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "Euler": mujoco.mjtIntegrator.mjINT_EULER,
    "RK4": mujoco.mjtIntegrator.mjINT_RK4,
}
GROUND: Final = "ground/plane"
"""Geom of the ground that is added to a model without one."""
_WITH_MOTOR = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
_JOINT_SENSORS = {
    "joint_position": (mujoco.mjtSensor.mjSENS_JOINTPOS, mujoco.mjtObj.mjOBJ_JOINT),
    "joint_velocity": (mujoco.mjtSensor.mjSENS_JOINTVEL, mujoco.mjtObj.mjOBJ_JOINT),
    "joint_effort": (mujoco.mjtSensor.mjSENS_ACTUATORFRC, mujoco.mjtObj.mjOBJ_ACTUATOR),
}
_OF_PINION = {
    "joint_position": mujoco.mjtSensor.mjSENS_ACTUATORPOS,
    "joint_velocity": mujoco.mjtSensor.mjSENS_ACTUATORVEL,
}
"""Sensors of slides: the motor's angle, not the slide's travel."""
JOINT_GROUPS: Final = tuple(_JOINT_SENSORS)
"""Groups of readings from the motors' bus, read in one exchange."""
TIP_GROUP: Final = "tip"
"""Measured tip position."""
GROUPS_OF_KIND: Final[dict[str, tuple[str, ...]]] = {"joint": JOINT_GROUPS, "imu": IMU_GROUPS, "tip": (TIP_GROUP,)}
"""Groups of readings that arrive together and have one age."""


@dataclass(frozen=True)
class ModelOptions:
    """What a simulation adds to the robot's model."""

    groups: tuple[str, ...] = ("joint_position", "joint_velocity")
    """Groups of readings with sensors."""
    action_delay: float = 0.0
    """Longest action delay, s."""
    delay: dict[str, float] | None = None
    """Longest delay of the readings of each group, s."""
    polled: tuple[str, ...] = ()
    """Groups with a polling interval."""
    backlash: bool = False
    payloads: tuple[str, ...] = ()
    """Bodies that carry a payload."""
    terrain: Terrain | None = None
    true_feet: bool = False
    true_tip: bool = False
    true_contact: bool = False


@dataclass(frozen=True)
class Supply:
    """A supply of the robot, and the motors that hang on it."""

    joints: Indices
    """Joints whose motors it feeds, (F,), F at least 1."""
    voltage: float
    """Unloaded, V."""
    resistance: float
    """Of the supply and its cable, ohm."""


@dataclass(frozen=True)
class RobotModel:
    """A compiled model and the addresses of the robot's joints; every index array is (J,), in joint order."""

    model: mujoco.MjModel
    qpos: Indices
    dof: Indices
    actuator: Indices
    control: Indices
    """Columns of `ctrl`."""
    supplies: dict[str, Supply]
    """What feeds the motors, by name; only supplies that feed one."""
    sensors: dict[str, Indices]
    """Columns of `sensordata` by group of readings: (J,) for joints, (3K,) or (4K,) for K IMUs, (3,) for the tip."""
    sensor_ids: dict[str, Indices]
    """Rows of `sensor_delay` by group of readings."""
    sensor_history: dict[str, npt.NDArray[np.intp]]
    """Columns of `history` with the values of each sensor's delay buffer, oldest first, by group of readings:
    (J, samples), for IMUs (K, samples · 3) or (K, samples · 4)."""
    control_history: npt.NDArray[np.intp]
    """Columns of `history` with the values of each actuator's delay buffer, (J, samples)."""
    moving_target: npt.NDArray[np.intp]
    """Column of `act` and joint index of each motor that moves an internal target towards the goal, (M, 2)."""
    start: StartState
    """Start states: motor joints, passive joints and base."""
    rail: tuple[int, int] | None
    """Columns of qpos and qvel of the first vertical slide joint."""
    travel: tuple[int, int] | None
    """Columns of qpos and qvel of the first level slide joint."""
    true_feet: tuple[Indices, Indices] | None
    """Columns of `sensordata` with positions and velocities of the feet, (3F,) each, x y z of a foot together."""
    true_tip: Indices | None
    """Columns of `sensordata` with the tip position, (3,)."""
    true_contact: Indices | None
    """Columns of `sensordata` with the net contact forces on B bodies, (3B,), x y z of a body together."""
    true_attitude: Indices | None
    """Columns of `sensordata` with the attitude of the first IMU's body, (4,), if that body is not a free base."""

    friction_varies: bool
    """Whether the joints' dry friction follows velocity and load."""

    @property
    def base(self) -> Base | None:
        """The free base, if the robot has one."""
        return self.start.base


def load_spec(robot: RobotConfig) -> mujoco.MjSpec:
    """Load the robot's MJCF; set armature, friction and damping of its joints to those of their motors.

    Raises:
        UserError: The file is missing or invalid, or a joint is missing, or neither a hinge nor a slide.
    """
    path = ROOT / "robots" / Path(robot.simulated)  # an absolute path stays as it is
    if not path.is_file():
        raise UserError(f"robot {robot.name!r}: model file {path} does not exist")
    try:
        spec = read_spec(path)
    except ValueError as error:
        raise UserError(f"{path}: not a valid MuJoCo model: {one_line(error)}") from error
    prepare_spec(spec)
    separate(spec, robot)
    joints = {joint.name: joint for joint in spec.joints if joint.type in _WITH_MOTOR}
    for name, config in robot.joints.items():
        known = robot.in_model(name)
        if known not in joints:
            raise UserError(
                f"{path}: no hinge or slide joint named {known!r}, which robot {robot.name!r} drives; "
                f"valid: {', '.join(sorted(joints)) or 'none'}"
            )
        joint, motor, lever = joints[known], config.motor, config.travel or 1.0
        if (joint.type == mujoco.mjtJoint.mjJNT_SLIDE) != (config.travel is not None):
            problem = "is a slide: give its `travel`" if config.travel is None else "is a hinge: it has no `travel`"
            raise UserError(f"{path}: joint {known!r} of robot {robot.name!r} {problem}")
        joint.armature = motor.armature / lever**2
        joint.frictionloss = motor.friction.coulomb / lever
        joint.damping = [motor.friction.viscous / lever**2, 0.0, 0.0]
    if robot.ground is not None:
        ground = plain(spec.worldbody.add_geom(name=GROUND))
        ground.type, ground.size, ground.pos = mujoco.mjtGeom.mjGEOM_PLANE, [0.0, 0.0, 0.1], [0.0, 0.0, robot.ground]
    mark_tip(spec, robot)
    return spec


def load_start(robot: RobotConfig) -> tuple[mujoco.MjSpec, Pose]:
    """Load the robot's MJCF with its base upright in the start pose; return it with the pose of its keyframe.

    Raises:
        UserError: As `load_spec`, or the start pose does not fit the model.
    """
    spec = load_spec(robot)
    pose = prepare_start(spec, robot)
    hold_joints(spec, robot, pose)
    return spec, pose


def build_model(task: TaskConfig, options: ModelOptions = ModelOptions()) -> RobotModel:
    """Compile the model of a task: `<dcmotor>` actuators, sensors of the given groups, and their delay buffers.

    Args:
        task: The task; its robot's joints get actuators of the same names.
        options: Further additions to the model.

    Raises:
        UserError: The model does not fit the robot.
    """
    robot, physics = task.robot, task.physics
    spec, pose = load_start(robot)
    set_physics(spec, physics)
    strip(spec)
    lugre = physics.friction == "lugre"
    if lugre and DryFriction(robot).varies:
        raise UserError(
            f"task {task.name!r}: physics.friction lugre knows Coulomb friction only, and a motor of robot "
            f"{robot.name!r} has `stribeck` or `load`; valid: physics.friction coulomb, which has all terms"
        )
    action_samples = _samples(options.action_delay, physics.timestep)
    for name, joint in robot.joints.items():
        motor = add_motor(
            spec,
            name,
            joint,
            robot.supply_of(joint).voltage,
            target=robot.in_model(name),
            voltage_max=robot.safety.voltages_at(joint.supply)[1],
            lugre=lugre,
        )
        motor.nsample = action_samples
        if lugre:
            spec.joint(robot.in_model(name)).frictionloss = 0.0
        if options.backlash:
            _refuse_slide(robot, name)
            add_backlash(spec, robot, name)
    _add_sensors(spec, robot, options, physics.timestep)
    upright = task.goal.kind == "upright"
    add_true_sensors(spec, robot, feet=options.true_feet, tip=options.true_tip, attitude=upright)
    if options.true_contact:
        add_contact_sensors(spec, robot)
    for body in options.payloads:
        add_payload(spec, robot, body)
    if options.terrain is not None:
        add_terrain(spec, options.terrain)
    model = compile_spec(spec, robot)
    check_tip(model, robot)
    return _located(model, robot, options, pose, bristles=int(lugre))


def _refuse_slide(robot: RobotConfig, name: str) -> None:
    if robot.joints[name].travel is not None:
        raise UserError(f"robot {robot.name!r}: joint {name!r} is a slide, and backlash of slides is not simulated")


def strip(spec: mujoco.MjSpec) -> None:
    """Remove the model's own actuators and sensors, and its keyframes, which contain controls."""
    for element in [*spec.keys, *spec.sensors, *spec.actuators]:
        spec.delete(element)


def _add_sensors(spec: mujoco.MjSpec, robot: RobotConfig, options: ModelOptions, timestep: float) -> None:
    """Add the sensors of all groups, with their delay buffers."""
    samples = {
        group: max(_samples((options.delay or {}).get(group, 0.0), timestep), int(group in options.polled))
        for group in options.groups
    }
    imu_groups = [group for group in options.groups if group in IMU_GROUPS]
    for name, imu in robot.imus.items():
        add_imu(spec, robot, name, imu, tuple(imu_groups), samples[imu_groups[0]] if imu_groups else 0)
    for group in options.groups:
        for name in robot.joints if group in _JOINT_SENSORS else ():
            kind, of = _JOINT_SENSORS[group]
            if group in _OF_PINION and robot.joints[name].travel is not None:
                kind, of = _OF_PINION[group], mujoco.mjtObj.mjOBJ_ACTUATOR
            element = name if of == mujoco.mjtObj.mjOBJ_ACTUATOR else robot.in_model(name)
            spec.add_sensor(type=kind, objtype=of, objname=element, name=f"{name}/{group}", nsample=samples[group])
    if TIP_GROUP in options.groups:
        add_tip_sensor(spec, robot, TIP_GROUP, samples[TIP_GROUP])


def set_physics(spec: mujoco.MjSpec, physics: PhysicsConfig) -> None:
    """Set the simulator's step and integrator."""
    spec.option.timestep = physics.timestep
    spec.option.integrator = _INTEGRATORS[physics.integrator]


def _located(
    model: mujoco.MjModel, robot: RobotConfig, options: ModelOptions, pose: Pose, *, bristles: int
) -> RobotModel:
    names = list(robot.joints)
    qpos, dof = joint_addresses(model, robot)
    actuators = np.array([model.actuator(name).id for name in names])
    sensor_ids = {group: _sensor_ids(model, robot, group) for group in options.groups}
    return RobotModel(
        friction_varies=DryFriction(robot).varies,
        model=model,
        qpos=qpos,
        dof=dof,
        actuator=actuators,
        control=np.array([model.actuator_ctrladr[index] for index in actuators], dtype=np.intp),
        supplies=_supplies(robot),
        sensors={group: sensor_columns(model, ids) for group, ids in sensor_ids.items()},
        sensor_ids=sensor_ids,
        sensor_history={
            group: value_columns(
                model.sensor_historyadr[ids], model.sensor_history[ids, 0], int(model.sensor_dim[ids[0]])
            )
            for group, ids in sensor_ids.items()
        },
        control_history=value_columns(model.actuator_historyadr[actuators], model.actuator_history[actuators, 0]),
        moving_target=np.array(
            [
                (model.actuator_actadr[index], joint)
                for joint, index in enumerate(actuators)
                if model.actuator_actnum[index] > bristles  # activations: the target, then bristles
            ],
            dtype=np.intp,
        ).reshape(-1, 2),
        start=StartState(model, robot, pose),
        rail=slide_joint(model, robot, vertical=True),
        travel=slide_joint(model, robot, vertical=False),
        true_feet=true_feet(model, robot) if options.true_feet else None,
        true_tip=named_sensor_columns(model, ["tip/true"]) if options.true_tip else None,
        true_contact=contact_columns(model) if options.true_contact else None,
        true_attitude=named_sensor_columns(model, [ATTITUDE]) if _has_sensor(model, ATTITUDE) else None,
    )


def _supplies(robot: RobotConfig) -> dict[str, Supply]:
    """Return each supply that feeds a motor, the robot's own first."""
    fed = [robot.supply_name(joint) for joint in robot.joints.values()]
    found = {}
    for name, supply in {OWN_SUPPLY: robot.own_supply, **robot.supplies}.items():
        joints = np.array([index for index, other in enumerate(fed) if other == name], np.intp)
        if len(joints):
            found[name] = Supply(joints, supply.voltage, supply.resistance)
    return found


def _has_sensor(model: mujoco.MjModel, name: str) -> bool:
    return int(mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SENSOR, name)) >= 0


def _sensor_ids(model: mujoco.MjModel, robot: RobotConfig, group: str) -> Indices:
    names = [TIP_GROUP]
    if group != TIP_GROUP:
        names = [f"{name}/{group}" for name in (robot.imus if group in IMU_GROUPS else robot.joints)]
    return np.array([model.sensor(name).id for name in names], dtype=np.intp)


def _samples(delay_max: float, timestep: float) -> int:
    """Return the length of a delay buffer, ceil(delay_max / timestep) (MuJoCo's manual); 0 without a delay."""
    return math.ceil(delay_max / timestep - 1e-9)
