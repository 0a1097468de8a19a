"""Which geoms of a robot are its feet: the lowest one of every leg that reaches the ground."""

from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.model.ground import lowest_of, reach_of, robot_geoms
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

_NEAR: Final = 0.25
"""Share of the robot's height above its lowest point within which legs end: some poses have one leg higher."""
_JOINTS_MIN: Final = 2
"""Motors that a leg has at least: what hangs on fewer cannot be lifted off the ground and set down elsewhere."""


@dataclass(frozen=True)
class Foot:
    """The end of a leg."""

    geom: str
    """Name in the model."""
    index: int
    """Of the geom in the model."""
    body: int
    """Body that the last joint of the leg moves."""
    joints: tuple[str, ...]
    """Motor joints of the leg, from the base on, by their names in the model."""


def feet_of(mjcf: Mjcf, motors: tuple[ModelJoint, ...]) -> tuple[Foot, ...]:
    """Return the feet of a robot with a free base, front before rear, left before right; none if it has fewer than two.

    A leg is a chain of at least two motors whose last link, of all links in the chain, reaches lowest; it ends within
    a quarter of the robot's height from its lowest point. The foot is the geom at the bottom of that link which is
    nearest to the middle of what touches the ground there.
    """
    if motors[0].floating_base is None:
        return ()
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = mjcf.qpos
    mujoco.mj_kinematics(model, data)
    root = int(model.body_rootid[model.joint(motors[0].name).bodyid[0]])
    lows: dict[int, dict[int, float]] = {}
    for geom in robot_geoms(model, root):
        lows.setdefault(int(model.body_weldid[model.geom_bodyid[geom]]), {})[geom] = lowest_of(model, data, geom)
    if not lows:
        return ()
    bottom = min(min(of.values()) for of in lows.values())
    near = bottom + _NEAR * (float(data.xpos[root, 2]) - bottom)
    names, found = {joint.name for joint in motors}, []
    for body, of in lows.items():
        chain = _chain(model, body, names)
        beyond = [other for other in lows if other != body and body in _ancestors(model, other)]
        if len(chain) < _JOINTS_MIN or min(of.values()) > near:
            continue
        if any(min(lows[other].values()) < min(of.values()) for other in beyond):
            continue  # a shank above its foot
        if any(min(lows[other].values()) <= min(of.values()) for other in _ancestors(model, body) if other in lows):
            continue  # a toe or a tail above what carries it
        geom = _middle(model, data, of)
        found.append(Foot(model.geom(geom).name, geom, body, chain))
    return tuple(_in_order(data, found)) if len(found) > 1 else ()


def _chain(model: mujoco.MjModel, body: int, motors: set[str]) -> tuple[str, ...]:
    """Return the motor joints between a body and the base, from the base on."""
    chain: list[str] = []
    while body:
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        names = [model.joint(joint).name for joint in range(first, first + count)]
        chain += [name for name in reversed(names) if name in motors]
        body = int(model.body_parentid[body])
    return tuple(chain[::-1])


def _ancestors(model: mujoco.MjModel, body: int) -> set[int]:
    """Return the bodies that carry a body, each by the first of those that move with it."""
    found = set()
    while body:
        body = int(model.body_parentid[body])
        found.add(int(model.body_weldid[body]))
    return found


def _middle(model: mujoco.MjModel, data: mujoco.MjData, lows: dict[int, float]) -> int:
    """Return, of the geoms at the bottom of a link, the flattest: a sole, no shank; of several, the middle one."""
    lowest = min(lows.values())
    touching = [geom for geom, low in lows.items() if low <= lowest + 2e-3]
    middle = np.mean([data.geom_xpos[geom, :2] for geom in touching], axis=0)

    def rank(geom: int) -> tuple[float, float, int]:
        away = float(np.hypot(*(data.geom_xpos[geom, :2] - middle)))
        return round(reach_of(model, data, geom), 2), round(away, 6), geom

    return min(touching, key=rank)


def _in_order(data: mujoco.MjData, feet: list[Foot]) -> list[Foot]:
    """Return feet in rows from front to rear, each from left to right."""
    places = [data.geom_xpos[foot.index] for foot in feet]
    length = max(float(np.ptp([place[:2] for place in places], axis=0).max()), 1e-3)
    # Feet that are less than a third of the stance apart, along the robot, are in one row.
    keys = [(-round(float(place[0]) / length * 1.5), -float(place[1])) for place in places]
    return [foot for _, foot in sorted(zip(keys, feet, strict=True), key=lambda pair: pair[0])]


def support(model: mujoco.MjModel, data: mujoco.MjData, feet: tuple[Foot, ...]) -> Float64Array:
    """Return points around what the feet stand on, (k, 2), m: corners of the boxes around their lowest geoms."""
    points = []
    for foot in feet:
        lowest = float(data.geom_xpos[foot.index, 2]) - reach_of(model, data, foot.index)
        for geom in np.flatnonzero(model.body_weldid[model.geom_bodyid] == foot.body):
            if not model.geom_contype[geom] | model.geom_conaffinity[geom]:
                continue
            centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
            signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
            corners = data.geom_xpos[geom] + (centre + signs * half) @ data.geom_xmat[geom].reshape(3, 3).T
            points += [corner[:2] for corner in corners if corner[2] <= lowest + 5e-3]
    return np.array(points).reshape(-1, 2)
