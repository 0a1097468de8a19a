"""Schema of a flash target: a place to install policies."""

from typing import Annotated, Literal

from sim2real.configs.schema.base import Config, Name, Reference
from sim2real.configs.schema.robot import RobotConfig


class TargetConfig(Config):
    """A folder on this machine with two policy slots."""

    name: Name
    """Name of the target; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    kind: Literal["directory"]
    """Kind of target; only folders exist."""
    path: str
    """The folder; created if missing. `~` is the home folder."""
    robot: Annotated[RobotConfig, Reference("robots")]
    """Robot that runs the installed policies; policies for other robots are refused."""
