"""Reads from a user's MJCF what a robot YAML needs: joints, what drives them, and the start pose."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.hardware.types import Float64Array
from sim2real.model.compilation import one_line, read_spec
from sim2real.model.loop_closure import CLOSED_MAX, LoopClosure
from sim2real.model.read_model import is_given_name, prepare_spec
from sim2real.model.soft_bodies import soft_joints, soft_names
from sim2real.new_robot.drives import Drives, drives_of

_TYPES = {
    mujoco.mjtJoint.mjJNT_FREE: "free",
    mujoco.mjtJoint.mjJNT_BALL: "ball",
    mujoco.mjtJoint.mjJNT_SLIDE: "slide",
    mujoco.mjtJoint.mjJNT_HINGE: "hinge",
}
_MOTORISED = ("hinge", "slide")
HOME = "home"
"""Name of the keyframe with the start pose, as in MuJoCo Menagerie."""


@dataclass(frozen=True)
class ModelJoint:
    """One hinge or slide joint of a model."""

    name: str
    """As in the model."""
    body: str
    range: tuple[float, float] | None
    """Lowest and highest position, rad or m; None if the model does not limit it."""
    position: float
    """Position in the model's start pose, rad or m."""
    slides: bool = False
    effort_max: float | None = None
    """Symmetric effort limit of `actuatorfrcrange`, N·m or N; None if the model does not limit it."""
    spring: float = 0.0
    """Stiffness of the joint spring, N·m/rad or N/m."""
    floating_base: str | None = None
    """Name of the root body with a free joint; None for a fixed base."""

    @property
    def description(self) -> str:
        """Its kind and name."""
        kind = "slide" if self.slides else "hinge"
        return f"{kind} joint of body {self.body!r}" if is_given_name(self.name) else f"{kind} joint {self.name!r}"

    @property
    def can_move(self) -> bool:
        """Whether its range, rounded to 0.0001 degrees or 0.001 mm, leaves room to move."""
        return self.range is None or self.range[1] - self.range[0] > 4e-6


@dataclass(frozen=True)
class Mjcf:
    """Contents of a model."""

    path: Path
    model: mujoco.MjModel
    """Compiled; every joint has a name."""
    joints: tuple[ModelJoint, ...]
    """Hinges and slides, in the order of the model."""
    others: tuple[str, ...]
    """Descriptions of the joints that no motor can drive."""
    drives: Drives
    keyframe: str | None
    """Keyframe of the start pose."""
    pose: str
    """Description of the source of the start pose."""
    qpos: Float64Array
    """Start pose, (nq,), with closed loops if they can be closed."""
    residual: float
    """Of its equalities in the start pose, m or rad."""
    warnings: tuple[str, ...]
    """Warnings of MuJoCo's compiler."""


def read_mjcf(path: Path, keyframe: str | None = None) -> Mjcf:
    """Read and compile a model.

    Args:
        path: The file.
        keyframe: Keyframe of the start pose. When None: `home`, or the only one that the model has.

    Raises:
        ConfigError: The file does not exist, or MuJoCo does not compile it, with MuJoCo's message; or it has no such
            keyframe.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; give the robot's MJCF or URDF")
    with collect_warnings() as messages:
        try:
            spec = read_spec(path)
            prepare_spec(spec)
            model = spec.compile()
        except (ValueError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: MuJoCo does not compile it: {one_line(error)}") from error
    kinds = [_type(model, index) for index in range(model.njnt)]
    rigid = np.setdiff1d(np.arange(model.njnt), soft_joints(model)).tolist()
    chosen = _keyframe(path, model, keyframe)
    drives = drives_of(model)
    qpos, residual, moved = _closed(model, model.qpos0 if chosen is None else model.key(chosen).qpos, drives)
    others = ", ".join(_keyframes(model))
    without = f"of its keyframes ({others}) none is named {HOME!r}" if others else "it has no keyframe"
    source = f"the model's keyframe {chosen!r}" if chosen else f"the model's initial pose; {without}"
    return Mjcf(
        path=path,
        model=model,
        joints=tuple(_joint(model, index, qpos) for index in rigid if kinds[index] in _MOTORISED),
        others=(
            *(_description(model, index) for index in rigid if kinds[index] not in _MOTORISED),
            *(f"the vertices of flex {name!r}" for name in soft_names(model)),
        ),
        drives=drives,
        keyframe=chosen,
        pose=source + (", moved to close its loops" if moved else ""),
        qpos=qpos,
        residual=residual,
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


def _keyframes(model: Any) -> list[str]:  # noqa: ANN401 - mujoco has no types
    """Return the names of a model's keyframes; one without a name is room that `<size nkey>` keeps, not a pose."""
    return [model.key(index).name for index in range(model.nkey) if model.key(index).name]


def _keyframe(path: Path, model: Any, wanted: str | None) -> str | None:  # noqa: ANN401 - mujoco has no types
    names = _keyframes(model)
    if wanted is None:
        return HOME if HOME in names else names[0] if len(names) == 1 else None
    if wanted not in names:
        valid = ", ".join(names) or "none"
        raise ConfigError(f"{path}: --keyframe: the model has no keyframe {wanted!r}; valid: {valid}")
    return wanted


def _closed(model: Any, pose: Float64Array, drives: Drives) -> tuple[Float64Array, float, bool]:  # noqa: ANN401
    """Return the pose with closed loops, what is left of their residual, and whether the pose was moved."""
    qpos = np.array(pose)
    driven = np.array([model.joint(name).dofadr[0] for name in drives.driven], dtype=np.intp)
    free = [int(model.jnt_dofadr[joint]) for joint in range(model.njnt) if _type(model, joint) == "free"]
    base = np.array([first + part for first in free for part in range(6)], dtype=np.intp)
    residual = LoopClosure(model, driven, base).close(qpos)
    return qpos, residual, bool(np.abs(qpos - pose).max(initial=0.0) > 10.0 * CLOSED_MAX)


def _type(model: Any, joint: int) -> str:  # noqa: ANN401
    return _TYPES[mujoco.mjtJoint(int(model.jnt_type[joint]))]


def _joint(model: Any, joint: int, qpos: Float64Array) -> ModelJoint:  # noqa: ANN401
    body = int(model.jnt_bodyid[joint])
    low, high = model.jnt_range[joint].tolist()
    return ModelJoint(
        name=model.joint(joint).name,
        body=model.body(body).name,
        range=(low, high) if model.jnt_limited[joint] else None,
        position=float(qpos[model.jnt_qposadr[joint]]),
        slides=_type(model, joint) == "slide",
        effort_max=float(min(abs(model.jnt_actfrcrange[joint]))) if model.jnt_actfrclimited[joint] else None,
        spring=float(np.max(model.jnt_stiffness[joint])),
        floating_base=_floating_base(model, body),
    )


def _floating_base(model: Any, body: int) -> str | None:  # noqa: ANN401
    root = int(model.body_rootid[body])
    first = int(model.body_jntadr[root])
    floats = first >= 0 and _type(model, first) == "free"
    return str(model.body(root).name) if floats else None


def _description(model: Any, joint: int) -> str:  # noqa: ANN401
    kind, name = _type(model, joint), model.joint(joint).name
    body = model.body(int(model.jnt_bodyid[joint])).name
    return f"{kind} joint of body {body!r}" if is_given_name(name) else f"{kind} joint {name!r}"
