"""A motor type at register level: what every family's schema of it has in common."""

from abc import abstractmethod

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.nominal import Nominal


class Registers(Config):
    """What differs between the models of a family at register level; each family has a subclass of its own.

    A subclass narrows `family` to a literal, its name. What it adds may refer to no other file.
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
