"""The parameters that this project randomises: each is declared here, and nowhere else.

Those without effects are read by a part of the simulation, which asks for them by name.
"""

from math import inf, pi
from typing import Final

import numpy as np

from sim2real.configs.schema.parameter_catalogue import Application
from sim2real.hardware.types import Float64Array
from sim2real.model.gains import GAIN_CONSTANT, GAIN_DAMPING, GAIN_RESISTANCE, GAIN_STIFFNESS, GAIN_VOLTAGE_MAX
from sim2real.randomization.parameter import STRENGTH, FieldEffect, Parameter

_COPPER: Final = 0.00393  # 1/K, resistance of copper
_MAGNET: Final = -0.0011  # 1/K, remanence of neodymium magnets, and with it the motor constant
_LOAD_DENSITY: Final = 2700.0  # kg/m³, a payload is a ball of aluminium

_FACTOR: Final[tuple[Application, ...]] = ("scale", "set", "add")
_SET: Final[tuple[Application, ...]] = ("set",)
_ADD: Final[tuple[Application, ...]] = ("add",)
_SCALE: Final[tuple[Application, ...]] = ("scale",)

_POSITIVE: Final = (0.0, inf)
_SHARE: Final = (0.0, 1.0)

_OF_JOINTS: Final = ("joint_position", "joint_velocity", "joint_effort")
_OF_IMUS: Final = ("angular_velocity", "orientation")


def _ball_inertia(mass: Float64Array) -> Float64Array:
    radius = np.cbrt(3.0 * mass / (4.0 * np.pi * _LOAD_DENSITY))
    return np.repeat(np.maximum(0.4 * mass * np.square(radius), 1e-12), 3, axis=2)


def _gain(column: int) -> FieldEffect:
    return FieldEffect("actuator_gainprm", column)


