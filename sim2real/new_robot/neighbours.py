"""Neighbours on a robot whose geoms overlap in its start pose: contacts would push them apart."""

import mujoco
import numpy as np

from sim2real.model.ground import GROUND_KINDS, OVERLAP_MAX
from sim2real.new_robot.mjcf import Mjcf, ModelJoint


def overlapping_neighbours(mjcf: Mjcf, motors: tuple[ModelJoint, ...]) -> tuple[tuple[str, str], ...]:
    """Return pairs of bodies that overlap in the start pose, and that at most one other link joins.

    MuJoCo leaves out contacts between a link and the one that carries it, but not where that one stands still: the
    first joint of an arm or of a finger pushes itself off a base whose geoms it overlaps.

    Args:
        mjcf: The model.
        motors: Its joints that have a motor; they start within their ranges.

    Returns:
        Names in the model, sorted; bodies without a name and the world's own geoms are left out.
    """
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = mjcf.qpos
    for joint in motors:
        if joint.range is not None:
            data.joint(joint.name).qpos[0] = np.clip(joint.position, *joint.range)
    mujoco.mj_forward(model, data)
    found = set()
    for contact in data.contact[: data.ncon]:
        if not contact.dist < -OVERLAP_MAX or any(geom < 0 for geom in contact.geom):
            continue
        if any(int(model.geom_type[geom]) in GROUND_KINDS for geom in contact.geom):
            continue
        one, other = (int(model.geom_bodyid[geom]) for geom in contact.geom)
        names = sorted((model.body(one).name, model.body(other).name))
        if all(names) and 0 not in (one, other) and _near(model, one, other):
            found.add((names[0], names[1]))
    return tuple(sorted(found))


def _near(model: mujoco.MjModel, one: int, other: int) -> bool:
    """Return whether a link carries another, or what carries it; bodies without a joint between them are one link."""
    links = [_links(model, body) for body in (one, other)]
    return links[0][0] in links[1][:3] or links[1][0] in links[0][:3]


def _links(model: mujoco.MjModel, body: int) -> list[int]:
    """Return the link of a body and those that carry it, each by its first body; the last is what stands still."""
    links = [int(model.body_weldid[body])]
    while links[-1]:
        links.append(int(model.body_weldid[model.body_parentid[links[-1]]]))
    return links
