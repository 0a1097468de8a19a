"""An observation term, for the entry points of a package."""

import numpy as np
from numpy.typing import NDArray

from sim2real.runtime.contract.observation_term import Inputs, Sizes, observation_term


def _joints(sizes: Sizes) -> int:
    return sizes.joints


@observation_term(width=_joints, readings=("joint_position", "joint_velocity"))
def swing(inputs: Inputs, out: NDArray[np.float64]) -> None:
    """Velocity times the sine of the position, (n, J), rad/s: whether a joint moves away from hanging."""
    np.sin(inputs.signals.joint_position, out=out)
    np.multiply(out, inputs.signals.joint_velocity, out=out)
