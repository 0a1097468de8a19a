"""Schema of a supply beside the robot's own."""

from typing import Annotated, Final

from pydantic import Field

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import NonNegative, Resistance, Voltage

SUPPLY_RESISTANCE = 0.1
"""ohm. An estimate: 1 m of AWG 20 (33 mohm/m, both ways) and the load regulation of a bench supply."""

OWN_SUPPLY: Final = "own"
"""What the supply of motors that name none is called, beside those of `supplies`."""


class SupplyConfig(Config):
    """One supply, for motors of another voltage than `supply_voltage`; a converter counts as one."""

    voltage: Annotated[Voltage, Field(gt=0.0, le=1000.0)]
    """Voltage of the unloaded supply."""
    resistance: Annotated[Resistance, NonNegative] = SUPPLY_RESISTANCE
    """Internal resistance of the supply and its cable, for the emulator."""
