"""Schema of a motor type: datasheet values with their sources."""

from typing import Annotated, TypeVar

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.family_registers import OfInstalledFamily
from sim2real.configs.schema.friction import Friction
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import (
    AngularVelocity,
    HeatCapacity,
    Inertia,
    NonNegative,
    Positive,
    Temperature,
    ThermalResistance,
    Voltage,
)
from sim2real.configs.schema.registers import Registers

RegistersT = TypeVar("RegistersT", bound=Registers)


class Thermal(Config):
    """Thermal model of a motor, for the emulator; defaults are those of an XM430 in still air."""

    heat_capacity: Annotated[HeatCapacity, Positive] = 50.0
    """Heat capacity of the motor. Default: 82 g of an XM430 (e-Manual) times 600 J/(kg·K) for metals and plastic, an
    estimate."""
    resistance: Annotated[ThermalResistance, Positive] = 13.0
    """Thermal resistance to the air. Default: the case of an XM430 (28.5 x 46.5 x 34 mm, 0.0078 m²) at 10 W/(m²·K), an
    estimate."""


class MotorConfig(Config):
    """One motor type."""

    name: Name
    """Name of the motor type; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    source: tuple[str, ...] = Field(min_length=1)
    """Sources of the values: datasheet, paper, measurement."""
    nominal: Nominal
    """Nominal operating point."""
    armature: Annotated[Inertia, NonNegative]
    """Rotor inertia at the output shaft (rotor inertia times gear ratio squared)."""
    friction: Friction
    """Friction of motor and gear train."""
    thermal: Thermal = Thermal()
    """Thermal model."""
    counts_per_revolution: Annotated[int, Field(ge=2, le=1 << 24)]
    """Encoder counts per revolution of the output shaft."""
    velocity_unit: Annotated[AngularVelocity, Positive]
    """Resolution of the velocity that the motor reports."""
    voltage_range: tuple[Voltage, Voltage]
    """Lowest and highest supply voltage without a voltage alarm of the motor."""
    temperature_max: Temperature
    """Temperature at which the firmware shuts the motor down."""
    registers: Annotated[Registers, OfInstalledFamily()]
    """Register-level parameters; `family` selects the schema of an installed motor family."""

    @property
    def family(self) -> str:
        """Name of the motor family."""
        return self.registers.family

    def registers_as(self, kind: type[RegistersT]) -> RegistersT:
        """Return the registers as the class of a family. Raises TypeError if the motor is of another family."""
        if not isinstance(self.registers, kind):
            raise TypeError(f"motor {self.name!r} is of the family {self.family!r}: it has no {kind.__name__}")
        return self.registers

    @property
    def effort_unit(self) -> float:
        """Resolution of effort readings, N·m at the output shaft."""
        return self.registers.effort_unit(self.nominal)

    @property
    def heat_rise(self) -> float:
        """K/(N·m)²: how much hotter than the air the winding ends for the square of a steady torque at the shaft.

        R/K² · thermal resistance, with K = voltage / no-load speed and R = K · voltage / stall torque.
        """
        return self.nominal.no_load_speed / self.nominal.stall_torque * self.thermal.resistance

    @property
    def torque_constant(self) -> float:
        """Stall torque / stall current, N·m/A at the output shaft; the constant of the current register."""
        return self.nominal.stall_torque / self.nominal.stall_current
