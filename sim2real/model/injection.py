"""Additions to a user's model: motors, sensors, gear backlash, payloads, rough ground."""

import math
from typing import Final

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import ImuConfig, JointConfig, RobotConfig
from sim2real.hardware.families import motor_family
from sim2real.hardware.position_law import PositionLaw
from sim2real.model.base_frame import base_body
from sim2real.model.plain_elements import plain
from sim2real.model.terrain import TERRAIN, Terrain
from sim2real.model.tip import tip_site

IMU_SENSORS: Final = {
    "angular_velocity": mujoco.mjtSensor.mjSENS_GYRO,
    "linear_acceleration": mujoco.mjtSensor.mjSENS_ACCELEROMETER,
    "orientation": mujoco.mjtSensor.mjSENS_FRAMEQUAT,
}
IMU_GROUPS: Final = tuple(IMU_SENSORS)
"""Groups of readings of IMUs, in the frame of the IMU's body; drivers return the same frame for any mounting."""

_BACKLASH_ARMATURE: Final = 1e-4  # kg·m², keeps a light link behind the backlash stable at normal time steps
_STOP_STEPS: Final = 2.0  # physics steps, time constant of the stop: steel teeth, as stiff as the solver allows
_BRISTLE: Final = 1e-3  # rad, deflection of the LuGre bristles at which the joint slides
_STATIC_OVER_COULOMB: Final = 1.3
_STRIBECK_SPEED: Final = 0.1  # rad/s
_SPAN_MIN: Final = 1e-4  # m between lowest and highest ground; MuJoCo refuses a height field of zero height
_PAYLOAD_MIN: Final = 1e-9  # kg; MuJoCo refuses a massless body


def add_motor(
    spec: mujoco.MjSpec,
    name: str,
    joint: JointConfig,
    supply_voltage: float,
    *,
    target: str | None = None,
    voltage_max: float | None = None,
    lugre: bool = False,
) -> mujoco.MjsActuator:
    """Add the joint's motor as a `<dcmotor>` with its on-board controller, limited by the supply voltage.

    In current mode the input is a torque, delivered exactly until the voltage saturates. In other modes it is the
    setpoint of a PD controller with torque output. Stiffness, damping and limits are those of the motor's own loop with
    the registers that its driver sets.

    Args:
        spec: The model.
        name: Name of the joint, and of the actuator.
        target: Name of the joint in the model, where it has another one.
        joint: Its configuration.
        supply_voltage: V
        voltage_max: V; highest supply that safety allows, for drivers that use it; default: the supply voltage.
        lugre: Give the motor LuGre friction, in place of the joint's dry friction.
    """
    nominal, coulomb = joint.motor.nominal, joint.motor.friction.coulomb
    by_effort = joint.mode == "current"
    law = PositionLaw(0.0, 0.0)
    if not by_effort:
        highest = supply_voltage if voltage_max is None else voltage_max
        law = motor_family(joint.motor.family).position_law(joint, supply_voltage, highest)
    stiffness = coulomb / _BRISTLE
    bristles = [
        stiffness,
        2.0 * math.sqrt(stiffness * joint.motor.armature),
        coulomb,
        _STATIC_OVER_COULOMB * coulomb,
        _STRIBECK_SPEED,
    ]
    actuator = plain(spec.add_actuator(name=name))
    actuator.target, actuator.trntype = target or name, mujoco.mjtTrn.mjTRN_JOINT
    if joint.travel is not None:
        actuator.gear = [1.0 / joint.travel, 0.0, 0.0, 0.0, 0.0, 0.0]
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
    """Add a site in the body's frame with the sensors of an IMU, named `IMU/GROUP`.

    The mounting of the unit does not matter: drivers convert its readings to the body frame.

    Raises:
        UserError: The model has no such body.
    """
    body = spec.body(robot.in_model(imu.body))
    if body is None:
        valid = ", ".join(body.name for body in spec.bodies if body.name and body.name != "world")
        raise UserError(
            f"robot {robot.name!r}: IMU {name!r} is on body {imu.body!r}, which is not there; valid: {valid}"
        )
    site = f"{name}/site"
    plain(body.add_site(name=site))
    for group in groups:
        sensor = spec.add_sensor(type=IMU_SENSORS[group], objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)
        sensor.name, sensor.nsample = f"{name}/{group}", samples


def add_tip_sensor(spec: mujoco.MjSpec, robot: RobotConfig, name: str, samples: int = 0) -> None:
    """Add a sensor of the tip's position in the frame of the robot's base.

    Raises:
        UserError: The robot has no tip, or the model does not have its site.
    """
    site = spec.site(tip_site(robot))
    if site is None or robot.tip is None:
        valid = ", ".join(site.name for site in spec.sites if site.name) or "none"
        raise UserError(f"robot {robot.name!r}: no site {tip_site(robot)!r} for its tip; valid: {valid}")
    first = spec.joint(robot.in_model(robot.tip.links[0].joint)).parent.parent
    sensor = spec.add_sensor(
        name=name, type=mujoco.mjtSensor.mjSENS_FRAMEPOS, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site.name
    )
    sensor.reftype, sensor.refname, sensor.nsample = mujoco.mjtObj.mjOBJ_XBODY, first.name or "world", samples


