"""What a randomised parameter is: one declaration, from its unit to the model fields that it changes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Literal

from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.parameter_catalogue import PARAMETERS, Application
from sim2real.hardware.types import Float64Array
from sim2real.model.model import RobotModel

Element = Literal["body", "joint", "actuator", "geom", "play", "load", "supply", "world"]
"""What a parameter has values of: bodies, degrees of freedom of driven joints, their motors, geoms, the play behind
joints, payloads of bodies, supplies of motors; or one value for all."""

Image = Literal["same", "vector", "angle", "angle_range"]
"""How its values change when left and right are exchanged: not at all, as x y z of a vector, as the angle of a joint,
or as its lower and upper limit."""

DRY_FRICTION: Final = "dof_frictionloss"
"""The model field of dry friction; where it follows velocity and load, the drawn values are kept beside it."""

STRENGTH: Final = "strength"
"""Not a field of the model: the factor on commanded effort of every motor."""


@dataclass(frozen=True)
class FieldEffect:
    """How one model field follows from the drawn values."""

    field: str
    """Of `mujoco.MjModel`; `opt.gravity` of its options."""
    column: int | None = None
    """Column within an element, where only one is meant."""
    apply: Application | None = None
    """How, where it is not the parameter's own way."""
    transform: Callable[[Float64Array], Float64Array] | None = None
    """From drawn values, (k, E, width), to what is applied."""


@dataclass(frozen=True)
class Parameter:
    """The declaration of a parameter.

    A package from outside gives a tuple of them as an entry point of the group `sim2real.parameters`.
    """

    name: str
    unit: str | None
    """SI unit of the value itself; None: a plain number. A factor (`scale`) is a plain number always."""
    apply: tuple[Application, ...]
    """How it can apply; the first is the default."""
    of: Element
    """What it has values of."""
    effects: tuple[FieldEffect, ...] = ()
    """Model fields that follow from it. Empty: a part of the simulation reads the values by itself."""
    width: int = 1
    """Values of each element."""
    limits: tuple[float, float] = (-inf, inf)
    """Lowest and highest value that it can be set to, SI; a factor is never negative."""
    neutral: float = 0.0
    """Value, where it is set, that means nothing happens, SI."""
    own: Callable[[RobotModel], Float64Array] | None = None
    """Without effects: the robot's own value of each element, (E,), SI, which `scale` and `add` apply to. None: 0."""
    readings: tuple[str, ...] = ()
    """Groups of readings that it changes, where it changes nothing else: without them it has no effect."""
    shown_by: tuple[str, ...] | None = None
    """For errors that look like the truth: groups of readings that tell them apart. None: its effect is seen."""
    mirror: Image = "same"
    """How its values change in a mirror."""


def find_parameter(name: str) -> Parameter:
    """Return the declaration of a parameter.

    Raises:
        ConfigError: There is none; lists the valid names and the closest.
        PluginError: A package is broken, or gives something else.
    """
    parameter = PARAMETERS[name]
    if not isinstance(parameter, Parameter):
        raise PluginError(f"parameter {name!r}: is declared as a {type(parameter).__name__}, not as a Parameter")
    return parameter
