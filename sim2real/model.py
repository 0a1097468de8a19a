"""The MuJoCo model of a robot: the user's bodies, with motors, sensors and delays from the YAML."""

import math
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import numpy.typing as npt

from configs.errors import UserError
from configs.library import ROOT
from configs.schema.robot import ImuConfig, JointConfig, RobotConfig
from configs.schema.task import PhysicsConfig, TaskConfig

# gainprm of a <dcmotor> is [R, K, 0, 0, kp, ki, kd, Vmax] (MuJoCo 4, mjs_setToDCMotor).
GAIN_RESISTANCE, GAIN_CONSTANT, GAIN_VOLTAGE_MAX = 0, 1, 7

_INTEGRATORS = {
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "Euler": mujoco.mjtIntegrator.mjINT_EULER,
    "RK4": mujoco.mjtIntegrator.mjINT_RK4,
}
_SENSORS = {
    "joint_position": (mujoco.mjtSensor.mjSENS_JOINTPOS, mujoco.mjtObj.mjOBJ_JOINT),
    "joint_velocity": (mujoco.mjtSensor.mjSENS_JOINTVEL, mujoco.mjtObj.mjOBJ_JOINT),
    "joint_effort": (mujoco.mjtSensor.mjSENS_ACTUATORFRC, mujoco.mjtObj.mjOBJ_ACTUATOR),
}

_IMU_SENSORS = {
    "angular_velocity": mujoco.mjtSensor.mjSENS_GYRO,
    "linear_acceleration": mujoco.mjtSensor.mjSENS_ACCELEROMETER,
    "orientation": mujoco.mjtSensor.mjSENS_FRAMEQUAT,
}
IMU_GROUPS = tuple(_IMU_SENSORS)
"""Groups of readings of IMUs; all are in the frame of the unit's body, as drivers give them whatever the mounting."""

GROUP_OF_TERM = {
    "joint_position": "joint_position",
    "joint_position_sin": "joint_position",
    "joint_position_cos": "joint_position",
    "joint_velocity": "joint_velocity",
    "joint_effort": "joint_effort",
    "gyro": "angular_velocity",
    "projected_gravity": "orientation",
}
"""Which readings an observation term is computed from; those that are not here need none."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class RobotModel:
    """A compiled model and where the robot's joints are in its arrays; every index array is (J,) in joint order."""

    model: mujoco.MjModel
    qpos: Indices
    dof: Indices
    actuator: Indices
    control: Indices
    """Columns of `ctrl`."""
    sensors: dict[str, Indices]
    """Columns of `sensordata` by group of readings: joint_position, joint_velocity, joint_effort, (J,) each, and
    those of IMUs, (3K,) or (4K,)."""
    sensor_ids: dict[str, Indices]
    """Rows of `sensor_delay` by group of readings."""
    sensor_history: dict[str, npt.NDArray[np.intp]]
    """Columns of `history` that hold the values of each sensor's delay buffer, oldest first, by group of readings:
    (J, samples), and for IMUs (K, samples · 3) or (K, samples · 4)."""
    control_history: npt.NDArray[np.intp]
    """Columns of `history` that hold the values of each actuator's delay buffer, (J, samples)."""


def load_spec(robot: RobotConfig) -> mujoco.MjSpec:
    """Load the robot's MJCF and give its joints the inertia and friction of their motors.

    Raises:
        UserError: The file is missing or invalid, or a joint is missing or not a hinge.
    """
    path = ROOT / "robots" / Path(robot.model)  # an absolute path stays itself
    if not path.is_file():
        raise UserError(f"robot {robot.name!r}: model file {path} does not exist")
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise UserError(f"{path}: not a valid MuJoCo model: {_first_line(error)}") from error
    hinges = {joint.name: joint for joint in spec.joints if joint.type == mujoco.mjtJoint.mjJNT_HINGE}
    for name, config in robot.joints.items():
        if name not in hinges:
            raise UserError(
                f"{path}: no hinge joint named {name!r}, which robot {robot.name!r} drives; "
                f"valid: {', '.join(sorted(hinges)) or 'none'}"
            )
        hinge, motor = hinges[name], config.motor
        hinge.armature = motor.armature
        hinge.frictionloss = motor.friction.coulomb
        hinge.damping = [motor.friction.viscous, 0.0, 0.0]
    return spec


