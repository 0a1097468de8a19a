"""Schema of the registers of a Feetech STS/SMS model in its motor YAML."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Current, Positive
from sim2real.configs.schema.registers import Registers


class FeetechRegisters(Registers):
    """What differs between Feetech STS/SMS models at register level (vendor's memory table)."""

    family: Literal["feetech"]
    model_number: Annotated[int, Field(ge=1, le=65535)]
    firmware: tuple[Annotated[int, Field(ge=0, le=255)], Annotated[int, Field(ge=0, le=255)]]
    """Main and sub version that the emulator reports."""
    current_unit: Annotated[Current, Positive]
    """One unit of Present Current (69)."""
    phase: Annotated[int, Field(ge=0, le=255)] = 12
    """Factory value of Phase (18); bit 2 says that a unit of velocity is one step a second, not fifty."""

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m."""
        return self.current_unit * nominal.stall_torque / nominal.stall_current


def registers_of(motor: MotorConfig) -> FeetechRegisters:
    """Return the registers of a motor of this family. Raises TypeError if it is of another."""
    return motor.registers_as(FeetechRegisters)
