"""Reads and compiles models, with MuJoCo's errors as one line and its warnings counted."""

from pathlib import Path

import mujoco

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.mujoco_warnings import count_warnings


def compile_spec(spec: mujoco.MjSpec, robot: RobotConfig) -> mujoco.MjModel:
    """Compile a model. Raises UserError with the compiler's message."""
    try:
        return spec.compile()
    except ValueError as error:
        raise UserError(f"robot {robot.name!r}: the model does not compile: {one_line(error)}") from error


def read_spec(path: Path) -> mujoco.MjSpec:
    """Read an MJCF or a URDF. Raises ValueError with MuJoCo's message."""
    count_warnings()
    return mujoco.MjSpec.from_file(str(path))


def one_line(message: object) -> str:
    """Return a message of MuJoCo on one line."""
    return " ".join(str(message).split())
