"""Checks the kinematics of a robot's tip against its model."""

import mujoco
import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig, TipConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.tip import tip_site
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import LinkSpec, RobotSpec, TipSpec, robot_spec

_TOLERANCE = 1e-4  # m: below the resolution of any arm here, above the rounding of a length to 0.1 mm
_POSES = 4
_LEVER = 0.1  # m: an axis error of 1 mrad moves a point this far along the axis by the tolerance


def check_tip(model: mujoco.MjModel, robot: RobotConfig) -> None:
    """Compare the robot's `tip` with the site of its model in a few poses within the joint limits.

    Raises:
        UserError: They differ; the message names the first wrong link.
    """
    tip = robot.tip
    if tip is None:
        return
    names = {mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_SITE, index) for index in range(model.nsite)}
    site = tip_site(robot)
    if site not in names:
        valid = ", ".join(sorted(filter(None, names))) or "none"
        raise UserError(f"robot {robot.name!r}: no site {site!r} for its tip; valid: {valid}")
    spec = robot_spec(robot)
    kinematics = Kinematics(spec, 1)
    poses = [_Pose(model, robot, position) for position in _positions(robot)]
    off = max(_distance(kinematics.tip(pose.position[None, :])[0], pose.site(site)) for pose in poses)
    if off <= _TOLERANCE:
        return
    raise UserError(
        f"robot {robot.name!r}: `tip` is up to {off * 1e3:.3g} mm from {_named(tip)} of {robot.model}; "
        f"first off: {_first_off(spec, tip, poses)}"
    )


def tip_of_model(model: mujoco.MjModel, robot: RobotConfig, position: Float64Array) -> Float64Array:
    """Return the tip position of the model, (3,), m, in the frame that `Kinematics` uses.

    Args:
        model: The robot's model.
        robot: The robot.
        position: Joint positions, (J,), rad.

    Raises:
        UserError: The robot has no tip.
    """
    if robot.tip is None:
        raise UserError(f"robot {robot.name!r} has no `tip`")
    return _Pose(model, robot, position).site(tip_site(robot))


class _Pose:
    """The model in one pose, in the frame of the body that carries the tip's first joint."""

    def __init__(self, model: mujoco.MjModel, robot: RobotConfig, position: Float64Array) -> None:
        self.position, self._robot = position, robot
        self._data = mujoco.MjData(model)
        for name, angle in zip(robot.joints, position, strict=True):
            self._data.joint(robot.in_model(name)).qpos[0] = angle
        mujoco.mj_kinematics(model, self._data)
        first = robot.tip.links[0].joint if robot.tip else robot.joint_names[0]
        base = model.body_parentid[model.joint(robot.in_model(first)).bodyid[0]]
        self._origin: Float64Array = self._data.xpos[base]
        self._rotation: Float64Array = self._data.xmat[base].reshape(3, 3)

    def site(self, name: str) -> Float64Array:
        """Return the position of a site, by its name in the model, (3,), m."""
        return self._in_base(self._data.site(name).xpos)

    def joint(self, name: str) -> tuple[Float64Array, Float64Array]:
        """Return a point on a joint's axis, (3,), m, and the direction of the axis, (3,)."""
        joint = self._data.joint(self._robot.in_model(name))
        return self._in_base(joint.xanchor), joint.xaxis @ self._rotation

    def _in_base(self, position: Float64Array) -> Float64Array:
        relative: Float64Array = (position - self._origin) @ self._rotation
        return relative


def _positions(robot: RobotConfig) -> list[Float64Array]:
    """Return joint positions: all zero, and `_POSES` random ones within the limits, from a fixed seed."""
    rng = np.random.default_rng(0)
    low, high = np.array([joint.position_limits for joint in robot.joints.values()]).T
    return [np.zeros(len(low)), *rng.uniform(low, high, (_POSES, len(low)))]


def _first_off(spec: RobotSpec, tip: TipConfig, poses: list[_Pose]) -> str:
    """Return the first link whose axis differs from the model's, or the tip position if none does."""
    for index, link in enumerate(tip.links):
        # Two points on the link's axis, as tips of a chain that ends there.
        origin, ahead = (_chain(spec, tip, index + 1, along) for along in (0.0, _LEVER))
        for pose in poses:
            place, axis = pose.joint(link.joint)
            here, there = (chain.tip(pose.position[None, :])[0].copy() for chain in (origin, ahead))
            beside = np.cross(here - place, axis)  # its norm is the distance of a point from a line
            turned = there - here - _LEVER * axis
            if not float(np.linalg.norm(turned)) <= _TOLERANCE:
                return f"tip.links.{index} (joint {link.joint}), its axis points elsewhere"
            if not float(np.linalg.norm(beside)) <= _TOLERANCE:
                distance = float(np.linalg.norm(beside)) * 1e3
                return f"tip.links.{index} (joint {link.joint}), its axis is {distance:.3g} mm beside the model's"
    return "tip.position; all joints before it agree"


def _chain(spec: RobotSpec, tip: TipConfig, links: int, along: float) -> Kinematics:
    """Return the kinematics of a point on the axis of the last of some links, at the distance `along`, m."""
    kept = [
        LinkSpec(joint=link.joint, position=link.position, axis=link.axis, rotation=link.rotation)
        for link in tip.links[:links]
    ]
    x, y, z = tip.links[links - 1].axis
    point = TipSpec(links=tuple(kept), position=(along * x, along * y, along * z))
    return Kinematics(spec.model_copy(update={"tip": point}), 1)


def _distance(one: Float64Array, other: Float64Array) -> float:
    return float(np.linalg.norm(one - other))


def _named(tip: TipConfig) -> str:
    return f"body {tip.body!r}" if tip.site is None else f"site {tip.site!r}"
