"""The site at a robot's tip: the model's own, or one at the origin of a body."""

from typing import Final

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.plain_elements import plain

_ADDED: Final = "tip/site"


def mark_tip(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """Add a site at the origin of the body that the robot's `tip` names; nothing if it names a site, or there is none.

    Raises:
        UserError: The model has no such body.
    """
    if robot.tip is None or robot.tip.body is None:
        return
    body = spec.body(robot.in_model(robot.tip.body))
    if body is None:
        valid = ", ".join(body.name for body in spec.bodies if body.name and body.name != "world")
        raise UserError(f"robot {robot.name!r}: no body {robot.tip.body!r} for its tip; valid: {valid}")
    plain(body.add_site(name=_ADDED))


def tip_site(robot: RobotConfig) -> str:
    """Return the name of the site at the tip, in a model of `load_spec`.

    Raises:
        UserError: The robot has no tip.
    """
    if robot.tip is None:
        raise UserError(f"robot {robot.name!r} has no `tip`")
    return _ADDED if robot.tip.site is None else robot.in_model(robot.tip.site)
