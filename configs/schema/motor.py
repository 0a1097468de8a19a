"""Schema of a motor type: the datasheet, in SI units, with its sources."""

from typing import Annotated, TypeVar

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.family_registers import OfInstalledFamily
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import (
    AngularVelocity,
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
from sim2real.configs.schema.registers import Registers

RegistersT = TypeVar("RegistersT", bound=Registers)


class Thermal(Config):
    """How a motor heats up, for the emulator; where it is left out, as an XM430 in still air."""

    heat_capacity: Annotated[HeatCapacity, Positive] = 50.0
    """An XM430 weighs 82 g (e-Manual), times 600 J/(kg·K) for its mix of metals and plastic: an estimate."""
    resistance: Annotated[ThermalResistance, Positive] = 13.0
    """To the air. The case of an XM430 (28.5 x 46.5 x 34 mm, 0.0078 m²) at 10 W/(m²·K): an estimate."""


class Friction(Config):
    """Friction of motor and gear train at the output shaft, of the Coulomb-viscous model: it has no other terms.

    Both values are of one fit of just this model. The constants of a richer one (Stribeck, load-dependent friction) are
    smaller, because its other terms carry the rest: taken alone, they leave most of the friction out.
    """

    coulomb: Annotated[Torque, NonNegative]
    """Constant, against the motion."""
    viscous: Annotated[Damping, NonNegative] = 0.0
    """In proportion to the velocity."""


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
    registers: Annotated[Registers, OfInstalledFamily()]
    """Register-level parameters; `family` selects the schema of an installed family."""

    @property
    def family(self) -> str:
        """Name of its motor family."""
        return self.registers.family

    def registers_as(self, kind: type[RegistersT]) -> RegistersT:
        """Return the registers as the class of a family. Raises TypeError if the motor is of another."""
        if not isinstance(self.registers, kind):
            raise TypeError(f"motor {self.name!r} is of the family {self.family!r}: it has no {kind.__name__}")
        return self.registers

    @property
    def effort_unit(self) -> float:
        """Resolution of effort readings, N·m at the output shaft."""
        return self.registers.effort_unit(self.nominal)

    @property
    def torque_constant(self) -> float:
        """Stall torque per stall current, N·m/A at the output shaft (what the current register measures)."""
        return self.nominal.stall_torque / self.nominal.stall_current