def build_model(
    task: TaskConfig,
    *,
    action_delay_max: float = 0.0,
    observation_delay_max: float = 0.0,
    imu_delay_max: float = 0.0,
    groups: tuple[str, ...] = ("joint_position", "joint_velocity"),
) -> RobotModel:
    """Compile the model of a task: `<dcmotor>` actuators, sensors of the given groups, and their delay buffers.

    Args:
        task: The task; its robot's joints get actuators named after them.
        action_delay_max: Longest action delay that will be set, seconds.
        observation_delay_max: Longest delay of joint readings that will be set, seconds.
        imu_delay_max: Longest delay of IMU readings that will be set, seconds.
        groups: Which readings to make sensors for.

    Raises:
        UserError: The model does not fit the robot.
    """
    robot, physics = task.robot, task.physics
    spec = load_spec(robot)
    set_physics(spec, physics)
    for actuator in list(spec.actuators):
        spec.delete(actuator)  # the model's own actuators are not the robot's motors
    action_samples = _samples(action_delay_max, physics.timestep)
    sensor_samples = _samples(observation_delay_max, physics.timestep)
    for name, joint in robot.joints.items():
        add_motor(spec, name, joint, robot.supply_voltage).nsample = action_samples
    for name, imu in robot.imus.items():
        imu_groups = tuple(group for group in groups if group in IMU_GROUPS)
        add_imu(spec, robot, name, imu, imu_groups, _samples(imu_delay_max, physics.timestep))
    for group in groups:
        for name in robot.joints if group in _SENSORS else ():
            kind, of = _SENSORS[group]
            spec.add_sensor(type=kind, objtype=of, objname=name, name=f"{name}/{group}", nsample=sensor_samples)
    return _located(compile_spec(spec, robot), robot, groups)


def set_physics(spec: mujoco.MjSpec, physics: PhysicsConfig) -> None:
    """Set the simulator's step and integrator."""
    spec.option.timestep = physics.timestep
    spec.option.integrator = _INTEGRATORS[physics.integrator]


def add_motor(spec: mujoco.MjSpec, name: str, joint: JointConfig, supply_voltage: float) -> mujoco.MjsActuator:
    """Add the joint's motor as a `<dcmotor>` with its on-board controller, limited by the supply voltage.

    In current mode the input is a torque, delivered exactly until the voltage saturates; in position mode it is the
    setpoint of a PD controller in torque space, and so in impedance mode, whose damping acts on the velocity alone.
    """
    nominal = joint.motor.nominal
    by_effort = joint.mode == "current"
    kp, kd = (0.0, 0.0) if by_effort else (joint.stiffness, joint.damping)
    actuator = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.set_to_dcmotor(
        motorconst=[0.0, 0.0],
        resistance=0.0,
        nominal=[nominal.voltage, nominal.stall_torque, nominal.no_load_speed],
        # A command in impedance mode carries the joint's effort limit, and the controller keeps it.
        saturation=[joint.effort_limit if joint.mode == "impedance" else nominal.stall_torque, 0.0, 0.0],
        controller=[kp, 0.0, kd, 0.0, 0.0, supply_voltage],
        ctrlspec=int(mujoco.mjtCtrlInput.mjINPUT_FF if by_effort else mujoco.mjtCtrlInput.mjINPUT_POS),
    )
    return actuator


