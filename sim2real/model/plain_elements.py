"""Elements that are added to a user's model, free of the defaults that its author set for elements of his own.

A `<default>` with `<motor gear="30" ctrlrange="-1 1"/>` is meant for the model's actuators. MuJoCo applies it to every
one that is added too: a motor would have thirty times its torque, or a command of at most 1 N·m.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import mujoco

Element = TypeVar("Element", mujoco.MjsActuator, mujoco.MjsJoint, mujoco.MjsGeom, mujoco.MjsSite, mujoco.MjsEquality)

_OF_ITS_PLACE: Final = {
    "classname",
    "compiler",
    "frame",
    "id",
    "info",
    "name",
    "parent",
    "plugin",
    "signature",
    "userdata",
}
"""What is not a property: where an element is, and who it is; `alt` is another way to write `quat`."""

_MAKERS: Final[dict[type[Any], Callable[[mujoco.MjSpec], Any]]] = {
    mujoco.MjsActuator: lambda spec: spec.add_actuator(),
    mujoco.MjsJoint: lambda spec: spec.worldbody.add_body().add_joint(),
    mujoco.MjsGeom: lambda spec: spec.worldbody.add_geom(),
    mujoco.MjsSite: lambda spec: spec.worldbody.add_site(),
    mujoco.MjsEquality: lambda spec: spec.add_equality(),
}


def plain(element: Element) -> Element:
    """Give an element that was just added MuJoCo's own properties, and return it; its own are set afterwards."""
    for name, value in _properties(type(element)).items():
        setattr(element, name, value)
    return element


def _properties(kind: type[Any]) -> dict[str, Any]:
    spec = mujoco.MjSpec()
    pristine = _MAKERS[kind](spec)
    names = (name for name in dir(pristine) if not name.startswith("_") and name not in _OF_ITS_PLACE)
    values = {name: getattr(pristine, name) for name in names}
    # Arrays are views of the element, which ends with this function.
    return {
        name: getattr(value, "copy", lambda value=value: value)()
        for name, value in values.items()
        if not callable(value)
    }
