"""The mirror of a robot in its x-z plane: pairs by name from the YAML, signs from the model, checked against it.

A reflection M turns positions, velocities and forces to M·v, angular velocities to −M·ω. So a hinge with the axis a is
the image of one with the axis −M·a, and turns the same way; one with the axis M·a turns the other way.
"""

from dataclasses import dataclass
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.mirror import image_of
from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.model.signed_permutation import SignedPermutation

FLIP: Final = np.array([1.0, -1.0, 1.0])
"""Diagonal of the reflection M in the x-z plane."""

_PLACE: Final = 1e-3  # m, between an image and where it should be: above the rounding of drawings
_DIRECTION: Final = 5e-3  # between directions, about rad
_SHARE: Final = 0.02  # of a mass or an inertia
_ALIKE: Final = ("motor", "mode", "velocity_limit", "effort_limit", "stiffness", "damping", "travel")


@dataclass(frozen=True)
class RobotMirror:
    """What is the image of what."""

    robot: RobotConfig
    joints: SignedPermutation
    """Of joint angles, velocities, torques."""
    feet: Indices
    """Image of each foot, (F,)."""
    imus: Indices
    """Image of each IMU, (K,)."""

    @classmethod
    def of(cls, robot: RobotConfig, built: RobotModel) -> "RobotMirror":
        """Return the mirror of a robot.

        Raises:
            ConfigError: The robot has none, or its model is not symmetrical; the message says where.
        """
        if robot.mirror is None:
            raise ConfigError(
                f"robot {robot.name!r} has no `mirror`, the words that stand for its two sides in its names, as in "
                "mirror: {left: right}"
            )
        pose = _Pose(robot, built)
        signs = [pose.sign(name) for name in robot.joints]
        for name, sign in zip(robot.joints, signs, strict=True):
            _check_limits(robot, name, sign)
        pose.check_bodies()
        for foot in robot.feet:
            pose.check_foot(foot)
        for imu in robot.imus.values():
            pose.check_frame(imu.body)
        return cls(
            robot,
            SignedPermutation.of(_images(robot, tuple(robot.joints)), signs),
            _images(robot, robot.feet),
            _images(robot, tuple(robot.imus)),
        )

    def image(self, name: str) -> str:
        """Return the name of an element's image."""
        return image_of(name, self.robot.mirror or {})


def _images(robot: RobotConfig, names: tuple[str, ...]) -> Indices:
    images = [names.index(image_of(name, robot.mirror or {})) for name in names]
    return np.array(images, dtype=np.intp)


def _wrong(robot: RobotConfig, problem: str) -> ConfigError:
    return ConfigError(f"robot {robot.name!r}: mirror: {problem}")


def _check_limits(robot: RobotConfig, name: str, sign: float) -> None:
    """Refuse a joint whose image has another default position, other limits or another motor."""
    other = image_of(name, robot.mirror or {})
    one, image = robot.joints[name], robot.joints[other]
    wanted = sorted(sign * limit for limit in one.position_limits)
    pairs = {
        "default_position": (sign * one.default_position, image.default_position),
        "position_limits": (wanted[0], image.position_limits[0]),
        "position_limits ": (wanted[1], image.position_limits[1]),
    }
    for key, (expected, found) in pairs.items():
        if not abs(expected - found) <= _DIRECTION:
            raise _wrong(
                robot, f"{key.strip()} of joint {other!r}, the image of {name!r}: {found:.4g}; valid: {expected:.4g}"
            )
    for key in _ALIKE:
        if _text(one, key) != _text(image, key):
            raise _wrong(robot, f"joint {other!r} has another {key} than {name!r}, whose image it is")


def _text(joint: JointConfig, key: str) -> str:
    return joint.motor.name if key == "motor" else str(getattr(joint, key))


