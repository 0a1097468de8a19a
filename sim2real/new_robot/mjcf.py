"""What is in a user's MJCF that a robot YAML has to name: its joints, their ranges, and the pose it starts in."""

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
"""Name of the keyframe that is the start pose, as MuJoCo Menagerie has it."""


@dataclass(frozen=True)
class Hinge:
    """One hinge joint of a model."""

    name: str
    """Empty where the model gives none."""
    body: str
    range: tuple[float, float] | None
    """Lowest and highest angle, rad; None where the model does not limit it."""
    position: float
    """Angle in the model's start pose, rad."""
    has_actuator: bool
    """Whether an actuator of the model drives it; true as well where that cannot be told, as with tendons."""
    effort_max: float | None
    """Effort that `actuatorfrcrange` lets through both ways, N·m; None where the model does not limit it."""
    spring: float
    """Stiffness of a spring in the joint, N·m/rad."""
    floating_base: str | None
    """Body with a free joint that carries it; None where the base is fixed."""


@dataclass(frozen=True)
class Mjcf:
    """What a model has."""

    path: Path
    hinges: tuple[Hinge, ...]
    """In the order of the model."""
    others: tuple[str, ...]
    """Joints that no motor can drive, in words."""
    actuators: int
    pose: str
    """Where the start pose is from, in words."""
    warnings: tuple[str, ...]
    """What MuJoCo's compiler finds doubtful."""


def read_mjcf(path: Path) -> Mjcf:
    """Read and compile a model.

    Raises:
        ConfigError: There is no such file, or MuJoCo does not compile it; the message is MuJoCo's.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; give the robot's MJCF")
    with heard_warnings() as heard:
        try:
            model = mujoco.MjSpec.from_file(str(path)).compile()
        except (ValueError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: MuJoCo does not compile it: {one_line(error)}") from error
    joints = range(model.njnt)
    keyframe = HOME in [model.key(index).name for index in range(model.nkey)]
    return Mjcf(
        path=path,
        hinges=tuple(_hinge(model, index, keyframe) for index in joints if _type(model, index) == "hinge"),
        others=tuple(_in_words(model, index) for index in joints if _type(model, index) != "hinge"),
        actuators=model.nu,
        pose=f"the model's {'' if keyframe else 'pose at reset; it has no '}keyframe {HOME!r}",
        warnings=tuple(heard),
    )


@contextmanager
def heard_warnings() -> Iterator[list[str]]:
    """Collect Python's warnings, one line each and each once, instead of printing them."""
    heard: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield heard
    heard.extend(dict.fromkeys(one_line(warning.message) for warning in caught))


def one_line(message: object) -> str:
    """Return MuJoCo's message on one line."""
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


def _in_words(model: Any, joint: int) -> str:  # noqa: ANN401
    kind, name = _type(model, joint), model.joint(joint).name
    body = model.body(int(model.jnt_bodyid[joint])).name
    return f"{kind} joint {name!r}" if name else f"{kind} joint of body {body!r}"
