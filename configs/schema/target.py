"""Schema of a flash target: where policies are installed."""

from typing import Annotated, Literal

from sim2real.configs.schema.base import Config, Name, Reference
from sim2real.configs.schema.robot import RobotConfig


class TargetConfig(Config):
    """A folder on this machine with two policy slots."""

    name: Name
    description: str = ""
    kind: Literal["directory"]
    path: str
    """The folder; it is created when missing. `~` is the home folder."""
    robot: Annotated[RobotConfig, Reference("robots")]
    """The robot that runs what is installed here; a policy for another robot is refused."""
