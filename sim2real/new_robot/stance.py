"""A pose in which a legged robot stands, for models whose own pose does not: legs bent, feet below their hips."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array, Indices
from sim2real.model.ground import reach_of
from sim2real.new_robot.feet import Foot, support
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

_BENT: Final = 0.92
"""Share of a leg's longest reach at which it stands. Straighter legs cost less effort, but are pushed over sooner: of
64 quadrupeds of 13 kg with idle actions 91 % stood after 3 s, and 61 % at 0.98."""
EFFORT_SHARE: Final = 0.6
"""Of a joint's limit, to stand on half of the feet; the rest balances and steps."""
_MARGIN: Final = 5e-3  # m, of the centre of mass inside what the feet stand on
_OUTSIDE: Final = 1e-3  # rad or m, beyond a range: more than rounding
_FIT: Final = 2e-3  # m, between a foot and where it should be
_SHORTEST: Final = 0.3  # share of the leg's length
_STARTS: Final = 4  # of the search, for each leg: solutions with the knee to either side, and joint limits
_STEPS: Final = 30  # Gauss-Newton's, damped; about 10 from a start nearby
_DAMPING: Final = 1e-3  # m², of the search
_STEP_MAX: Final = 0.3  # rad, of any joint in one step


def standing_pose(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> Mjcf:
    """Return the model with a start pose in which it stands; as it is if it has one, or none is found.

    A pose outside the ranges of the legs' joints is none, nor is one whose centre of mass is not above the feet. The
    pose of a keyframe is kept, and so is that of a model with equalities.

    Args:
        mjcf: The model.
        motors: Its joints that have a motor.
        feet: Its feet.
    """
    if len(feet) < 2 or mjcf.keyframe is not None or mjcf.model.neq:
        return mjcf
    if outside(mjcf, motors, feet) <= -_MARGIN and not _beyond(motors, feet):
        return mjcf
    found = _bent_legs(mjcf, motors, feet)
    if found is None:
        return mjcf
    joints = tuple(
        replace(joint, position=float(found[mjcf.model.joint(joint.name).qposadr[0]])) for joint in mjcf.joints
    )
    pose = "legs bent, feet below the hips; in the model's initial pose the robot does not stand"
    stands = replace(mjcf, qpos=found, joints=joints, pose=pose)
    return stands if outside(stands, motors, feet) <= -_MARGIN else mjcf


def hardest(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> tuple[float, str]:
    """Return the largest effort of a leg's joint, and its name, in the start pose with half of the feet on the ground.

    All of them carry the same vertical force, and the weight of the leg itself is left out. N·m, or N of a slide.
    """
    model, data = mjcf.model, mujoco.MjData(mjcf.model)
    data.qpos[:] = _clipped(mjcf, motors)
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
    data.qpos[:] = _clipped(mjcf, motors)
    mujoco.mj_kinematics(mjcf.model, data)
    mujoco.mj_comPos(mjcf.model, data)
    root = int(mjcf.model.body_rootid[feet[0].body])
    points, centre = support(mjcf.model, data, feet), data.subtree_com[root, :2]
    # The largest distance beyond any line that has all points on one side, over all directions: exact to a degree.
    angles = np.radians(np.arange(360.0))
    directions = np.stack((np.cos(angles), np.sin(angles)))
    return float((centre @ directions - (points @ directions).max(axis=0)).max())


def _clipped(mjcf: Mjcf, motors: tuple[ModelJoint, ...]) -> Float64Array:
    qpos = mjcf.qpos.copy()
    for joint in motors:
        if joint.range is not None:
            address = int(mjcf.model.joint(joint.name).qposadr[0])
            qpos[address] = np.clip(qpos[address], *joint.range)
    return qpos


def _bent_legs(mjcf: Mjcf, motors: tuple[ModelJoint, ...], feet: tuple[Foot, ...]) -> Float64Array | None:
    """Return the pose, or None where a leg gets to no such place."""
    legs = [_Leg(mjcf, motors, foot) for foot in feet]
    depths = [leg.deepest() for leg in legs]
    if any(depth is None for depth in depths):
        return None
    depth, qpos = _BENT * min(depth for depth in depths if depth is not None), _clipped(mjcf, motors)
    for leg in legs:
        found = leg.solve(depth)
        if found is None:
            return None
        qpos[leg.columns] = found
    return qpos


class _Leg:
    """Where a leg puts its foot."""

    def __init__(self, mjcf: Mjcf, motors: tuple[ModelJoint, ...], foot: Foot) -> None:
        self._model, self._data, self._foot = mjcf.model, mujoco.MjData(mjcf.model), foot
        ranges = {joint.name: joint.range or (-np.pi, np.pi) for joint in motors}
        self._low, self._high = np.array([ranges[name] for name in foot.joints]).T
        joints = [mjcf.model.joint(name) for name in foot.joints]
        self.columns: Indices = np.array([int(joint.qposadr[0]) for joint in joints])
        self._dof = np.array([int(joint.dofadr[0]) for joint in joints])
        self._start = np.array(mjcf.qpos)
        self._data.qpos[:] = _clipped(mjcf, motors)
        mujoco.mj_kinematics(self._model, self._data)
        anchors = np.array([self._data.xanchor[int(joint.id)] for joint in joints])
        place = self._data.geom_xpos[foot.index]
        points = np.array([*anchors, place])
        self._length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        # Below the hip along the robot; across it, the legs of the model's pose are kept.
        self._target = np.array([anchors[0, 0], place[1]])
        self._hip = float(anchors[-1 if len(anchors) < 3 else 1, 2])

    def deepest(self) -> float | None:
        """Return the largest depth below the hip at which the foot can be below it, m."""
        for share in np.arange(1.0, _SHORTEST, -0.02):
            if self.solve(share * self._length) is not None:
                return float(share * self._length)
        return None

    def solve(self, depth: float) -> Float64Array | None:
        """Return joint positions with the foot at a depth below the hip, nearest to the model's pose; None if none."""
        goal = np.array([*self._target, self._hip - depth])
        home = np.clip(self._start[self.columns], self._low, self._high)
        shares = np.random.default_rng(0).uniform(0.1, 0.9, (_STARTS, len(home)))
        starts = [home, (self._low + self._high) / 2.0, *(self._low + shares * (self._high - self._low))]
        found = [place for start in starts if (place := self._search(start.copy(), goal)) is not None]
        return min(found, key=lambda each: round(float(np.abs(each - home).sum()), 6), default=None)

    def _search(self, place: Float64Array, goal: Float64Array) -> Float64Array | None:
        jacobian = np.zeros((3, self._model.nv))
        for _ in range(_STEPS):
            error = goal - self._at(place, jacobian)
            if float(np.abs(error).max()) <= 0.1 * _FIT:
                break
            part = jacobian[:, self._dof]
            # Joints at a limit that the step would leave do not move.
            step = part.T @ np.linalg.solve(part @ part.T + _DAMPING * np.eye(3), error)
            stuck = ((place <= self._low) & (step < 0.0)) | ((place >= self._high) & (step > 0.0))
            part = part * ~stuck
            step = part.T @ np.linalg.solve(part @ part.T + _DAMPING * np.eye(3), error)
            place = np.clip(
                place + step * min(1.0, _STEP_MAX / max(float(np.abs(step).max()), 1e-9)), self._low, self._high
            )
        return place if float(np.abs(goal - self._at(place, jacobian)).max()) <= _FIT else None

    def _at(self, place: Float64Array, jacobian: Float64Array) -> Float64Array:
        """Return the place of the sole, and fill its Jacobian, (3, nv)."""
        model, data = self._model, self._data
        data.qpos[self.columns] = place
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_jacGeom(model, data, jacobian, None, self._foot.index)
        sole = np.array(data.geom_xpos[self._foot.index])
        sole[2] -= reach_of(model, data, self._foot.index)
        return sole
