"""Compiles models, with MuJoCo's errors as one line."""

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig


def compile_spec(spec: mujoco.MjSpec, robot: RobotConfig) -> mujoco.MjModel:
    """Compile a model. Raises UserError with the compiler's message."""
    try:
        return spec.compile()
    except ValueError as error:
        raise UserError(f"robot {robot.name!r}: the model does not compile: {one_line(error)}") from error


def one_line(message: object) -> str:
    """Return a message of MuJoCo on one line."""
    return " ".join(str(message).split())
