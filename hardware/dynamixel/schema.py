"""Schema of the `registers` block of Dynamixel X-series motors in a motor YAML."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Current, Positive, Voltage
from sim2real.configs.schema.registers import Registers

LOAD_UNIT = 0.001
"""Share of the stall torque per unit of Present Load (126): 0.1 % (e-Manual)."""


class DynamixelGains(Config):
    """Factory gains of an X-series model in firmware units (76 to 84); defaults are those of the XM430-W350."""

    velocity_i: Annotated[int, Field(ge=0, le=16_383)] = 1920
    """Factory value of Velocity I Gain (76)."""
    velocity_p: Annotated[int, Field(ge=0, le=16_383)] = 100
    """Factory value of Velocity P Gain (78)."""
    position_d: Annotated[int, Field(ge=0, le=16_383)] = 0
    """Factory value of Position D Gain (80)."""
    position_i: Annotated[int, Field(ge=0, le=16_383)] = 0
    """Factory value of Position I Gain (82)."""
    position_p: Annotated[int, Field(ge=0, le=16_383)] = 800
    """Factory value of Position P Gain (84)."""


class DynamixelRegisters(Registers):
    """Differences between X-series models at register level (Protocol 2.0 e-Manual, control tables)."""

    family: Literal["dynamixel"]
    """Name of the motor family."""
    series: Literal[330, 430, 540] = 430
    """The series decides which registers exist: 330 has PWM Slope (62) and no 4.5 Mbaud; 540 has external ports."""
    model_number: Annotated[int, Field(ge=1, le=65535)]
    """Model Number (0); identifies the model."""
    firmware: Annotated[int, Field(ge=1, le=255)]
    """Firmware version that the emulated motor reports."""
    current_unit: Annotated[Current, Positive] | None = None
    """Unit of Present Current (126) and Goal Current (102), A. Leave it out for a model that measures no current: 126
    is then Present Load in 0.1 %, and 38 and 102 do not exist."""
    current_limit: Annotated[int, Field(ge=1, le=32_767)] | None = None
    """Largest value of Current Limit (38), in current units."""
    velocity_limit: Annotated[int, Field(ge=0, le=2047)] = 200
    """Factory value of Velocity Limit (44), in velocity units; the default is that of the XM430-W350."""
    moving_threshold: Annotated[int, Field(ge=0, le=1023)] = 10
    """Factory value of Moving Threshold (24), in velocity units."""
    voltage_floor: Annotated[Voltage, Positive] | None = None
    """Lowest writable value of the voltage limits (32, 34), V, if it is below the factory's lower limit."""
    pwm_slope: Annotated[int, Field(ge=1, le=255)] | None = None
    """Factory value of PWM Slope (62), only in the 330 series."""
    shutdown: Annotated[int, Field(ge=0, le=255)] = 52
    """Factory value of Shutdown (63), a bit mask."""
    gains: DynamixelGains = DynamixelGains()
    """Factory gains."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.current_unit is None) != (self.current_limit is None):
            raise MisplacedError(
                ("current_limit",),
                "requires current_unit, and the reverse: give both for a model that measures current",
            )
        if (self.pwm_slope is None) != (self.series != 330):
            raise MisplacedError(("pwm_slope",), "is a register of the 330 series only, and required there")
        return self

    @property
    def measures_current(self) -> bool:
        """Whether the model has a current sensor."""
        return self.current_unit is not None

    @property
    def operating_modes(self) -> tuple[int, ...]:
        """Valid values of Operating Mode (11); current and current-based position need a current sensor."""
        return (1, 3, 4, 16) if self.current_unit is None else (0, 1, 3, 4, 5, 16)

    def why_not(self, mode: str) -> str | None:
        """Return why a control mode is not supported; None if it is. Current mode needs a current sensor."""
        if mode == "current" and not self.measures_current:
            return "measures no current, so it has no current mode"
        return None

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings and goals, N·m: one unit of current, or of load."""
        if self.current_unit is None:
            return LOAD_UNIT * nominal.stall_torque
        return self.current_unit * nominal.stall_torque / nominal.stall_current


def registers_of(motor: MotorConfig) -> DynamixelRegisters:
    """Return the `registers` block of a motor. Raises TypeError if it is of another family."""
    return motor.registers_as(DynamixelRegisters)
