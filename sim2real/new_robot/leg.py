"""Where a leg puts its foot: joint positions for a place of the sole, flat if it was."""

from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array, Indices
from sim2real.model.ground import reach_of
from sim2real.new_robot.feet import Foot
from sim2real.new_robot.mjcf import Mjcf, ModelJoint

_FIT: Final = 2e-3  # m, between a foot and where it should be
_FLAT: Final = 0.02  # rad, between a sole and the ground
_LEVER: Final = 0.1  # m: a tilt of 1 rad counts as much in the search
_SHORTEST: Final = 0.3  # share of the leg's length
_STARTS: Final = 4  # of the search: solutions with the knee to either side, and joint limits
_STEPS: Final = 30  # Gauss-Newton's, damped; about 10 from a start nearby
_DAMPING: Final = 1e-3  # m², of the search
_STEP_MAX: Final = 0.3  # rad, of any joint in one step
_UP: Final = np.array([0.0, 0.0, 1.0])


class Leg:
    """A leg of a model.

    Args:
        mjcf: The model.
        qpos: Its pose, within the ranges of the joints.
        motors: Joints of the model that have a motor.
        foot: The end of the leg.
    """

    def __init__(self, mjcf: Mjcf, qpos: Float64Array, motors: tuple[ModelJoint, ...], foot: Foot) -> None:
        self._model, self._data, self._foot = mjcf.model, mujoco.MjData(mjcf.model), foot
        ranges = {joint.name: joint.range or (-np.pi, np.pi) for joint in motors}
        self._low, self._high = np.array([ranges[name] for name in foot.joints]).T
        joints = [mjcf.model.joint(name) for name in foot.joints]
        self.columns: Indices = np.array([int(joint.qposadr[0]) for joint in joints])
        """Where its joints are in the pose of the model."""
        self._dof = np.array([int(joint.dofadr[0]) for joint in joints])
        self._start = np.array(mjcf.qpos)
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        anchors = np.array([self._data.xanchor[int(joint.id)] for joint in joints])
        place = self._data.geom_xpos[foot.index].copy()
        points = np.array([*anchors, place])
        self._length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        # Below the hip along the robot; across it, the legs of the model's pose are kept.
        self._target = np.array([anchors[0, 0], place[1]])
        self._hip = float(anchors[-1 if len(anchors) < 3 else 1, 2])
        self._depth = self._hip - float(place[2] - reach_of(self._model, self._data, foot.index))
        self._upright = self._data.geom_xmat[foot.index].reshape(3, 3).T @ _UP
        self._flat = bool(self._model.geom_type[foot.index] != mujoco.mjtGeom.mjGEOM_SPHERE) and len(joints) > 3

    def is_straight(self, share: float) -> bool:
        """Return whether, in the model's pose, it is longer than a share of the longest with which it can stand."""
        deepest = self.deepest()
        return deepest is not None and self._depth > share * deepest

    def deepest(self) -> float | None:
        """Return the largest depth below the hip at which the foot can be below it, m."""
        for share in np.arange(1.0, _SHORTEST, -0.02):
            if self.solve(share * self._length) is not None:
                return float(share * self._length)
        return None

    def solve(self, depth: float) -> Float64Array | None:
        """Return joint positions with the foot at a depth below the hip, nearest to the model's pose; None if none.

        A foot other than a ball, on a leg of more than three joints, has the tilt that it has in the model's pose.
        """
        goal = np.array([*self._target, self._hip - depth])
        home = np.clip(self._start[self.columns], self._low, self._high)
        shares = np.random.default_rng(0).uniform(0.1, 0.9, (_STARTS, len(home)))
        starts = [home, (self._low + self._high) / 2.0, *(self._low + shares * (self._high - self._low))]
        found = [place for start in starts if (place := self._search(start.copy(), goal)) is not None]
        return min(found, key=lambda each: round(float(np.abs(each - home).sum()), 6), default=None)

    def _search(self, place: Float64Array, goal: Float64Array) -> Float64Array | None:
        jacobian = np.zeros((5 if self._flat else 3, self._model.nv))
        scale = np.array([1.0, 1.0, 1.0, _FLAT / _FIT * _LEVER, _FLAT / _FIT * _LEVER])[: len(jacobian)]
        for _ in range(_STEPS):
            error = self._error(place, goal, jacobian)
            if float(np.abs(error).max()) <= 0.1 * _FIT:
                break
            part = jacobian[:, self._dof]
            # Joints at a limit that the step would leave do not move.
            step = part.T @ np.linalg.solve(part @ part.T + _DAMPING * np.eye(len(error)), error)
            stuck = ((place <= self._low) & (step < 0.0)) | ((place >= self._high) & (step > 0.0))
            part = part * ~stuck
            step = part.T @ np.linalg.solve(part @ part.T + _DAMPING * np.eye(len(error)), error)
            place = np.clip(
                place + step * min(1.0, _STEP_MAX / max(float(np.abs(step).max()), 1e-9)), self._low, self._high
            )
        return place if bool((np.abs(self._error(place, goal, jacobian)) <= _FIT * scale).all()) else None

    def _error(self, place: Float64Array, goal: Float64Array, jacobian: Float64Array) -> Float64Array:
        """Return by how much the sole is away from its goal, m, and tilted, rad · lever; fill its Jacobian, (., nv)."""
        model, data, foot = self._model, self._data, self._foot.index
        data.qpos[self.columns] = place
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        turns = np.zeros((3, model.nv))
        mujoco.mj_jacGeom(model, data, jacobian[:3], turns, foot)
        sole = np.array(data.geom_xpos[foot])
        sole[2] -= reach_of(model, data, foot)
        away: Float64Array = goal - sole
        if not self._flat:
            return away
        jacobian[3:] = _LEVER * turns[:2]
        tilt = np.cross(data.geom_xmat[foot].reshape(3, 3) @ self._upright, _UP)
        return np.concatenate((away, _LEVER * tilt[:2]))