SHIPPED: Final = (
    # Inertia scales with mass: the same body of a denser material.
    Parameter("body_mass", "kg", _SCALE, "body", (FieldEffect("body_mass"), FieldEffect("body_inertia"))),
    Parameter("center_of_mass", "m", _ADD, "body", (FieldEffect("body_ipos"),), width=3, mirror="vector"),
    Parameter(
        "payload",
        "kg",
        _SET,
        "load",
        (
            FieldEffect("body_mass", transform=lambda mass: np.maximum(mass, 1e-9)),
            FieldEffect("body_inertia", transform=_ball_inertia),
        ),
        limits=_POSITIVE,
    ),
    Parameter("joint_armature", "kg*m^2", _FACTOR, "joint", (FieldEffect("dof_armature"),), limits=_POSITIVE),
    Parameter("joint_friction", "N*m", _FACTOR, "joint", (FieldEffect("dof_frictionloss"),), limits=_POSITIVE),
    Parameter("joint_damping", "N*m*s/rad", _FACTOR, "joint", (FieldEffect("dof_damping"),), limits=_POSITIVE),
    Parameter("joint_limits", "rad", _ADD, "joint", (FieldEffect("jnt_range"),), width=2, mirror="angle_range"),
    Parameter("joint_offset", "rad", _ADD, "joint", mirror="angle", shown_by=("tip",)),
    Parameter(
        "backlash",
        "rad",
        _SET,
        "play",
        (FieldEffect("jnt_range", transform=lambda play: play * np.array([-0.5, 0.5])),),
        limits=_POSITIVE,
    ),
    Parameter("motor_resistance", "ohm", _FACTOR, "actuator", (_gain(GAIN_RESISTANCE),), limits=_POSITIVE),
    # Firmware regulates current: a motor with a higher constant gives more torque for the same command.
    Parameter(
        "motor_constant",
        None,
        _SCALE,
        "actuator",
        (_gain(GAIN_CONSTANT), _gain(GAIN_STIFFNESS), _gain(GAIN_DAMPING), FieldEffect(STRENGTH)),
    ),
    Parameter(
        "motor_heating",
        "K",
        _SET,
        "actuator",
        (
            FieldEffect("actuator_gainprm", GAIN_RESISTANCE, "scale", lambda rise: 1.0 + _COPPER * rise),
            FieldEffect("actuator_gainprm", GAIN_CONSTANT, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect("actuator_gainprm", GAIN_STIFFNESS, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect("actuator_gainprm", GAIN_DAMPING, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect(STRENGTH, None, "scale", lambda rise: 1.0 + _MAGNET * rise),
        ),
    ),
    Parameter("torque_limit", "N*m", _SCALE, "actuator", (FieldEffect("actuator_forcerange"),)),
    Parameter("controller_stiffness", "N*m/rad", _FACTOR, "actuator", (_gain(GAIN_STIFFNESS),), limits=_POSITIVE),
    Parameter("controller_damping", "N*m*s/rad", _FACTOR, "actuator", (_gain(GAIN_DAMPING),), limits=_POSITIVE),
    Parameter("supply_voltage", "V", _FACTOR, "actuator", (_gain(GAIN_VOLTAGE_MAX),), limits=_POSITIVE),
    Parameter(
        "supply_resistance",
        "ohm",
        ("set", "scale", "add"),
        "supply",
        limits=_POSITIVE,
        own=lambda robot: np.array([supply.resistance for supply in robot.supplies.values()]),
    ),
    Parameter("gravity", None, _SCALE, "world", (FieldEffect("opt.gravity"),)),
    Parameter("gravity_vector", "m/s^2", _ADD, "world", (FieldEffect("opt.gravity"),), width=3, mirror="vector"),
    Parameter("ground_friction", None, _FACTOR, "geom", (FieldEffect("geom_friction", 0),), limits=_POSITIVE),
    # A contact is a spring whose stiffness goes with the inverse square of its time constant.
    Parameter(
        "ground_stiffness",
        None,
        _SCALE,
        "geom",
        (FieldEffect("geom_solref", 0, transform=lambda stiffness: 1.0 / np.sqrt(stiffness)),),
    ),
    Parameter("ground_slope", "rad", _SET, "world", limits=(0.0, 0.5 * pi)),
    Parameter("terrain_roughness", "m", _SET, "world", limits=_POSITIVE),
    Parameter("action_latency", "s", _SET, "world", limits=_POSITIVE),
    Parameter("joint_latency", "s", _SET, "world", limits=_POSITIVE, readings=_OF_JOINTS),
    Parameter("imu_latency", "s", _SET, "world", limits=_POSITIVE, readings=_OF_IMUS),
    Parameter("tip_latency", "s", _SET, "world", limits=_POSITIVE, readings=("tip",)),
    Parameter("joint_interval", "s", _SET, "world", limits=_POSITIVE, readings=_OF_JOINTS),
    Parameter("imu_interval", "s", _SET, "world", limits=_POSITIVE, readings=_OF_IMUS),
    Parameter("period_jitter", None, _SET, "world", limits=_POSITIVE),
    Parameter("action_loss", None, _SET, "world", limits=_SHARE),
    Parameter("reading_loss", None, _SET, "world", limits=_SHARE),
    Parameter(
        "joint_position_gain", None, _SET, "world", limits=_POSITIVE, readings=("joint_position",), shown_by=("tip",)
    ),
    Parameter(
        "joint_position_bias", "rad", _SET, "world", limits=_POSITIVE, readings=("joint_position",), shown_by=("tip",)
    ),
    Parameter("joint_position_white", "rad", _SET, "world", limits=_POSITIVE, readings=("joint_position",)),
    Parameter("joint_velocity_gain", None, _SET, "world", limits=_POSITIVE, readings=("joint_velocity",)),
    Parameter("joint_velocity_bias", "rad/s", _SET, "world", limits=_POSITIVE, readings=("joint_velocity",)),
    Parameter("joint_velocity_white", "rad/s", _SET, "world", limits=_POSITIVE, readings=("joint_velocity",)),
    Parameter("joint_effort_gain", None, _SET, "world", limits=_POSITIVE, readings=("joint_effort",)),
    Parameter("joint_effort_bias", "N*m", _SET, "world", limits=_POSITIVE, readings=("joint_effort",)),
    Parameter("joint_effort_white", "N*m", _SET, "world", limits=_POSITIVE, readings=("joint_effort",)),
    Parameter("angular_velocity_bias", "rad/s", _SET, "world", limits=_POSITIVE, readings=("angular_velocity",)),
    Parameter("angular_velocity_white", "rad/s", _SET, "world", limits=_POSITIVE, readings=("angular_velocity",)),
    Parameter("orientation_bias", "rad", _SET, "world", limits=_POSITIVE, readings=("orientation",), shown_by=()),
    Parameter("orientation_white", "rad", _SET, "world", limits=_POSITIVE, readings=("orientation",)),
    Parameter("tip_bias", "m", _SET, "world", limits=_POSITIVE, readings=("tip",), shown_by=()),
    Parameter("tip_white", "m", _SET, "world", limits=_POSITIVE, readings=("tip",)),
    Parameter("action_gain", None, _SET, "world", limits=_POSITIVE),
    Parameter("action_bias", None, _SET, "world", limits=_POSITIVE),
    Parameter("action_white", None, _SET, "world", limits=_POSITIVE),
    Parameter("push_speed", "m/s", _SET, "world", limits=_POSITIVE),
    Parameter("push_interval", "s", _SET, "world", limits=_POSITIVE, neutral=10.0),
    Parameter("wrench_acceleration", "m/s^2", _SET, "body", limits=_POSITIVE),
    Parameter("adversary_share", None, _SET, "world", limits=_SHARE),
    Parameter("command_scale", None, _SET, "world", limits=_POSITIVE, neutral=1.0),
)
