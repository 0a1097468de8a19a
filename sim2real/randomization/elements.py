"""Elements of a model that parameters have values of, by name, and where they are in a model field."""

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.injection import backlash_name, payload_name
from sim2real.model.model import RobotModel
from sim2real.randomization.parameter import STRENGTH, Element, find_parameter


def bodies(robot: RobotModel) -> Indices:
    """Return the bodies of a robot, (B,), its payloads left out."""
    return np.array(list(element_names("body", robot).values()), dtype=np.intp)


def model_field(robot: RobotModel, name: str) -> Float64Array:
    """Return the robot's own values of a model field, or of a field `opt.NAME` of the options."""
    owner, field = (robot.model.opt, name.removeprefix("opt.")) if name.startswith("opt.") else (robot.model, name)
    values: Float64Array = getattr(owner, field)
    return values


def element_names(of: Element, robot: RobotModel) -> dict[str, int]:
    """Return the elements of a kind by name; the number counts within the kind."""
    model = robot.model
    driven = [model.actuator(int(index)).name for index in robot.actuator]
    if of == "world":
        return {"": 0}
    if of == "supply":
        return {name: index for index, name in enumerate(robot.supplies)}
    if of == "body":
        loads = {payload_name(model.body(index).name) for index in range(1, model.nbody)}
        names = {index: model.body(index).name or f"body {index}" for index in range(1, model.nbody)}
        return {name: index for index, name in names.items() if name not in loads}
    if of == "geom":
        return {model.geom(index).name or f"geom {index}": index for index in range(model.ngeom)}
    if of == "load":
        bodies = {model.body(index).name: index for index in range(1, model.nbody)}
        return {name: bodies[payload_name(name)] for name in bodies if payload_name(name) in bodies}
    return {name: index for index, name in enumerate(driven)}


def elements_of(entry: ParameterConfig, robot: RobotModel, where: str) -> Indices:
    """Return the elements that an entry randomises, (E,), within their kind; all of the kind if it names none.

    Args:
        entry: One parameter of a randomization.
        robot: Source of the elements.
        where: Name of the randomization.

    Raises:
        ConfigError: There is no such element.
    """
    of = find_parameter(entry.parameter).of
    named = element_names(of, robot)
    wanted = list(named) if entry.elements is None else list(entry.elements)
    unknown = [name for name in wanted if name not in named]
    if of == "world" and entry.elements is not None:
        raise ConfigError(f"randomization {where!r}: {entry.parameter} takes no elements")
    if unknown or not wanted:
        kind = {"load": "payload on body", "play": "joint"}.get(of, of)
        raise ConfigError(
            f"randomization {where!r}: {entry.parameter}: no {kind} named {(unknown or ['…'])[0]!r}; "
            f"valid: {', '.join(named) or 'none'}"
        )
    return np.array([named[name] for name in wanted], dtype=np.intp)


def field_index(field: str, of: Element, elements: Indices, robot: RobotModel) -> Indices:
    """Return where the elements of a kind are in a model field."""
    model = robot.model
    if of in ("joint", "actuator", "play"):
        if field == STRENGTH:
            return elements
        if of == "actuator":
            return robot.actuator[elements]
        if of == "play":
            names = [model.actuator(int(robot.actuator[index])).name for index in elements]
            return np.array([model.joint(backlash_name(name)).id for name in names], dtype=np.intp)
        dofs = robot.dof[elements]
        return dofs if field.startswith("dof_") else model.dof_jntid[dofs].astype(np.intp)
    return elements
