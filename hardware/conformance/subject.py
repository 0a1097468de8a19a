"""What the laws are about: one robot, named by the subclass of a suite."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.conformance.rig import Rig

ErrorT = TypeVar("ErrorT", bound=Exception)


class Subject:
    """A suite subclasses this; a test class subclasses the suite and says which robot."""

    robot: ClassVar[str]
    """A shipped name, or a path of a robot YAML. Its joints are all of one mode."""

    def config(self) -> RobotConfig:
        """Return the robot."""
        return load_robot(self.robot)

    def rig(self, *faults: Mapping[str, Any], seed: int = 0) -> Rig:
        """Return the robot in lockstep, with faults as a YAML has them."""
        return Rig(self.config(), *faults, seed=seed)


def raised(kind: type[ErrorT], call: Callable[[], object]) -> ErrorT:
    """Return the error that a call raises. Raises AssertionError if it raises none."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")
