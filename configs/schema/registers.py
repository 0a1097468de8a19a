"""Base class of the register schemas of all motor families."""

from abc import abstractmethod

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.nominal import Nominal


class Registers(Config):
    """Register-level parameters of a motor model; each family has its own subclass.

    A subclass narrows `family` to a literal, its name. Its fields must not refer to other files.
    """

    family: str
    """Name of the motor family, as registered by its entry point."""

    @abstractmethod
    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m."""

    def why_not(self, mode: str) -> str | None:
        """Return why this motor type does not support a mode of its family; None if it does.

        The text continues the name of the motor: `measures no current, so it has no current mode`.
        """
        return None
