"""Which joints of a model are driven, by what, and which drives no motor can replace."""

from dataclasses import dataclass
from typing import Any

import mujoco

_BY_JOINT = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
_DRIVEABLE = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
_OTHER_DRIVES = {
    mujoco.mjtTrn.mjTRN_SLIDERCRANK: "a slider-crank",
    mujoco.mjtTrn.mjTRN_SITE: "site {!r}",
    mujoco.mjtTrn.mjTRN_BODY: "adhesion of body {!r}",
}


@dataclass(frozen=True)
class Drives:
    """What moves the joints of a model; joints are named as in the model."""

    actuators: int
    driven: tuple[str, ...]
    """Hinge and slide joints with an actuator of their own."""
    doubled: tuple[str, ...]
    """Those with more than one."""
    dropped: tuple[str, ...]
    """Actuators that drive something other than a single hinge or slide joint, one description each."""
    reasons: dict[str, str]
    """Why a joint has no actuator of its own: an equality or a tendon moves it."""

    pulled: tuple[str, ...]
    """Joints that only a driven tendon moves."""

    @property
    def tied(self) -> tuple[str, ...]:
        """Joints that an equality or a driven tendon moves."""
        return tuple(self.reasons)


def drives_of(model: Any) -> Drives:  # noqa: ANN401 - mujoco has no type information
    """Return the drives of a compiled model whose joints have names."""
    driven: list[str] = []
    dropped: list[str] = []
    reasons: dict[str, str] = {}
    for index in range(model.nu):
        kind, target = mujoco.mjtTrn(int(model.actuator_trntype[index])), int(model.actuator_trnid[index, 0])
        if kind in _BY_JOINT and mujoco.mjtJoint(int(model.jnt_type[target])) in _DRIVEABLE:
            driven.append(model.joint(target).name)
        elif kind in _BY_JOINT:
            dropped.append(f"{_named(model, index)} on ball or free joint {model.joint(target).name!r}")
        elif kind == mujoco.mjtTrn.mjTRN_TENDON:
            joints = tendon_joints(model, target)
            name = model.tendon(target).name or str(target)
            along = f" ({', '.join(joints)})" if joints else ""
            dropped.append(f"{_named(model, index)} on tendon {name!r}{along}")
            reasons |= dict.fromkeys(joints, f"tendon {name!r} drives it")
        else:
            names = {
                mujoco.mjtTrn.mjTRN_SITE: lambda target: model.site(target).name,
                mujoco.mjtTrn.mjTRN_BODY: lambda target: model.body(target).name,
            }
            name = names[kind](target) if kind in names else ""
            dropped.append(f"{_named(model, index)} on {_OTHER_DRIVES.get(kind, str(kind)).format(name)}")
    pulled = tuple(name for name in reasons if name not in driven)
    reasons |= _followers(model, driven)
    doubled = tuple(dict.fromkeys(name for name in driven if driven.count(name) > 1))
    return Drives(model.nu, tuple(dict.fromkeys(driven)), doubled, tuple(dropped), reasons, pulled)


def tendon_joints(model: Any, tendon: int) -> tuple[str, ...]:  # noqa: ANN401
    """Return the joints of a fixed tendon; none of a spatial one."""
    first = int(model.tendon_adr[tendon])
    return tuple(
        model.joint(int(model.wrap_objid[wrap])).name
        for wrap in range(first, first + int(model.tendon_num[tendon]))
        if model.wrap_type[wrap] == mujoco.mjtWrap.mjWRAP_JOINT
    )


def _followers(model: Any, driven: list[str]) -> dict[str, str]:  # noqa: ANN401
    """Return the joints that a joint equality ties to another; of two ends, the driven one leads."""
    found = {}
    for index in range(model.neq):
        if not model.eq_active0[index] or model.eq_type[index] != mujoco.mjtEq.mjEQ_JOINT:
            continue
        ends = [model.joint(int(end)).name for end in (model.eq_obj1id[index], model.eq_obj2id[index]) if end >= 0]
        if len(ends) < 2:
            found[ends[0]] = "an equality holds it in one position"
            continue
        follower, leader = (ends[1], ends[0]) if ends[0] in driven and ends[1] not in driven else ends
        found[follower] = f"an equality ties it to {leader!r}"
    return found


def _named(model: Any, actuator: int) -> str:  # noqa: ANN401
    name = model.actuator(actuator).name
    return f"actuator {name!r}" if name else f"actuator {actuator}"
