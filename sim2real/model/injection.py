"""What the stack adds to a user's model: motors, sensors, play in the gears, payloads, rough ground."""

import math
from typing import Final

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import ImuConfig, JointConfig, RobotConfig
from sim2real.hardware.position_law import PositionLaw
from sim2real.hardware.position_laws import position_law
from sim2real.model.terrain import TERRAIN, Terrain

IMU_SENSORS: Final = {
    "angular_velocity": mujoco.mjtSensor.mjSENS_GYRO,
    "linear_acceleration": mujoco.mjtSensor.mjSENS_ACCELEROMETER,
    "orientation": mujoco.mjtSensor.mjSENS_FRAMEQUAT,
}
IMU_GROUPS: Final = tuple(IMU_SENSORS)
"""Groups of readings of IMUs; all are in the frame of the unit's body, as drivers give them whatever the mounting."""

_BACKLASH_ARMATURE: Final = 1e-4  # kg·m², so that a light link behind the play does not need tiny steps
_STOP_STEPS: Final = 2.0  # physics steps; a tooth is steel: its stop is as stiff as the solver can be
_BRISTLE: Final = 1e-3  # rad, how far LuGre's bristles bend before the joint slides
_STATIC_OVER_COULOMB: Final = 1.3
_STRIBECK_SPEED: Final = 0.1  # rad/s
_SPAN_MIN: Final = 1e-4  # m between the lowest and highest ground; MuJoCo takes no height field without height
_PAYLOAD_MIN: Final = 1e-9  # kg; a body must weigh something


