"""Schema of the `registers` block of moteus controllers in a motor YAML."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.nominal import Nominal
from sim2real.configs.schema.quantity import Positive, Torque
from sim2real.configs.schema.registers import Registers


class MoteusRegisters(Registers):
    """Differences between moteus controllers (moteus reference, registers)."""

    family: Literal["moteus"]
    """Name of the motor family."""
    firmware: Annotated[int, Field(ge=0)]
    """Value of the firmware version register (0x101) that the emulated controller reports."""
    effort_unit_int16: Annotated[Torque, Positive] = 0.01
    """Unit of a 16-bit torque, N·m (moteus reference)."""
    kp: Annotated[float, Field(gt=0.0)] = 4.0
    """`servo.pid_position.kp` as configured in the controller, N·m/rev at the output; factory default 4. Commands send
    their stiffness as a share of it."""
    kd: Annotated[float, Field(gt=0.0)] = 0.05
    """`servo.pid_position.kd` as configured in the controller, N·m·s/rev at the output; factory default 0.05."""
    model_number: Annotated[int, Field(ge=0, le=0x7FFFFFFF)] | None = None
    """Value of the model number register (0x100); any model is accepted if it is left out."""

    def effort_unit(self, nominal: Nominal) -> float:
        """Return the resolution of effort readings, N·m; command values are floats."""
        return self.effort_unit_int16


def registers_of(motor: MotorConfig) -> MoteusRegisters:
    """Return the `registers` block of a motor. Raises TypeError if it is of another family."""
    return motor.registers_as(MoteusRegisters)
