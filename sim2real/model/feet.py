"""The feet of a robot in its start pose: how far each reaches below the origin of its geom."""

from collections.abc import Sequence

import mujoco
import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.model.ground import reach_of


def soles(model: mujoco.MjModel, qpos: Float64Array, feet: Sequence[str]) -> Float64Array:
    """Return the distance from the origin of each foot's geom to its lowest point in a state, (F,), m.

    That is the radius of a sphere in any state; of other geoms, while they stand as they do in this one.

    Args:
        model: The compiled model.
        qpos: The state, (nq,).
        feet: Names of geoms in the model.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    return np.array([reach_of(model, data, int(model.geom(foot).id)) for foot in feet])
