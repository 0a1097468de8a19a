"""Base class of the register schemas of all motor families."""

from abc import abstractmethod

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.nominal import Nominal


class Registers(Config):
    """Register-level parameters of a motor model; each family has its own subclass.

    A subclass narrows `family` to a literal, its name. Its own fields must not refer to other files.
    """

    family: str
    """Name of the family: that of its entry point."""

    @abstractmethod
    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m."""

    def why_not(self, mode: str) -> str | None:
        """Return why a motor of this type cannot be driven in a mode of its family, None if it can.

        The text follows the name of the motor: `measures no current, so it has no current mode`.
        """
        return None