class _Pose:
    """A robot's model in its start pose, in the frame of its base."""

    def __init__(self, robot: RobotConfig, built: RobotModel) -> None:
        self._robot, self._model = robot, built.model
        self._data = mujoco.MjData(self._model)
        self._data.qpos[:] = built.start.qpos
        mujoco.mj_kinematics(self._model, self._data)
        first = self._model.joint(robot.in_model(robot.joint_names[0])).bodyid[0]
        self._root = int(self._model.body_rootid[first])
        base = self._root if built.base is not None else int(self._model.body_parentid[first])
        self._origin = self._data.xpos[base].copy()
        self._axes = self._data.xmat[base].reshape(3, 3).copy()

    def sign(self, name: str) -> float:
        """Return the sign between a joint's motion and that of its image. Raises ConfigError if it is no image."""
        other = image_of(name, self._robot.mirror or {})
        joint, image = (self._data.joint(self._robot.in_model(each)) for each in (name, other))
        kind, slide = self._model.joint(self._robot.in_model(name)).type[0], mujoco.mjtJoint.mjJNT_SLIDE
        along, own = self._direction(image.xaxis), self._direction(joint.xaxis)
        expected = FLIP * own if kind == slide else -FLIP * own
        sign = 1.0 if float(expected @ along) > 0.0 else -1.0
        if not float(np.linalg.norm(sign * along - expected)) <= _DIRECTION:
            raise _wrong(self._robot, f"the axis of joint {other!r} is not the image of that of {name!r}")
        beside = np.cross(self._place(image.xanchor) - FLIP * self._place(joint.xanchor), along)
        if kind != slide and not float(np.linalg.norm(beside)) <= _PLACE:
            raise _wrong(
                self._robot,
                f"the axis of joint {other!r} is {np.linalg.norm(beside) * 1e3:.3g} mm beside the image of that of "
                f"{name!r}",
            )
        return sign

    def check_bodies(self) -> None:
        """Refuse a body whose image has another mass or inertia, or carries it elsewhere."""
        model, data = self._model, self._data
        names = {model.body(index).name: index for index in range(model.nbody)}
        for name, index in names.items():
            if model.body_rootid[index] != self._root:
                continue
            other = image_of(name, self._robot.mirror or {})
            if other not in names:
                raise _wrong(self._robot, f"body {name!r} has no image {other!r}")
            image = names[other]
            mass = model.body_mass[[index, image]]
            inertia = self._inertia(index), self._inertia(image)
            if not abs(mass[0] - mass[1]) <= _SHARE * max(mass):
                raise _wrong(self._robot, f"body {other!r} weighs {mass[1]:.4g} kg, {name!r} {mass[0]:.4g} kg")
            away = self._place(data.xipos[image]) - FLIP * self._place(data.xipos[index])
            if mass[0] > 0.0 and not float(np.linalg.norm(away)) <= _PLACE:
                raise _wrong(
                    self._robot,
                    f"the mass of body {other!r} is {np.linalg.norm(away) * 1e3:.3g} mm beside the image of {name!r}",
                )
            expected = FLIP[:, None] * inertia[0] * FLIP
            if not np.abs(inertia[1] - expected).max() <= _SHARE * max(np.abs(expected).max(), 1e-12):
                raise _wrong(self._robot, f"body {other!r} has another inertia than {name!r}, whose image it is")

    def check_foot(self, name: str) -> None:
        """Refuse a foot that is not where the image of another is."""
        other = image_of(name, self._robot.mirror or {})
        foot, image = (self._data.geom(self._robot.in_model(each)).xpos for each in (name, other))
        away = float(np.linalg.norm(self._place(image) - FLIP * self._place(foot)))
        if not away <= _PLACE:
            raise _wrong(self._robot, f"foot {other!r} is {away * 1e3:.3g} mm beside the image of {name!r}")

    def check_frame(self, name: str) -> None:
        """Refuse a body whose frame is not the image of that of another: vectors in it would not be."""
        other = image_of(name, self._robot.mirror or {})
        own, image = (
            self._axes.T @ self._data.body(self._robot.in_model(each)).xmat.reshape(3, 3) for each in (name, other)
        )
        if not np.abs(image - FLIP[:, None] * own * FLIP).max() <= _DIRECTION:
            raise _wrong(self._robot, f"the frame of body {other!r} is not the image of that of {name!r}")

    def _place(self, position: Float64Array) -> Float64Array:
        place: Float64Array = (position - self._origin) @ self._axes
        return place

    def _direction(self, direction: Float64Array) -> Float64Array:
        turned: Float64Array = direction @ self._axes
        return turned

    def _inertia(self, index: int) -> Float64Array:
        turn = self._axes.T @ self._data.ximat[index].reshape(3, 3)
        inertia: Float64Array = turn @ np.diag(self._model.body_inertia[index]) @ turn.T
        return inertia
