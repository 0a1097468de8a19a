"""Closes the loops of a model: moves joints until its equality constraints hold."""

import copy
from typing import Final

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array, Indices
from sim2real.model.equalities import equality_names, loops

CLOSED_MAX: Final = 1e-5
"""Largest residual of a closed loop: m of connections, welds and slides, rad of hinges."""
_STEPS_MAX: Final = 60  # Newton's method needs about 5 from a start nearby; the rest is for far ones and joint limits
_STEP_MAX: Final = 0.3  # rad or m, of any joint in one step: linearised loops hold no farther
_RANK: Final = 1e-8  # smallest singular value, relative to the largest: planar loops have redundant rows
_OTHERS: Final = (
    mujoco.mjtDisableBit.mjDSBL_CONTACT,
    mujoco.mjtDisableBit.mjDSBL_LIMIT,
    mujoco.mjtDisableBit.mjDSBL_FRICTIONLOSS,
)


class LoopClosure:
    """Newton's method on the residuals of all active equalities but those of soft bodies, as MuJoCo computes them.

    Args:
        model: The compiled model; it is copied.
        driven: Degrees of freedom with motors: they keep their values if the others alone can close the loops.
        base: Degrees of freedom of the free base: they are moved last.
    """

    def __init__(self, model: mujoco.MjModel, driven: Indices, base: Indices) -> None:
        closed = loops(model)
        self.needed = bool(len(closed))
        """Whether the model has equalities that a pose fulfils."""
        if not self.needed:
            return
        self._model = copy.copy(model)
        self._model.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
        self._model.opt.disableflags |= int(sum(_OTHERS))
        self._model.eq_active0[np.setdiff1d(np.arange(model.neq), closed)] = False  # the stretch of a cloth is its own
        self._data = mujoco.MjData(self._model)
        everything = np.arange(model.nv)
        passive = np.setdiff1d(everything, np.concatenate((driven, base)))
        self._free = [passive, np.setdiff1d(everything, base), everything]
        self._driven, self._base = driven, base
        limited = np.flatnonzero(model.jnt_limited.astype(bool) & (model.jnt_type >= int(mujoco.mjtJoint.mjJNT_SLIDE)))
        self._limited = model.jnt_qposadr[limited]
        self._low, self._high = model.jnt_range[limited].T

    def close(self, qpos: Float64Array) -> float:
        """Move a state, (nq,), in place until the equalities hold; return the largest residual that is left.

        Passive joints move first, then motor joints too, then the base. Limited joints stay in their ranges.
        """
        if not self.needed:
            return 0.0
        best, start = np.inf, qpos.copy()
        for free in self._free:
            trial = start.copy()
            residual = self._solve(trial, free) if len(free) else self._evaluate(trial)[0]
            if residual < best:
                best, qpos[:] = residual, trial
            if best <= CLOSED_MAX:
                break
        return float(best)

    def residual(self, qpos: Float64Array) -> float:
        """Return the largest residual of a state, (nq,)."""
        return self._evaluate(qpos)[0] if self.needed else 0.0

    def worst(self, qpos: Float64Array) -> str:
        """Return the name of the equality with the largest residual in a state, (nq,)."""
        self._evaluate(qpos)
        data = self._data
        row = int(np.argmax(np.abs(data.efc_pos)))
        index = int(data.efc_id[row])
        return equality_names(self._model)[index]

    def follow(self, qpos: Float64Array, qvel: Float64Array) -> None:
        """Set passive velocities, (nv,), in place so that the loops stay closed as the driven joints move."""
        if not self.needed or not qvel.any():
            return
        _, _, jacobian = self._evaluate(qpos)
        moved = np.concatenate((self._driven, self._base))
        passive = self._free[0]
        pull = -jacobian[:, moved] @ qvel[moved]
        qvel[passive] = np.linalg.lstsq(jacobian[:, passive], pull, rcond=_RANK)[0]
        if np.abs(jacobian @ qvel).max(initial=0.0) > CLOSED_MAX:  # motors against each other
            qvel[:] = 0.0

    def _solve(self, qpos: Float64Array, free: Indices) -> float:
        delta = np.zeros(self._model.nv)
        residual, error, jacobian = self._evaluate(qpos)
        best, nearest = residual, qpos.copy()
        for _ in range(_STEPS_MAX):
            if residual <= 1e-3 * CLOSED_MAX:
                break
            delta[:] = 0.0
            delta[free] = -np.linalg.lstsq(jacobian[:, free], error, rcond=_RANK)[0]
            largest = np.abs(delta).max(initial=0.0)
            if not largest > 1e-12:
                break
            mujoco.mj_integratePos(self._model, qpos, delta * min(1.0, _STEP_MAX / largest), 1.0)
            qpos[self._limited] = np.clip(qpos[self._limited], self._low, self._high)
            residual, error, jacobian = self._evaluate(qpos)
            if residual < best:
                best, nearest = residual, qpos.copy()
        qpos[:] = nearest
        return best

    def _evaluate(self, qpos: Float64Array) -> tuple[float, Float64Array, Float64Array]:
        """Return the largest residual, the residuals, (m,), and their Jacobian, (m, nv)."""
        model, data = self._model, self._data
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_tendon(model, data)
        mujoco.mj_makeConstraint(model, data)
        error: Float64Array = np.array(data.efc_pos)
        jacobian: Float64Array = np.array(data.efc_J).reshape(len(error), model.nv)
        return float(np.abs(error).max(initial=0.0)), error, jacobian
