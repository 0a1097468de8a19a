"""The ground under a robot: its height, and the lowest point of the robot above it."""

from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array

_LEVEL: Final = 0.99  # cosine of the angle between a plane's normal and the vertical

Geom = mujoco.mjtGeom

GROUND_KINDS: Final = (int(Geom.mjGEOM_PLANE), int(Geom.mjGEOM_HFIELD))
"""Types of geoms that are ground."""
OVERLAP_MAX: Final = 2e-3
"""m, by which bodies may overlap at the start: contacts push them apart without a visible jump."""


def ground_planes(model: mujoco.MjModel, data: mujoco.MjData) -> list[int]:
    """Return the static, level planes and height fields of a model; positions in `data` must be current."""
    static = model.body_weldid[model.geom_bodyid] == 0
    kinds = np.isin(model.geom_type, GROUND_KINDS)
    collides = (model.geom_contype | model.geom_conaffinity) != 0
    level = data.geom_xmat[:, 8] > _LEVEL
    return [int(geom) for geom in np.flatnonzero(static & kinds & collides & level)]


def ground_height(model: mujoco.MjModel, data: mujoco.MjData, root: int) -> float | None:
    """Return the height of what stands under a root body: a plane, or the top of a static geom; None if nothing does.

    Static geoms other than planes count where they lie under the origin of the body.
    """
    planes = ground_planes(model, data)
    heights = [float(data.geom_xpos[geom, 2]) for geom in planes if model.geom_type[geom] == int(Geom.mjGEOM_PLANE)]
    x, y = data.xpos[root, :2]
    for geom in range(model.ngeom):
        still = model.body_weldid[model.geom_bodyid[geom]] == 0 and model.geom_type[geom] != int(Geom.mjGEOM_PLANE)
        if not still or not (model.geom_contype[geom] | model.geom_conaffinity[geom]):
            continue
        high = lowest_of(model, data, geom, up=True)
        start = np.array([x, y, high + 1.0])
        distance = _ray_down(model, data, geom, start)
        if distance is not None:
            heights.append(high + 1.0 - distance)
    below = [height for height in heights if height <= data.xpos[root, 2] + 1e-6]
    return max(below, default=max(heights, default=None))


def _ray_down(model: mujoco.MjModel, data: mujoco.MjData, geom: int, start: Float64Array) -> float | None:
    down, kind = np.array([0.0, 0.0, -1.0]), int(model.geom_type[geom])
    if kind == int(Geom.mjGEOM_HFIELD):
        distance = float(mujoco.mj_rayHfield(model, data, geom, start, down, None))
    elif kind in (int(Geom.mjGEOM_MESH), int(Geom.mjGEOM_SDF)):
        distance = float(mujoco.mj_rayMesh(model, data, geom, start, down, None))
    else:
        place, turn, size = data.geom_xpos[geom], data.geom_xmat[geom], model.geom_size[geom]
        distance = float(mujoco.mju_rayGeom(place, turn, size, start, down, kind, None))
    return distance if distance >= 0.0 else None


def robot_geoms(model: mujoco.MjModel, root: int) -> list[int]:
    """Return the colliding geoms of a root body and its descendants."""
    own = model.body_rootid[model.geom_bodyid] == root
    collides = (model.geom_contype | model.geom_conaffinity) != 0
    return [int(geom) for geom in np.flatnonzero(own & collides)]


def lowest_point(model: mujoco.MjModel, data: mujoco.MjData, root: int) -> tuple[float, int] | None:
    """Return the height of the lowest point of a robot that collides, m, and its geom; None if nothing collides."""
    lows = [(lowest_of(model, data, geom), geom) for geom in robot_geoms(model, root)]
    return min(lows, default=None)


def lowest_of(model: mujoco.MjModel, data: mujoco.MjData, geom: int, *, up: bool = False) -> float:
    """Return the height of the lowest (or highest) point of a geom, m."""
    reach = reach_of(model, data, geom, up=up)
    place = float(data.geom_xpos[geom, 2])
    return place + reach if up else place - reach


def reach_of(model: mujoco.MjModel, data: mujoco.MjData, geom: int, *, up: bool = False) -> float:
    """Return how far a geom reaches below (or above) its own origin, m: its support along the vertical."""
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    axis = data.geom_xmat[geom].reshape(3, 3)[2]  # the vertical in the geom's frame
    sign = 1.0 if up else -1.0
    if kind == int(Geom.mjGEOM_SPHERE):
        reach = size[0]
    elif kind == int(Geom.mjGEOM_CAPSULE):
        reach = size[0] + size[1] * abs(axis[2])
    elif kind == int(Geom.mjGEOM_CYLINDER):
        reach = size[0] * float(np.hypot(axis[0], axis[1])) + size[1] * abs(axis[2])
    elif kind == int(Geom.mjGEOM_BOX):
        reach = float(np.abs(axis) @ size)
    elif kind == int(Geom.mjGEOM_ELLIPSOID):
        reach = float(np.linalg.norm(axis * size))
    elif kind == int(Geom.mjGEOM_MESH):
        mesh = int(model.geom_dataid[geom])
        first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
        reach = float((sign * (model.mesh_vert[first : first + count] @ axis)).max())
    else:
        centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        reach = sign * float(axis @ centre) + float(np.abs(axis) @ half)
    return float(reach)
