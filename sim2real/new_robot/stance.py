"""A pose in which a legged robot stands, for models whose own pose does not: legs bent, feet below their hips."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.model.ground import reach_of
from sim2real.new_robot.feet import Foot, support
from sim2real.new_robot.leg import Leg
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

BENT: Final = 0.92
"""Share of a leg's longest reach at which it stands. Straighter legs cost less effort, but are pushed over sooner: of
64 quadrupeds of 13 kg with idle actions 91 % stood after 3 s, and 61 % at 0.98."""
EFFORT_SHARE: Final = 0.6
"""Of a joint's limit, to stand on half of the feet; the rest balances and steps."""
_STRAIGHT: Final = 0.985  # share of the same, above which a leg is straight: its foot goes up only
_MARGIN: Final = 5e-3  # m, of the centre of mass inside what the feet stand on
_OUTSIDE: Final = 1e-3  # rad or m, beyond a range: more than rounding


def standing_pose(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> Mjcf:
    """Return the model with a start pose in which it stands; as it is if it has one, or none is found.

    A pose outside the ranges of the legs' joints is none, nor is one whose centre of mass is not above the feet, or in
    which all legs are straight: no robot walks on those. The pose of a keyframe is kept, and so is that of a model with
    equalities.

    Args:
        mjcf: The model.
        motors: Its joints that have a motor.
        feet: Its feet.
    """
    if len(feet) < 2 or mjcf.keyframe is not None or mjcf.model.neq:
        return mjcf
    legs = [Leg(mjcf, clipped(mjcf, motors), motors, foot) for foot in feet]
    stood = outside(mjcf, motors, feet) <= -_MARGIN and not _beyond(motors, feet)
    if stood and not all(leg.is_straight(_STRAIGHT) for leg in legs):
        return mjcf
    found = _bent_legs(mjcf, motors, legs)
    if found is None:
        return mjcf
    joints = tuple(
        replace(joint, position=float(found[mjcf.model.joint(joint.name).qposadr[0]])) for joint in mjcf.joints
    )
    model_pose = "its legs are straight" if stood else "the robot does not stand"
    pose = f"legs bent, feet below the hips; in the model's initial pose {model_pose}"
    stands = replace(mjcf, qpos=found, joints=joints, pose=pose)
    return stands if outside(stands, motors, feet) <= -_MARGIN else mjcf


def hardest(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> tuple[float, str]:
    """Return the largest effort of a leg's joint, and its name, in the start pose with half of the feet on the ground.

    All of them carry the same vertical force, and the weight of the leg itself is left out. N·m, or N of a slide.
    """
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = clipped(mjcf, motors)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    weight = float(model.body_subtreemass[model.body_rootid[feet[0].body]]) * abs(float(model.opt.gravity[2]))
    jacobian, found = np.zeros((3, model.nv)), []
    for foot in feet:
        point = np.array(data.geom_xpos[foot.index])
        point[2] -= reach_of(model, data, foot.index)
        mujoco.mj_jac(model, data, jacobian, None, point, int(model.geom_bodyid[foot.index]))
        for name in foot.joints:
            arm = abs(float(jacobian[2, model.joint(name).dofadr[0]]))
            found.append((weight / (len(feet) / 2.0) * arm, name))
    return max(found)


def stance_lines(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...], effort: float) -> Iterator[str]:
    """Yield what the user has to know of how the robot stands in its start pose; effort is the motors' limit, N·m."""
    if len(feet) < 2:
        return
    needed, joint = hardest(mjcf, motors, feet)
    if needed > EFFORT_SHARE * effort:
        weak = "too weak to walk" if needed > effort else "little is left to walk with"
        yield f"on half of its feet, joint {joint} holds {needed:.3g} N*m of effort_limit {effort:g} N*m: {weak}"
    distance = outside(mjcf, motors, feet)
    if distance > 0.0:
        yield (
            f"in the start pose the centre of mass is {distance * 1e3:.0f} mm outside what the feet stand on: the "
            "robot falls over; give another pose by --keyframe, or default_position of the joints"
        )


def _beyond(motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> bool:
    """Return whether the model's pose is outside the range of a joint of a leg."""
    legs = {name for foot in feet for name in foot.joints}
    ranges = [(joint.position, joint.range) for joint in motors if joint.name in legs and joint.range is not None]
    return any(not low - _OUTSIDE <= position <= high + _OUTSIDE for position, (low, high) in ranges)


def outside(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> float:
    """Return how far the centre of mass is outside what the feet stand on, in the start pose, m; below 0 inside."""
    data = mujoco.MjData(mjcf.model)
    data.qpos[:] = clipped(mjcf, motors)
    mujoco.mj_kinematics(mjcf.model, data)
    mujoco.mj_comPos(mjcf.model, data)
    root = int(mjcf.model.body_rootid[feet[0].body])
    points, centre = support(mjcf.model, data, feet), data.subtree_com[root, :2]
    # The largest distance beyond any line that has all points on one side, over all directions: exact to a degree.
    angles = np.radians(np.arange(360.0))
    directions = np.stack((np.cos(angles), np.sin(angles)))
    return float((centre @ directions - (points @ directions).max(axis=0)).max())


def clipped(mjcf: Mjcf, motors: tuple[ModelJoint, ...]) -> Float64Array:
    """Return the model's pose with the joints of motors inside their ranges."""
    qpos = mjcf.qpos.copy()
    for joint in motors:
        if joint.range is not None:
            address = int(mjcf.model.joint(joint.name).qposadr[0])
            qpos[address] = np.clip(qpos[address], *joint.range)
    return qpos


def _bent_legs(mjcf: Mjcf, motors: tuple[ModelJoint, ...], legs: list[Leg]) -> Float64Array | None:
    """Return the pose, or None where a leg gets to no such place."""
    depths = [leg.deepest() for leg in legs]
    if any(depth is None for depth in depths):
        return None
    depth, qpos = BENT * min(depth for depth in depths if depth is not None), clipped(mjcf, motors)
    for leg in legs:
        found = leg.solve(depth)
        if found is None:
            return None
        qpos[leg.columns] = found
    return qpos
