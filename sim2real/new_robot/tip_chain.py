"""The kinematics of a robot's tip, derived from its model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.hardware.types import Float64Array
from sim2real.model.read_model import is_given_name
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

_SITE_SHARE = 0.5  # of the motors of the longest chain: a site with fewer before it is none of a hand


@dataclass(frozen=True)
class Link:
    """One joint of the chain; frames are parallel to the first one's when all joints are 0."""

    joint: str
    """Name in the model."""
    position: Float64Array
    """In the frame of the joint before, (3,), m."""
    axis: Float64Array
    """(3,), a unit vector."""


@dataclass(frozen=True)
class Tip:
    """A point of the robot, and the joints that move it."""

    name: str
    """Of a site or a body of the model."""
    is_site: bool
    links: tuple[Link, ...]
    position: Float64Array
    """In the frame of the last joint, (3,), m."""
    guessed: bool
    """Whether nobody asked for it."""


@dataclass(frozen=True)
class _Point:
    name: str
    is_site: bool
    body: int


def tip_of(mjcf: Mjcf, motors: tuple[ModelJoint, ...], wanted: str | None) -> Tip | None:
    """Return the tip of a robot.

    Args:
        mjcf: The model.
        motors: Its joints that have a motor.
        wanted: Name of a site or body, sites first. When None, robots with a fixed base have the site with the most
            motors before it, or the body, where there is no such site at the end of an arm.

    Returns:
        The tip; None if none is wanted and the robot has none that motors alone move.

    Raises:
        ConfigError: No such site or body, or something else than hinges with motors moves it.
    """
    model = mjcf.model
    driven = {joint.name for joint in motors if not joint.slides}
    points = list(_points(model))
    if wanted is not None:
        found = next((point for point in points if point.name == wanted), None)
        if found is None:
            valid = ", ".join(dict.fromkeys(point.name for point in points)) or "none"
            raise ConfigError(f"{mjcf.path}: --tip: no site or body {wanted!r}; valid: {valid}")
        chain, other = _chain(model, found.body, driven)
        if other is not None:
            raise ConfigError(f"{mjcf.path}: --tip: joint {other} moves {wanted!r} too, and is no hinge with a motor")
        if not chain:
            raise ConfigError(f"{mjcf.path}: --tip: no motor moves {wanted!r}")
        return _tip(mjcf, found, chain, guessed=False)
    if motors[0].floating_base is not None:
        return None
    moved = [(point, *_chain(model, point.body, driven)) for point in points]
    alone = [(point, chain) for point, chain, other in moved if chain and other is None]
    if not alone:
        return None
    sites = [(point, chain) for point, chain in alone if point.is_site]
    longest = max(len(chain) for _, chain in alone)
    best = max(sites, key=lambda each: len(each[1]), default=None)
    if best is None or len(best[1]) < _SITE_SHARE * longest:
        # The last of those at the end of the longest chain: the hand, not the forearm.
        best = next(each for each in reversed(alone) if len(each[1]) == longest)
    return _tip(mjcf, *best, guessed=True)


def _points(model: Any) -> Iterator[_Point]:  # noqa: ANN401 - mujoco has no types
    """Yield sites, then bodies, that have a name."""
    for index in range(model.nsite):
        if name := model.site(index).name:
            yield _Point(name, is_site=True, body=int(model.site_bodyid[index]))
    for index in range(1, model.nbody):
        if name := model.body(index).name:
            yield _Point(name, is_site=False, body=index)


def _chain(model: Any, body: int, driven: set[str]) -> tuple[list[str], str | None]:  # noqa: ANN401
    """Return the joints from the base to a body, and the name of one that ends the chain without being a free joint."""
    chain: list[str] = []
    while body:
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        for joint in reversed(range(first, first + count)):
            if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
                return chain[::-1], None
            name = model.joint(joint).name
            if name not in driven:
                return chain[::-1], f"of body {model.body(body).name!r}" if is_given_name(name) else repr(name)
            chain.append(name)
        body = int(model.body_parentid[body])
    return chain[::-1], None


def _tip(mjcf: Mjcf, point: _Point, chain: list[str], *, guessed: bool) -> Tip:
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = mjcf.qpos
    for name in chain:
        data.joint(name).qpos[0] = 0.0
    mujoco.mj_kinematics(model, data)
    base = int(model.body_parentid[model.joint(chain[0]).bodyid[0]])
    rotation = data.xmat[base].reshape(3, 3)
    place = np.array(data.site(point.name).xpos if point.is_site else data.body(point.name).xpos)
    links, before = [], np.array(data.xpos[base])
    for name in chain:
        joint = data.joint(name)
        anchor = np.array(joint.xanchor)
        links.append(Link(name, (anchor - before) @ rotation, np.array(joint.xaxis) @ rotation))
        before = anchor
    return Tip(point.name, point.is_site, tuple(links), (place - before) @ rotation, guessed)
