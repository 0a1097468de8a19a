"""Schema of the registers of a Dynamixel X model in its motor YAML."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Current, Positive, Voltage
from sim2real.configs.schema.registers import Registers

LOAD_UNIT = 0.001
"""Share of the stall torque in one unit of Present Load (126): 0.1 % (e-Manual)."""


class DynamixelGains(Config):
    """Factory gains of a Dynamixel X model in the firmware's units (76 to 84); by default the XM430-W350's."""

    velocity_i: Annotated[int, Field(ge=0, le=16_383)] = 1920
    velocity_p: Annotated[int, Field(ge=0, le=16_383)] = 100
    position_d: Annotated[int, Field(ge=0, le=16_383)] = 0
    position_i: Annotated[int, Field(ge=0, le=16_383)] = 0
    position_p: Annotated[int, Field(ge=0, le=16_383)] = 800


class DynamixelRegisters(Registers):
    """What differs between Dynamixel X models at register level (Protocol 2.0 e-Manual, control tables)."""

    family: Literal["dynamixel"]
    series: Literal[330, 430, 540] = 430
    """The series decides which registers there are: 330 has PWM Slope (62) and no 4.5 Mbaud, 540 has external ports."""
    model_number: Annotated[int, Field(ge=1, le=65535)]
    firmware: Annotated[int, Field(ge=1, le=255)]
    """Firmware version that the emulator reports."""
    current_unit: Annotated[Current, Positive] | None = None
    """One unit of Present Current (126) and Goal Current (102). A model without it measures no current: 126 is Present
    Load in 0.1 %, and 38 and 102 do not exist."""
    current_limit: Annotated[int, Field(ge=1, le=32_767)] | None = None
    """Largest value of Current Limit (38), in current units."""
    velocity_limit: Annotated[int, Field(ge=0, le=2047)] = 200
    """Factory value of Velocity Limit (44); that of the XM430-W350 where it is not given."""
    moving_threshold: Annotated[int, Field(ge=0, le=1023)] = 10
    """Factory value of Moving Threshold (24)."""
    voltage_floor: Annotated[Voltage, Positive] | None = None
    """Lowest value that the voltage limits (32, 34) take, where it is below the factory's lower limit."""
    pwm_slope: Annotated[int, Field(ge=1, le=255)] | None = None
    """Factory value of PWM Slope (62); the 330 series alone has it."""
    shutdown: Annotated[int, Field(ge=0, le=255)] = 52
    """Factory value of Shutdown (63)."""
    gains: DynamixelGains = DynamixelGains()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.current_unit is None) != (self.current_limit is None):
            raise MisplacedError(("current_limit",), "goes with current_unit: both for a model that measures current")
        if (self.pwm_slope is None) != (self.series != 330):
            raise MisplacedError(("pwm_slope",), "is a register of the 330 series, and of no other")
        return self

    @property
    def measures_current(self) -> bool:
        """Whether the model has a current sensor."""
        return self.current_unit is not None

    @property
    def operating_modes(self) -> tuple[int, ...]:
        """Values that Operating Mode (11) takes: current and current-based position need a current sensor."""
        return (1, 3, 4, 16) if self.current_unit is None else (0, 1, 3, 4, 5, 16)

    def why_not(self, mode: str) -> str | None:
        """Refuse current mode without a current sensor."""
        if mode == "current" and not self.measures_current:
            return "measures no current, so it has no current mode"
        return None

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings and commands, N·m: of current, or of load."""
        if self.current_unit is None:
            return LOAD_UNIT * nominal.stall_torque
        return self.current_unit * nominal.stall_torque / nominal.stall_current


def registers_of(motor: MotorConfig) -> DynamixelRegisters:
    """Return the registers of a motor of this family. Raises TypeError if it is of another."""
    return motor.registers_as(DynamixelRegisters)
