"""Schema of the `registers` block of Feetech STS/SMS motors in a motor YAML."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Current, Positive
from sim2real.configs.schema.registers import Registers


class FeetechRegisters(Registers):
    """Differences between STS/SMS models at register level (vendor's memory table)."""

    family: Literal["feetech"]
    """Name of the motor family."""
    model_number: Annotated[int, Field(ge=1, le=65535)]
    """Model Number (3); identifies the model."""
    firmware: tuple[Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]]
    """Firmware version that the emulated motor reports: major, minor."""
    current_unit: Annotated[Current, Positive]
    """Unit of Present Current (69), A."""
    phase: Annotated[int, Field(ge=0, le=255)] = 12
    """Factory value of Phase (18), a bit mask; with bit 2 set, the velocity unit is 1 step/s, else 50 step/s."""

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m."""
        return self.current_unit * nominal.stall_torque / nominal.stall_current


def registers_of(motor: MotorConfig) -> FeetechRegisters:
    """Return the `registers` block of a motor. Raises TypeError if it is of another family."""
    return motor.registers_as(FeetechRegisters)
