"""Properties of a model that make its simulation unlike a robot, or its episodes senseless: one line each."""

from collections.abc import Iterator
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.equalities import equality_names, loops
from sim2real.model.ground import GROUND_KINDS, OVERLAP_MAX, ground_height, lowest_point, robot_geoms
from sim2real.model.soft_bodies import soft_joints
from sim2real.model.start_state import StartState

_GRAVITY: Final = 9.81  # m/s², within a per cent anywhere on Earth
_GAP_MAX: Final = 0.01  # m, between the lowest point and the ground: falls of 1 cm end at 0.4 m/s
_LIGHT: Final = 1e-6  # kg
_FLAGS: Final = {
    mujoco.mjtDisableBit.mjDSBL_CONTACT: "contacts are off: nothing touches anything",
    mujoco.mjtDisableBit.mjDSBL_LIMIT: "joint limits are off: joints turn through their stops",
    mujoco.mjtDisableBit.mjDSBL_EQUALITY: "equalities are off: tied joints and closed loops come apart",
    mujoco.mjtDisableBit.mjDSBL_FRICTIONLOSS: "dry friction is off: the motors' friction has no effect",
    mujoco.mjtDisableBit.mjDSBL_DAMPER: "damping is off: the motors' viscous friction has no effect",
    mujoco.mjtDisableBit.mjDSBL_SPRING: "springs are off",
    mujoco.mjtDisableBit.mjDSBL_CONSTRAINT: "all constraints are off: no contacts, limits or equalities",
    mujoco.mjtDisableBit.mjDSBL_ACTUATION: "actuation is off: no motor moves anything",
}
_SCALAR = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


