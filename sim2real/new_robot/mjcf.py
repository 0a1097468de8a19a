"""Reads from a user's MJCF what a robot YAML needs: joints, their ranges, and the start pose."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco

from sim2real.configs.errors import ConfigError

_TYPES = {
    mujoco.mjtJoint.mjJNT_FREE: "free",
    mujoco.mjtJoint.mjJNT_BALL: "ball",
    mujoco.mjtJoint.mjJNT_SLIDE: "slide",
    mujoco.mjtJoint.mjJNT_HINGE: "hinge",
}
_BY_JOINT = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
HOME = "home"
"""Name of the keyframe with the start pose, as in MuJoCo Menagerie."""


@dataclass(frozen=True)
class Hinge:
    """One hinge joint of a model."""

    name: str
    """Empty if the model names none."""
    body: str
    range: tuple[float, float] | None
    """Lowest and highest angle, rad; None if the model does not limit it."""
    position: float
    """Angle in the model's start pose, rad."""
    has_actuator: bool
    """Whether an actuator of the model drives it; also true if unknown, as with tendons."""
    effort_max: float | None
    """Symmetric effort limit of `actuatorfrcrange`, N·m; None if the model does not limit it."""
    spring: float
    """Stiffness of the joint spring, N·m/rad."""
    floating_base: str | None
    """Name of the root body with a free joint; None for a fixed base."""


@dataclass(frozen=True)
class Mjcf:
    """Contents of a model."""

    path: Path
    hinges: tuple[Hinge, ...]
    """In the order of the model."""
    others: tuple[str, ...]
    """Descriptions of the joints that no motor can drive."""
    actuators: int
    pose: str
    """Description of the source of the start pose."""
    warnings: tuple[str, ...]
    """Warnings of MuJoCo's compiler."""


def read_mjcf(path: Path) -> Mjcf:
    """Read and compile a model.

    Raises:
        ConfigError: The file does not exist, or MuJoCo does not compile it; with MuJoCo's message.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; give the robot's MJCF")
    with collect_warnings() as messages:
        try:
            model = mujoco.MjSpec.from_file(str(path)).compile()
        except (ValueError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: MuJoCo does not compile it: {one_line(error)}") from error
    joints = range(model.njnt)
    keyframe = HOME in [model.key(index).name for index in range(model.nkey)]
    return Mjcf(
        path=path,
        hinges=tuple(_hinge(model, index, keyframe) for index in joints if _type(model, index) == "hinge"),
        others=tuple(_description(model, index) for index in joints if _type(model, index) != "hinge"),
        actuators=model.nu,
        pose=f"the model's {'' if keyframe else 'initial pose; it has no '}keyframe {HOME!r}",
        warnings=tuple(messages),
    )


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect Python warnings, one line each, without duplicates, instead of printing them."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages.extend(dict.fromkeys(one_line(warning.message) for warning in caught))


def one_line(message: object) -> str:
    """Return a message of MuJoCo on one line."""
    return " ".join(str(message).split())


def _type(model: Any, joint: int) -> str:  # noqa: ANN401 - mujoco has no type information
    return _TYPES[mujoco.mjtJoint(int(model.jnt_type[joint]))]


def _hinge(model: Any, joint: int, keyframe: bool) -> Hinge:  # noqa: ANN401
    pose = model.key(HOME).qpos if keyframe else model.qpos0
    body = int(model.jnt_bodyid[joint])
    low, high = model.jnt_range[joint].tolist()
    return Hinge(
        name=model.joint(joint).name,
        body=model.body(body).name,
        range=(low, high) if model.jnt_limited[joint] else None,
        position=float(pose[model.jnt_qposadr[joint]]),
        has_actuator=_has_actuator(model, joint),
        effort_max=float(min(abs(model.jnt_actfrcrange[joint]))) if model.jnt_actfrclimited[joint] else None,
        spring=float(model.jnt_stiffness[joint]),
        floating_base=_floating_base(model, body),
    )


def _has_actuator(model: Any, joint: int) -> bool:  # noqa: ANN401
    kinds = [mujoco.mjtTrn(int(kind)) for kind in model.actuator_trntype]
    driven = {int(model.actuator_trnid[index, 0]) for index, kind in enumerate(kinds) if kind in _BY_JOINT}
    return joint in driven or not kinds or any(kind not in _BY_JOINT for kind in kinds)


def _floating_base(model: Any, body: int) -> str | None:  # noqa: ANN401
    root = int(model.body_rootid[body])
    first = int(model.body_jntadr[root])
    floats = first >= 0 and _type(model, first) == "free"
    return str(model.body(root).name) if floats else None


def _description(model: Any, joint: int) -> str:  # noqa: ANN401
    kind, name = _type(model, joint), model.joint(joint).name
    body = model.body(int(model.jnt_bodyid[joint])).name
    return f"{kind} joint {name!r}" if name else f"{kind} joint of body {body!r}"
