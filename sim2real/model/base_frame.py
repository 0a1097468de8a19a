"""The free base of a robot: the body itself, and its frame, turned so that it is upright in the start attitude."""

import mujoco
import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array

_UPRIGHT_COSINE = 1.0 - 1e-9  # of the angle between the base's z axis and the vertical: 0.003 degrees


def base_body(spec: mujoco.MjSpec, joint: str) -> mujoco.MjsBody | None:
    """Return the body with a free joint that carries a joint of the robot; None for a fixed base."""
    body = spec.joint(joint).parent
    while body.parent is not None and body.parent.name != "world":
        body = body.parent
    free = any(each.type == mujoco.mjtJoint.mjJNT_FREE for each in body.joints)
    return body if free else None


def is_plain(body: mujoco.MjsBody) -> bool:
    """Return whether a body of the world stands in the world's attitude, as the file gives it."""
    return bool(
        np.array_equal(body.quat, [1.0, 0.0, 0.0, 0.0])
        and body.alt.type == mujoco.mjtOrientation.mjORIENTATION_QUAT
        and body.frame is None
    )


def is_upright(attitude: Float64Array) -> bool:
    """Return whether a unit quaternion w x y z keeps the vertical."""
    _, x, y, _ = attitude
    return bool(1.0 - 2.0 * (x * x + y * y) >= _UPRIGHT_COSINE)


def turn_base_frame(spec: mujoco.MjSpec, body: mujoco.MjsBody, model: mujoco.MjModel, attitude: Float64Array) -> None:
    """Turn the frame of a free base, whose body keeps its place, so that it is the world's in the given attitude.

    Args:
        spec: The model.
        body: The base.
        model: The same, compiled from the spec as it is.
        attitude: Unit quaternion w x y z of the base as the model has it.

    Raises:
        UserError: A weld holds the base: its pose is given in the old frame.
    """
    index = body.id
    place, turn = np.array(model.body_ipos[index]), np.zeros(4)
    if body.explicitinertial:
        mujoco.mju_rotVecQuat(place, np.array(model.body_ipos[index]), attitude)
        mujoco.mju_mulQuat(turn, attitude, np.array(model.body_iquat[index]))
        body.ipos, body.iquat, body.inertia = place, turn, np.array(model.body_inertia[index])
        body.ialt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        body.fullinertia = [np.nan, 0.0, 0.0, 0.0, 0.0, 0.0]
    position = np.array(model.body_pos[index])
    within = [*body.frames, *body.geoms, *body.sites, *body.cameras, *body.lights, *body.bodies]
    frame = body.add_frame(quat=attitude)
    for element in within:
        if element.frame is None:
            element.set_frame(frame)
    _turn_anchors(spec, body, attitude)
    if body.frame is not None:
        body.set_frame(spec.worldbody.add_frame())
    body.pos, body.quat, body.alt.type = position, [1.0, 0.0, 0.0, 0.0], mujoco.mjtOrientation.mjORIENTATION_QUAT


def _turn_anchors(spec: mujoco.MjSpec, body: mujoco.MjsBody, attitude: Float64Array) -> None:
    """Turn the anchors of equalities that are given in the base's frame."""
    for equality in spec.equalities:
        if equality.objtype != mujoco.mjtObj.mjOBJ_BODY or body.name not in (equality.name1, equality.name2):
            continue
        if equality.type == mujoco.mjtEq.mjEQ_WELD:
            raise UserError(
                f"equality {equality.name or equality.id!r} welds the base {body.name!r}, which is not upright in its "
                "own frame: weld it by sites, or turn the base in the model"
            )
        if equality.type == mujoco.mjtEq.mjEQ_CONNECT and equality.name1 == body.name:
            data, anchor = np.array(equality.data), np.zeros(3)
            mujoco.mju_rotVecQuat(anchor, data[:3], attitude)
            data[:3] = anchor
            equality.data = data
