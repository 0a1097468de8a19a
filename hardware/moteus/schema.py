"""Schema of the settings of a moteus controller in its motor YAML."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Positive, Torque
from sim2real.configs.schema.registers import Registers


class MoteusRegisters(Registers):
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


def registers_of(motor: MotorConfig) -> MoteusRegisters:
    """Return the registers of a motor of this family. Raises TypeError if it is of another."""
    return motor.registers_as(MoteusRegisters)
