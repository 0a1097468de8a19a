"""Which part of the simulated world each parameter changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sim2real.configs.schema.parameter import Application, ParameterName
from sim2real.hardware.types import Float64Array
from sim2real.model.model import GAIN_CONSTANT, GAIN_DAMPING, GAIN_RESISTANCE, GAIN_STIFFNESS, GAIN_VOLTAGE_MAX

Element = Literal["body", "joint", "actuator", "geom", "play", "load", "world"]
"""What a parameter has values of: bodies, degrees of freedom of driven joints, their motors, geoms, the play behind
joints, payloads of bodies; or one value for all."""

STRENGTH: Final = "strength"
"""Not a field of the model: the factor on commanded effort of every motor."""

_COPPER: Final = 0.00393  # 1/K, resistance of copper
_MAGNET: Final = -0.0011  # 1/K, remanence of neodymium magnets, and with it the motor constant
_LOAD_DENSITY: Final = 2700.0  # kg/m³, a payload is a ball of aluminium


@dataclass(frozen=True)
class FieldEffect:
    """How one model field follows from the drawn values."""

    field: str
    column: int | None = None
    """Column within an element, where only one is meant."""
    apply: Application | None = None
    """How, where it is not the parameter's own way."""
    transform: Callable[[Float64Array], Float64Array] | None = None
    """From drawn values, (k, E, width), to what is applied."""


@dataclass(frozen=True)
class ParameterKind:
    """What a parameter has values of, and which model fields follow from them."""

    of: Element
    effects: tuple[FieldEffect, ...] = ()
    """Empty: a part of the simulation reads the values by itself."""
    width: int = 1
    """Values of each element."""


def _ball_inertia(mass: Float64Array) -> Float64Array:
    radius = np.cbrt(3.0 * mass / (4.0 * np.pi * _LOAD_DENSITY))
    return np.repeat(np.maximum(0.4 * mass * np.square(radius), 1e-12), 3, axis=2)


def _gain(column: int) -> FieldEffect:
    return FieldEffect("actuator_gainprm", column)


_WORLD: Final = ParameterKind("world")

CATALOGUE: Final[dict[ParameterName, ParameterKind]] = {
    # Inertia scales with mass: the same body of a denser material.
    "body_mass": ParameterKind("body", (FieldEffect("body_mass"), FieldEffect("body_inertia"))),
    "center_of_mass": ParameterKind("body", (FieldEffect("body_ipos"),), width=3),
    "payload": ParameterKind(
        "load",
        (
            FieldEffect("body_mass", transform=lambda mass: np.maximum(mass, 1e-9)),
            FieldEffect("body_inertia", transform=_ball_inertia),
        ),
    ),
    "joint_armature": ParameterKind("joint", (FieldEffect("dof_armature"),)),
    "joint_friction": ParameterKind("joint", (FieldEffect("dof_frictionloss"),)),
    "joint_damping": ParameterKind("joint", (FieldEffect("dof_damping"),)),
    "joint_limits": ParameterKind("joint", (FieldEffect("jnt_range"),), width=2),
    "joint_offset": ParameterKind("joint"),
    "backlash": ParameterKind("play", (FieldEffect("jnt_range", transform=lambda play: play * np.array([-0.5, 0.5])),)),
    "motor_resistance": ParameterKind("actuator", (_gain(GAIN_RESISTANCE),)),
    # Firmware regulates current: a motor with a higher constant gives more torque for the same command.
    "motor_constant": ParameterKind(
        "actuator", (_gain(GAIN_CONSTANT), _gain(GAIN_STIFFNESS), _gain(GAIN_DAMPING), FieldEffect(STRENGTH))
    ),
    "motor_heating": ParameterKind(
        "actuator",
        (
            FieldEffect("actuator_gainprm", GAIN_RESISTANCE, "scale", lambda rise: 1.0 + _COPPER * rise),
            FieldEffect("actuator_gainprm", GAIN_CONSTANT, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect("actuator_gainprm", GAIN_STIFFNESS, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect("actuator_gainprm", GAIN_DAMPING, "scale", lambda rise: 1.0 + _MAGNET * rise),
            FieldEffect(STRENGTH, None, "scale", lambda rise: 1.0 + _MAGNET * rise),
        ),
    ),
    "torque_limit": ParameterKind("actuator", (FieldEffect("actuator_forcerange"),)),
    "controller_stiffness": ParameterKind("actuator", (_gain(GAIN_STIFFNESS),)),
    "controller_damping": ParameterKind("actuator", (_gain(GAIN_DAMPING),)),
    "supply_voltage": ParameterKind("actuator", (_gain(GAIN_VOLTAGE_MAX),)),
    "supply_resistance": _WORLD,
    "gravity": ParameterKind("world", (FieldEffect("opt.gravity"),)),
    "gravity_vector": ParameterKind("world", (FieldEffect("opt.gravity"),), width=3),
    "ground_friction": ParameterKind("geom", (FieldEffect("geom_friction", 0),)),
    # A contact is a spring whose stiffness goes with the inverse square of its time constant.
    "ground_stiffness": ParameterKind(
        "geom", (FieldEffect("geom_solref", 0, transform=lambda stiffness: 1.0 / np.sqrt(stiffness)),)
    ),
    "ground_slope": _WORLD,
    "terrain_roughness": _WORLD,
    "action_latency": _WORLD,
    "joint_latency": _WORLD,
    "imu_latency": _WORLD,
    "tip_latency": _WORLD,
    "joint_interval": _WORLD,
    "imu_interval": _WORLD,
    "period_jitter": _WORLD,
    "action_loss": _WORLD,
    "reading_loss": _WORLD,
    "joint_position_gain": _WORLD,
    "joint_position_bias": _WORLD,
    "joint_position_white": _WORLD,
    "joint_velocity_gain": _WORLD,
    "joint_velocity_bias": _WORLD,
    "joint_velocity_white": _WORLD,
    "joint_effort_gain": _WORLD,
    "joint_effort_bias": _WORLD,
    "joint_effort_white": _WORLD,
    "angular_velocity_bias": _WORLD,
    "angular_velocity_white": _WORLD,
    "orientation_bias": _WORLD,
    "orientation_white": _WORLD,
    "tip_bias": _WORLD,
    "tip_white": _WORLD,
    "action_gain": _WORLD,
    "action_bias": _WORLD,
    "action_white": _WORLD,
    "push_speed": _WORLD,
    "push_interval": _WORLD,
    "wrench_acceleration": ParameterKind("body"),
    "adversary_share": _WORLD,
    "command_scale": _WORLD,
}
