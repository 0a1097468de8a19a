"""The equality constraints of a model: what ties its joints, bodies and tendons together."""

from typing import Any, Final

import mujoco
import numpy as np

from sim2real.hardware.types import Indices
from sim2real.model.soft_bodies import soft_names

_SOFT: Final = (mujoco.mjtEq.mjEQ_FLEX, mujoco.mjtEq.mjEQ_FLEXVERT, mujoco.mjtEq.mjEQ_FLEXSTRAIN)
"""What holds a cloth or a soft body together: a material, not a loop that a pose closes."""


def loops(model: Any) -> Indices:  # noqa: ANN401 - mujoco has no type information
    """Return the active equalities that a pose fulfils: those of joints, tendons and bodies, (k,)."""
    found: Indices = np.flatnonzero(model.eq_active0 & ~np.isin(model.eq_type, [int(kind) for kind in _SOFT]))
    return found


def equality_names(model: Any) -> tuple[str, ...]:  # noqa: ANN401 - mujoco has no type information
    """Return what to call each equality: its kind, and its name or what it ties."""
    found = []
    for index in range(model.neq):
        kind = mujoco.mjtEq(int(model.eq_type[index]))
        what = kind.name.removeprefix("mjEQ_").lower()
        name = model.equality(index).name
        found.append(f"{what} {name!r}" if name else f"{what} of {_ends(model, index, kind)}")
    return tuple(found)


def _ends(model: Any, index: int, kind: Any) -> str:  # noqa: ANN401
    if kind in _SOFT:
        return repr(soft_names(model)[int(model.eq_obj1id[index])])
    element = {mujoco.mjtEq.mjEQ_JOINT: model.joint, mujoco.mjtEq.mjEQ_TENDON: model.tendon}.get(kind)
    if element is None:
        site = model.eq_objtype[index] == mujoco.mjtObj.mjOBJ_SITE
        element = model.site if site else model.body
    ends = [int(end) for end in (model.eq_obj1id[index], model.eq_obj2id[index]) if end >= 0]
    return " and ".join(repr(element(end).name) for end in ends)