ATTITUDE: Final = "attitude/true"
"""Sensor of the true attitude of the first IMU's body."""


def add_true_sensors(spec: mujoco.MjSpec, robot: RobotConfig, *, feet: bool, tip: bool, attitude: bool) -> None:
    """Add undelayed sensors for rewards, critics and goals.

    They are `FOOT/position`, `FOOT/velocity`, `tip/true` and `attitude/true`. The last is only added where the first
    IMU is not on a free base, whose attitude is part of the state.

    Raises:
        UserError: The model lacks a foot or the tip.
    """
    for foot in robot.feet if feet else ():
        geom = robot.in_model(foot)
        if spec.geom(geom) is None:
            raise UserError(f"robot {robot.name!r}: no geom {foot!r}, which is one of its feet")
        for kind, sensor in (
            ("position", mujoco.mjtSensor.mjSENS_FRAMEPOS),
            ("velocity", mujoco.mjtSensor.mjSENS_FRAMELINVEL),
        ):
            spec.add_sensor(name=f"{foot}/{kind}", type=sensor, objtype=mujoco.mjtObj.mjOBJ_GEOM, objname=geom)
    if tip:
        add_tip_sensor(spec, robot, "tip/true")
    body = next((robot.in_model(imu.body) for imu in robot.imus.values()), None)
    base = base_body(spec, robot.in_model(robot.joint_names[0]))
    if attitude and body is not None and (base is None or body != base.name):
        sensor = mujoco.mjtSensor.mjSENS_FRAMEQUAT
        spec.add_sensor(name=ATTITUDE, type=sensor, objtype=mujoco.mjtObj.mjOBJ_XBODY, objname=body)


def backlash_name(joint: str) -> str:
    """Return the name of the hinge that models a joint's backlash."""
    return f"{joint}/backlash"


def add_backlash(spec: mujoco.MjSpec, robot: RobotConfig, joint: str) -> None:
    """Add a hinge in series with a joint: the link moves freely within the backlash, unseen by the encoder."""
    hinge = spec.joint(robot.in_model(joint))
    backlash = plain(hinge.parent.add_joint(name=backlash_name(joint)))
    backlash.type = mujoco.mjtJoint.mjJNT_HINGE
    backlash.pos, backlash.axis = hinge.pos, hinge.axis
    backlash.armature, backlash.limited = _BACKLASH_ARMATURE, mujoco.mjtLimited.mjLIMITED_TRUE
    backlash.range = [-1e-6, 1e-6]
    backlash.solref_limit = [_STOP_STEPS * spec.option.timestep, 1.0]


def payload_name(body: str) -> str:
    """Return the name of the body that models the payload of another."""
    return f"{body}/payload"


def add_payload(spec: mujoco.MjSpec, robot: RobotConfig, name: str) -> None:
    """Add an almost massless body fixed to another: at the robot's tip if it is on that body, else at its origin.

    Raises:
        UserError: The model has no such body.
    """
    body = spec.body(name)
    if body is None:
        valid = ", ".join(body.name for body in spec.bodies if body.name and body.name != "world")
        raise UserError(f"robot {robot.name!r}: no body {name!r} to carry a payload; valid: {valid}")
    sites = {site.name: site for site in body.sites}
    tip = tip_site(robot) if robot.tip is not None else None
    at = sites[tip].pos if tip in sites else [0.0, 0.0, 0.0]
    payload = body.add_body(name=payload_name(name), pos=at)
    payload.mass, payload.inertia, payload.explicitinertial = _PAYLOAD_MIN, [1e-12] * 3, True


def add_terrain(spec: mujoco.MjSpec, terrain: Terrain) -> None:
    """Replace the static planes, whichever body holds them, by rough ground like the first of them."""
    planes = [geom for geom in spec.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE and _is_static(geom.parent)]
    rows, columns = terrain.heights.shape
    # MuJoCo normalises heights to [0, 1] by their minimum and maximum; `size` and `pos` undo that.
    lowest = float(terrain.heights.min())
    span = max(float(terrain.heights.max()) - lowest, _SPAN_MIN)
    levels = (terrain.heights - lowest) / span
    spec.add_hfield(name=TERRAIN, nrow=rows, ncol=columns, size=[*terrain.size, span, 0.1], userdata=levels.ravel())
    ground = plain(spec.worldbody.add_geom(name=TERRAIN))
    ground.type, ground.hfieldname = mujoco.mjtGeom.mjGEOM_HFIELD, TERRAIN
    ground.pos = [0.0, 0.0, lowest]
    if planes:
        floor = planes[0]
        ground.friction, ground.solref, ground.solimp = floor.friction, floor.solref, floor.solimp
        ground.contype, ground.conaffinity, ground.material = floor.contype, floor.conaffinity, floor.material
    for plane in planes:
        spec.delete(plane)


def _is_static(body: mujoco.MjsBody) -> bool:
    """Return whether a body is fixed to the world."""
    while body is not None and body.name != "world":
        if body.joints or body.mocap:
            return False
        body = body.parent
    return True
