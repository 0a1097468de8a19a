"""A user's model as the stack reads it: everything has a name, and nothing but motors moves the robot."""

import re
from typing import Final

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig

_OF_BODIES: Final = (mujoco.mjtEq.mjEQ_WELD, mujoco.mjtEq.mjEQ_CONNECT)
_ITERATIONS_MIN: Final = 4
"""Newton's steps that contacts of a standing robot need: a leg started at 28 rad/s with one, at 2.8 with 100."""


def prepare_spec(spec: mujoco.MjSpec) -> None:
    """Change a model, in place, as the stack needs it.

    - Joints, geoms and keyframes without a name get one, so that they can be found.
    - Bodies without joints stay bodies: MuJoCo would merge those of a URDF into their parents, unless something names
      them, so that the frames of a model would depend on its sensors.
    - Equalities with mocap bodies are off: they move a robot by a hand that no robot has.
    - The solver has MuJoCo's own limit of steps where a model, made for GPUs, stops it after fewer than four.
    """
    _name_joints(spec)
    _name_geoms(spec)
    names = {key.name for key in spec.keys}
    for index, key in enumerate(spec.keys):
        if not key.name and f"keyframe{index}" not in names:
            key.name = f"keyframe{index}"
    spec.compiler.fusestatic = False
    for equality in mocap_equalities(spec):
        equality.active = False
    if spec.option.iterations < _ITERATIONS_MIN:
        usual = mujoco.MjSpec().option
        spec.option.iterations, spec.option.ls_iterations = usual.iterations, usual.ls_iterations


def mocap_equalities(spec: mujoco.MjSpec) -> list[mujoco.MjsEquality]:
    """Return the welds and connections that tie something to a mocap body."""
    mocap = {body.name for body in spec.bodies if body.mocap}
    found = []
    for equality in spec.equalities:
        names = {equality.name1, equality.name2}
        if equality.objtype == mujoco.mjtObj.mjOBJ_SITE:
            names = {spec.site(name).parent.name for name in names if name and spec.site(name) is not None}
        if equality.type in _OF_BODIES and names & mocap:
            found.append(equality)
    return found


def separate(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """Leave out the contacts between the robot's `no_contact` pairs.

    Raises:
        UserError: The model has no such body.
    """
    for pair in robot.no_contact:
        for name in pair:
            if spec.body(name) is None:
                valid = ", ".join(body.name for body in spec.bodies if body.name)
                raise UserError(f"robot {robot.name!r}: no_contact: no body {name!r} in its model; valid: {valid}")
        exclude = spec.add_exclude()
        exclude.bodyname1, exclude.bodyname2 = pair


def is_given_name(name: str) -> bool:
    """Return whether a joint's name is from `prepare_spec`, not from the model's file."""
    return re.search(r"/joint[0-9]+$", name) is not None


def _name_joints(spec: mujoco.MjSpec) -> None:
    """Give names to the joints of a model that have none, so that they can be found by name: BODY/jointNUMBER."""
    for index, joint in enumerate(spec.joints):
        if not joint.name:
            joint.name = f"{joint.parent.name or 'body'}/joint{index}"


def _name_geoms(spec: mujoco.MjSpec) -> None:
    """Give names to the geoms of a model that have none, so that feet can be named: BODY/geomNUMBER."""
    used = {geom.name for geom in spec.geoms}
    for index, geom in enumerate(spec.geoms):
        name = f"{geom.parent.name or 'body'}/geom{index}"
        if not geom.name and name not in used:
            geom.name = name