def model_lines(model: mujoco.MjModel, start: StartState, robot: RobotConfig) -> Iterator[str]:
    """Yield what a user has to know of a robot's model before it is trained.

    Args:
        model: The model as the stack simulates it.
        start: Its start states.
        robot: The robot.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = start.qpos
    mujoco.mj_forward(model, data)
    yield from _world(model)
    yield from _loops(model, start)
    yield from _bodies(model)
    yield from _joints(model, start.qpos, robot)
    if start.base is not None:
        yield from _ground(model, data, start.base.body)
    yield from _overlaps(model, data)


def _world(model: mujoco.MjModel) -> Iterator[str]:
    gravity = np.array(model.opt.gravity)
    off = bool(model.opt.disableflags & int(mujoco.mjtDisableBit.mjDSBL_GRAVITY))
    if off or not gravity.any():
        yield "gravity is off: nothing falls, and joints need no torque to hold a pose"
    elif not (np.abs(gravity[:2]) < 1e-6).all() or abs(gravity[2] + _GRAVITY) > 0.1:
        yield f"gravity is {_text(gravity)} m/s^2, not 0 0 -9.81"
    for bit, said in _FLAGS.items():
        if model.opt.disableflags & int(bit):
            yield said
    if model.opt.density > 0.0 or model.opt.viscosity > 0.0:
        density, viscosity = model.opt.density, model.opt.viscosity
        yield f"the robot moves in a medium of density {density:g} kg/m^3 and viscosity {viscosity:g} Pa*s"
    if np.any(model.opt.wind):
        yield f"a wind of {_text(np.array(model.opt.wind))} m/s blows"


def _loops(model: mujoco.MjModel, start: StartState) -> Iterator[str]:
    known = equality_names(model)
    names = [known[index] for index in loops(model)]
    off = [known[index] for index in range(model.neq) if not model.eq_active0[index] and _of_mocap(model, index)]
    if off:
        yield f"equalities with mocap bodies are off, as they move a robot without motors: {_some(off)}"
    if names:
        left = f"{start.residual * 1e6:.2g} um or urad"
        yield f"closed loops and tied joints ({_some(names)}): the start pose fulfils them within {left}"


def _of_mocap(model: mujoco.MjModel, equality: int) -> bool:
    ends = [int(end) for end in (model.eq_obj1id[equality], model.eq_obj2id[equality]) if end >= 0]
    kind = mujoco.mjtEq(int(model.eq_type[equality]))
    if kind not in (mujoco.mjtEq.mjEQ_CONNECT, mujoco.mjtEq.mjEQ_WELD):
        return False
    sites = model.eq_objtype[equality] == int(mujoco.mjtObj.mjOBJ_SITE)
    bodies = [int(model.site_bodyid[end]) for end in ends] if sites else ends
    return any(model.body_mocapid[body] >= 0 for body in bodies)


def _bodies(model: mujoco.MjModel) -> Iterator[str]:
    floating = [model.body(index).name or f"body {index}" for index in np.flatnonzero(model.body_gravcomp)]
    if floating:
        yield f"gravcomp: gravity is compensated, without a motor, on {_some(floating)}"
    moving = np.flatnonzero(model.body_weldid == np.arange(model.nbody))
    mass = model.body_subtreemass
    light = [model.body(index).name or f"body {index}" for index in moving if index and not mass[index] > _LIGHT]
    if light:
        yield f"almost no mass, below {_LIGHT:g} kg: {_some(light)}"


def _joints(model: mujoco.MjModel, qpos: Float64Array, robot: RobotConfig) -> Iterator[str]:
    scalar = [index for index in range(model.njnt) if mujoco.mjtJoint(int(model.jnt_type[index])) in _SCALAR]
    limited = [index for index in scalar if model.jnt_limited[index]]
    stuck = [model.joint(index).name for index in limited if not np.ptp(model.jnt_range[index]) > 1e-6]
    if stuck:
        yield f"a range of zero: {_some(stuck)}"
    driven = {robot.in_model(name) for name in robot.joints}
    rigid = np.setdiff1d(scalar, soft_joints(model))
    loose = [model.joint(index).name for index in rigid if _is_loose(model, index, driven)]
    if loose:
        yield f"joints that nothing drives, ties, springs or damps: {_some(loose)}"
    outside = [
        model.joint(index).name
        for index in limited
        if not model.jnt_range[index, 0] - 1e-3 <= qpos[model.jnt_qposadr[index]] <= model.jnt_range[index, 1] + 1e-3
    ]
    if outside:
        yield f"start outside their ranges: {_some(outside)}"


def _is_loose(model: mujoco.MjModel, joint: int, driven: set[str]) -> bool:
    dof, name = int(model.jnt_dofadr[joint]), model.joint(joint).name
    if name in driven or "/backlash" in name or np.any(model.jnt_stiffness[joint]):
        return False
    tied = {
        int(end)
        for index in np.flatnonzero(model.eq_active0)
        if model.eq_type[index] == mujoco.mjtEq.mjEQ_JOINT
        for end in (model.eq_obj1id[index], model.eq_obj2id[index])
    }
    held = np.any(model.dof_damping[dof]) or model.dof_frictionloss[dof] > 0.0
    return not held and joint not in tied


def _ground(model: mujoco.MjModel, data: mujoco.MjData, base: int) -> Iterator[str]:
    name = model.body(base).name or f"body {base}"
    lowest, ground = lowest_point(model, data, base), ground_height(model, data, base)
    if not robot_geoms(model, base) or lowest is None:
        yield f"nothing of the free base {name!r} collides: it falls through any ground"
        return
    if ground is None:
        yield (
            f"no ground under the free base {name!r}: it falls for ever; add a plane to the model, or `ground: 0 m` to "
            "the robot's YAML"
        )
        return
    gap, geom = lowest[0] - ground, model.geom(lowest[1]).name or f"geom {lowest[1]}"
    fitting = data.xpos[base, 2] - gap
    if gap > _GAP_MAX:
        yield f"starts {gap * 1e3:.3g} mm above the ground and falls; start.height: {fitting:.4g} m touches it"
    elif gap < -_GAP_MAX:
        yield (
            f"starts with {geom} {-gap * 1e3:.3g} mm inside the ground and is thrown up; start.height: {fitting:.4g} m "
            "touches it"
        )


def _overlaps(model: mujoco.MjModel, data: mujoco.MjData) -> Iterator[str]:
    found: dict[str, float] = {}
    for contact in data.contact[: data.ncon]:
        bodies = sorted(int(model.geom_bodyid[geom]) for geom in contact.geom if geom >= 0)
        ground = any(int(model.geom_type[geom]) in GROUND_KINDS for geom in contact.geom if geom >= 0)
        if contact.dist < -OVERLAP_MAX and len(bodies) == 2 and not ground:
            names = " and ".join(model.body(body).name or f"body {body}" for body in bodies)
            found[names] = min(found.get(names, 0.0), float(contact.dist))
    if found:
        text = _some([f"{names} by {-depth * 1e3:.2g} mm" for names, depth in found.items()])
        yield f"bodies overlap in the start pose and are pushed apart: {text}"


def _text(vector: Float64Array) -> str:
    return " ".join(f"{part:g}" for part in vector)


def _some(names: list[str]) -> str:
    """Return a list of at most eight names."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