def add_motor(
    spec: mujoco.MjSpec,
    name: str,
    joint: JointConfig,
    supply_voltage: float,
    *,
    voltage_max: float | None = None,
    lugre: bool = False,
) -> mujoco.MjsActuator:
    """Add the joint's motor as a `<dcmotor>` with its on-board controller, limited by the supply voltage.

    In current mode the input is a torque, delivered exactly until the voltage saturates; else it is the setpoint of a
    PD controller in torque space, with the stiffness, damping and limits that the motor's own loop comes to with the
    registers that its driver sets.

    Args:
        spec: The model.
        name: Name of the joint, and of the actuator.
        joint: Its configuration.
        supply_voltage: V
        voltage_max: V; highest supply that safety allows, where the driver goes by it; the supply when left out.
        lugre: Give the motor the LuGre friction that replaces the joint's dry friction.
    """
    nominal, coulomb = joint.motor.nominal, joint.motor.friction.coulomb
    by_effort = joint.mode == "current"
    law = PositionLaw(0.0, 0.0)
    if not by_effort:
        law = position_law(joint, supply_voltage, supply_voltage if voltage_max is None else voltage_max)
    stiffness = coulomb / _BRISTLE
    bristles = [
        stiffness,
        2.0 * math.sqrt(stiffness * joint.motor.armature),
        coulomb,
        _STATIC_OVER_COULOMB * coulomb,
        _STRIBECK_SPEED,
    ]
    actuator = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.set_to_dcmotor(
        motorconst=[0.0, 0.0],
        resistance=0.0,
        nominal=[nominal.voltage, nominal.stall_torque, nominal.no_load_speed],
        saturation=[min(law.torque_max, nominal.stall_torque), 0.0, 0.0],
        controller=[
            law.stiffness,
            0.0,
            law.damping,
            law.speed_max if math.isfinite(law.speed_max) else 0.0,
            0.0,
            supply_voltage * law.duty_max,
        ],
        lugre=bristles if lugre else [0.0] * 5,
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
        sensor = spec.add_sensor(type=IMU_SENSORS[group], objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)
        sensor.name, sensor.nsample = f"{name}/{group}", samples


def tip_sensor(spec: mujoco.MjSpec, robot: RobotConfig, name: str, samples: int = 0) -> None:
    """Add a sensor of the tip's place in the frame of the robot's base.

    Raises:
        UserError: The robot has no tip, or the model no such site.
    """
    if robot.tip is None:
        raise UserError(f"robot {robot.name!r} has no `tip`")
    site = spec.site(robot.tip.site)
    if site is None:
        valid = ", ".join(site.name for site in spec.sites if site.name) or "none"
        raise UserError(f"robot {robot.name!r}: no site {robot.tip.site!r} for its tip; valid: {valid}")
    first = spec.joint(robot.tip.links[0].joint).parent.parent
    sensor = spec.add_sensor(
        name=name, type=mujoco.mjtSensor.mjSENS_FRAMEPOS, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site.name
    )
    sensor.reftype, sensor.refname, sensor.nsample = mujoco.mjtObj.mjOBJ_XBODY, first.name or "world", samples


ATTITUDE: Final = "attitude/true"
"""Sensor of the true attitude of the first IMU's body."""


def add_truth(spec: mujoco.MjSpec, robot: RobotConfig, *, feet: bool, tip: bool, attitude: bool) -> None:
    """Add sensors without delay for what rewards, critics and goals see.

    They are `FOOT/position`, `FOOT/velocity`, `tip/true` and `attitude/true`, the last where the first IMU is not on a
    free base, whose attitude is part of the state.

    Raises:
        UserError: The model lacks a foot or the tip.
    """
    for foot in robot.feet if feet else ():
        if spec.geom(foot) is None:
            raise UserError(f"robot {robot.name!r}: no geom {foot!r}, which is one of its feet")
        for kind, sensor in (
            ("position", mujoco.mjtSensor.mjSENS_FRAMEPOS),
            ("velocity", mujoco.mjtSensor.mjSENS_FRAMELINVEL),
        ):
            spec.add_sensor(name=f"{foot}/{kind}", type=sensor, objtype=mujoco.mjtObj.mjOBJ_GEOM, objname=foot)
    if tip:
        tip_sensor(spec, robot, "tip/true")
    body = next((imu.body for imu in robot.imus.values()), None)
    if attitude and body is not None and body != _free_base(spec):
        sensor = mujoco.mjtSensor.mjSENS_FRAMEQUAT
        spec.add_sensor(name=ATTITUDE, type=sensor, objtype=mujoco.mjtObj.mjOBJ_XBODY, objname=body)


def _free_base(spec: mujoco.MjSpec) -> str | None:
    """Return the name of the first body with a free joint, which only children of the world have."""
    free = mujoco.mjtJoint.mjJNT_FREE
    return next((body.name for body in spec.worldbody.bodies if any(each.type == free for each in body.joints)), None)


def backlash_name(joint: str) -> str:
    """Return the name of the hinge that stands for the play behind a joint."""
    return f"{joint}/backlash"


def add_backlash(spec: mujoco.MjSpec, joint: str) -> None:
    """Add a hinge in series with a joint: the link moves freely within the play, and the encoder does not see it."""
    hinge = spec.joint(joint)
    play = hinge.parent.add_joint(name=backlash_name(joint), type=mujoco.mjtJoint.mjJNT_HINGE)
    play.pos, play.axis = hinge.pos, hinge.axis
    play.armature, play.limited = _BACKLASH_ARMATURE, mujoco.mjtLimited.mjLIMITED_TRUE
    play.range = [-1e-6, 1e-6]
    play.solref_limit = [_STOP_STEPS * spec.option.timestep, 1.0]


def payload_name(body: str) -> str:
    """Return the name of the body that stands for the payload of another."""
    return f"{body}/payload"


def add_payload(spec: mujoco.MjSpec, robot: RobotConfig, name: str) -> None:
    """Add an almost massless body fixed to another: at the robot's tip if that is on it, else at its origin.

    Raises:
        UserError: The model has no such body.
    """
    body = spec.body(name)
    if body is None:
        valid = ", ".join(body.name for body in spec.bodies if body.name and body.name != "world")
        raise UserError(f"robot {robot.name!r}: no body {name!r} to carry a payload; valid: {valid}")
    sites = {site.name: site for site in body.sites}
    at = sites[robot.tip.site].pos if robot.tip is not None and robot.tip.site in sites else [0.0, 0.0, 0.0]
    payload = body.add_body(name=payload_name(name), pos=at)
    payload.mass, payload.inertia, payload.explicitinertial = _PAYLOAD_MIN, [1e-12] * 3, True


def add_terrain(spec: mujoco.MjSpec, terrain: Terrain) -> None:
    """Put rough ground in the place of the model's planes, with their friction and looks."""
    planes = [geom for geom in spec.worldbody.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE]
    rows, columns = terrain.heights.shape
    # MuJoCo stretches heights to [0, 1] by itself: their own lowest and highest must be what they are stretched by.
    lowest = float(terrain.heights.min())
    span = max(float(terrain.heights.max()) - lowest, _SPAN_MIN)
    levels = (terrain.heights - lowest) / span
    spec.add_hfield(name=TERRAIN, nrow=rows, ncol=columns, size=[*terrain.size, span, 0.1], userdata=levels.ravel())
    ground = spec.worldbody.add_geom(name=TERRAIN, type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname=TERRAIN)
    ground.pos = [0.0, 0.0, lowest]
    if planes:
        floor = planes[0]
        ground.friction, ground.solref, ground.solimp = floor.friction, floor.solref, floor.solimp
        ground.contype, ground.conaffinity, ground.material = floor.contype, floor.conaffinity, floor.material
    for plane in planes:
        spec.delete(plane)
