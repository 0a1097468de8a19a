"""The robot under test, named by the subclass of a suite."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.conformance.rig import Rig

ErrorT = TypeVar("ErrorT", bound=BaseException)


class Subject:
    """Base class of the suites; a test class subclasses a suite and sets the robot."""

    robot: ClassVar[str]
    """A shipped robot or the path of a robot YAML. All its joints have the same mode."""

    def config(self) -> RobotConfig:
        """Load the robot."""
        return load_robot(self.robot)

    def rig(self, *faults: Mapping[str, Any], seed: int = 0) -> Rig:
        """Return the robot in lockstep, with faults as in YAML."""
        return Rig(self.config(), *faults, seed=seed)


def raised(kind: type[ErrorT], call: Callable[[], object]) -> ErrorT:
    """Return the error that a call raises. Raises AssertionError if the call does not raise."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")