def add_imu(
    spec: mujoco.MjSpec, robot: RobotConfig, name: str, imu: ImuConfig, groups: tuple[str, ...], samples: int = 0
) -> None:
    """Add a site at the body's own frame, and the sensors of an IMU there, named `IMU/GROUP`.

    How the unit is mounted does not matter here: its readings are turned into the body's frame on the robot as well.

    Raises:
        UserError: The model has no such body.
    """
    body = spec.body(imu.body)
    if body is None:
        valid = ", ".join(body.name for body in spec.bodies if body.name and body.name != "world")
        raise UserError(
            f"robot {robot.name!r}: IMU {name!r} is on body {imu.body!r}, which is not there; valid: {valid}"
        )
    site = f"{name}/site"
    body.add_site(name=site)
    for group in groups:
        sensor = spec.add_sensor(type=_IMU_SENSORS[group], objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)
        sensor.name, sensor.nsample = f"{name}/{group}", samples


def imu_columns(model: mujoco.MjModel, name: str, group: str) -> Indices:
    """Return the columns of `sensordata` of one group of readings of an IMU."""
    sensor = model.sensor(f"{name}/{group}")
    return np.arange(int(sensor.dim[0]), dtype=np.intp) + int(sensor.adr[0])


def compile_spec(spec: mujoco.MjSpec, robot: RobotConfig) -> mujoco.MjModel:
    """Compile, with the compiler's complaint as a user's error."""
    try:
        return spec.compile()
    except ValueError as error:
        raise UserError(f"robot {robot.name!r}: the model does not compile: {_first_line(error)}") from error


def joint_addresses(model: mujoco.MjModel, robot: RobotConfig) -> tuple[Indices, Indices]:
    """Return the columns of qpos and qvel of the robot's joints, in joint order."""
    joints = [model.joint(name) for name in robot.joints]
    return np.array([joint.qposadr[0] for joint in joints]), np.array([joint.dofadr[0] for joint in joints])


def columns_of(indices: Indices) -> slice | Indices:
    """Return a slice where the indices are consecutive, so that indexing makes a view instead of a copy."""
    if len(indices) and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def _located(model: mujoco.MjModel, robot: RobotConfig, groups: tuple[str, ...]) -> RobotModel:
    names = list(robot.joints)
    qpos, dof = joint_addresses(model, robot)
    actuators = np.array([model.actuator(name).id for name in names])
    sensor_ids = {
        group: np.array(
            [model.sensor(f"{name}/{group}").id for name in (robot.imus if group in IMU_GROUPS else names)],
            dtype=np.intp,
        )
        for group in groups
    }
    return RobotModel(
        model=model,
        qpos=qpos,
        dof=dof,
        actuator=actuators,
        control=np.array([model.actuator_ctrladr[index] for index in actuators], dtype=np.intp),
        sensors={group: _sensor_columns(model, ids) for group, ids in sensor_ids.items()},
        sensor_ids=sensor_ids,
        sensor_history={
            group: _value_columns(
                model.sensor_historyadr[ids], model.sensor_history[ids, 0], int(model.sensor_dim[ids[0]])
            )
            for group, ids in sensor_ids.items()
        },
        control_history=_value_columns(model.actuator_historyadr[actuators], model.actuator_history[actuators, 0]),
    )


def _samples(delay_max: float, timestep: float) -> int:
    """Slots a delay buffer needs: the manual's ceil(delay_max / timestep); none when there is no delay."""
    return math.ceil(delay_max / timestep - 1e-9)


def _sensor_columns(model: mujoco.MjModel, ids: Indices) -> Indices:
    """Columns of `sensordata` of some sensors, one sensor after the other."""
    return np.concatenate([np.arange(model.sensor_dim[i]) + model.sensor_adr[i] for i in ids]).astype(np.intp)


def _value_columns(
    addresses: npt.NDArray[np.int32], samples: npt.NDArray[np.int32], size: int = 1
) -> npt.NDArray[np.intp]:
    """Columns of the values in delay buffers laid out as [user, cursor, times (n), values (n · size)] (MuJoCo 4)."""
    count = int(samples[0]) if len(samples) else 0
    return addresses[:, None].astype(np.intp) + 2 + count + np.arange(count * size, dtype=np.intp)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())
