"""The bodies that MuJoCo makes for a cloth, a rope or a soft solid: its vertices, which nothing drives."""

from typing import Any

import mujoco
import numpy as np

from sim2real.hardware.types import Indices


def soft_joints(model: Any) -> Indices:  # noqa: ANN401 - mujoco has no type information
    """Return the joints of the vertices of all flexes, (k,); not those of bodies that a flex is only fixed to."""
    bodies = np.concatenate((model.flex_vertbodyid, model.flex_nodebodyid))
    vertices = bodies[model.body_geomnum[bodies] == 0]
    found: Indices = np.flatnonzero(np.isin(model.jnt_bodyid, vertices))
    return found


def soft_names(model: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return what to call each flex."""
    kind = mujoco.mjtObj.mjOBJ_FLEX
    return tuple(mujoco.mj_id2name(model, kind, index) or f"flex {index}" for index in range(model.nflex))
