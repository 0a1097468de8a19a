"""Schema of a motor type: the datasheet, in SI units, with its sources."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.quantity import (
    AngularVelocity,
    Current,
    Damping,
    HeatCapacity,
    Inertia,
    NonNegative,
    Positive,
    Temperature,
    ThermalResistance,
    Torque,
    Voltage,
)

LOAD_UNIT = 0.001
"""Share of the stall torque in one unit of Present Load (126) of a Dynamixel: 0.1 % (e-Manual)."""


class Nominal(Config):
    """The nominal operating point of the datasheet, at the output shaft."""

    voltage: Annotated[Voltage, Positive]
    stall_torque: Annotated[Torque, Positive]
    stall_current: Annotated[Current, Positive]
    no_load_speed: Annotated[AngularVelocity, Positive]


class Thermal(Config):
    """How a motor heats up, for the emulator; where it is left out, as an XM430 in still air."""

    heat_capacity: Annotated[HeatCapacity, Positive] = 50.0
    """An XM430 weighs 82 g (e-Manual), times 600 J/(kg·K) for its mix of metals and plastic: an estimate."""
    resistance: Annotated[ThermalResistance, Positive] = 13.0
    """To the air. The case of an XM430 (28.5 x 46.5 x 34 mm, 0.0078 m²) at 10 W/(m²·K): an estimate."""


class Friction(Config):
    """Friction of motor and gear train, at the output shaft."""

    coulomb: Annotated[Torque, NonNegative]
    viscous: Annotated[Damping, NonNegative] = 0.0


class DynamixelGains(Config):
    """Factory gains of a Dynamixel X model in the firmware's units (76 to 84); by default the XM430-W350's."""

    velocity_i: Annotated[int, Field(ge=0, le=16_383)] = 1920
    velocity_p: Annotated[int, Field(ge=0, le=16_383)] = 100
    position_d: Annotated[int, Field(ge=0, le=16_383)] = 0
    position_i: Annotated[int, Field(ge=0, le=16_383)] = 0
    position_p: Annotated[int, Field(ge=0, le=16_383)] = 800


class DynamixelRegisters(Config):
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

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings and commands, N·m: of current, or of load."""
        if self.current_unit is None:
            return LOAD_UNIT * nominal.stall_torque
        return self.current_unit * nominal.stall_torque / nominal.stall_current


class FeetechRegisters(Config):
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


class MoteusRegisters(Config):
    """What differs between moteus controllers (moteus reference, registers)."""

    family: Literal["moteus"]
    firmware: Annotated[int, Field(ge=0)]
    """Firmware version register (0x101) that the emulator reports."""
    effort_unit_int16: Annotated[Torque, Positive] = 0.01
    """One unit of a torque in 16 bits (moteus reference)."""
    kp: Annotated[float, Field(gt=0.0)] = 4.0
    """`servo.pid_position.kp` as set in the controller, N*m for a revolution of error at the output; 4 as shipped. The
    stiffness of a command is sent as a share of it."""
    kd: Annotated[float, Field(gt=0.0)] = 0.05
    """`servo.pid_position.kd` as set in the controller, N*m for a revolution per second; 0.05 as shipped."""
    model_number: Annotated[int, Field(ge=0, le=0x7FFFFFFF)] | None = None
    """Model number register (0x100); None accepts any."""

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m; commands are floats."""
        return self.effort_unit_int16


Registers = Annotated[DynamixelRegisters | FeetechRegisters | MoteusRegisters, Field(discriminator="family")]


class MotorConfig(Config):
    """One motor type."""

    name: Name
    description: str = ""
    source: tuple[str, ...] = Field(min_length=1)
    """Where the figures come from: datasheet, paper, measurement."""
    nominal: Nominal
    armature: Annotated[Inertia, NonNegative]
    """Rotor inertia seen at the output shaft (rotor inertia times gear ratio squared)."""
    friction: Friction
    thermal: Thermal = Thermal()
    counts_per_revolution: Annotated[int, Field(ge=2, le=1 << 24)]
    velocity_unit: Annotated[AngularVelocity, Positive]
    """Resolution of the velocity that the motor reports."""
    voltage_range: tuple[Voltage, Voltage]
    """Supply voltage the motor accepts before it raises its voltage alarm."""
    temperature_max: Temperature
    """Temperature at which the firmware shuts the motor down."""
    registers: Registers
    """The motor at register level; its `family` is one folder in `hardware/`."""

    @property
    def family(self) -> str:
        """Family of motors: dynamixel, feetech or moteus."""
        return self.registers.family

    @property
    def dynamixel(self) -> DynamixelRegisters:
        """The registers of a Dynamixel; to be asked of those alone."""
        if not isinstance(self.registers, DynamixelRegisters):
            raise TypeError(f"motor {self.name!r} is of the family {self.family!r}, not dynamixel")
        return self.registers

    @property
    def effort_unit(self) -> float:
        """Resolution of effort readings, N·m at the output shaft."""
        return self.registers.effort_unit(self.nominal)

    @property
    def torque_constant(self) -> float:
        """Stall torque per stall current, N·m/A at the output shaft (what the current register measures)."""
        return self.nominal.stall_torque / self.nominal.stall_current
