"""Schema of the faults of an emulated robot: what breaks, where, from when, and for how long."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.quantity import (
    Angle,
    Duration,
    NonNegative,
    Positive,
    Resistance,
    Temperature,
    Voltage,
)
from sim2real.configs.schema.robot import RobotConfig


class FaultTimesConfig(Config):
    """When a fault happens; every kind has these keys."""

    since: Literal["torque", "power_up"] = "torque"
    """Zero of `start`: when torque is first switched on, or when the emulated robot is powered up."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from `since`."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class ReplyFaultConfig(FaultTimesConfig):
    """Replies of motors, or samples of an IMU, that are lost, damaged or duplicated."""

    kind: Literal["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"]
    """`lose_reply`: does not arrive; `corrupt_reply`: one bit is flipped; `truncate_reply`: the end is missing;
    `duplicate_reply`: arrives twice."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each reply, drawn from the seed."""


class DelayFaultConfig(FaultTimesConfig):
    """Replies of motors, or samples of an IMU, that arrive late."""

    kind: Literal["delay_reply"]
    """Kind of fault."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each reply, drawn from the seed."""
    delay: Annotated[Duration, Positive]
    """Additional time until the reply arrives."""


class InstructionFaultConfig(FaultTimesConfig):
    """Instructions to motors that are lost or damaged."""

    kind: Literal["lose_instruction", "corrupt_instruction"]
    """`lose_instruction`: does not arrive; `corrupt_instruction`: one bit is flipped."""
    bus: Name | None = None
    """Name of the bus; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each instruction, drawn from the seed."""


class LineFaultConfig(FaultTimesConfig):
    """A fault of the whole line of a bus."""

    kind: Literal["silent_bus", "echo", "block_write"]
    """`silent_bus`: the wire is cut behind the adapter, nothing passes in either direction; `echo`: the adapter returns
    the client's own bytes before the replies; `block_write`: the port takes no bytes, so that a write waits."""
    bus: Name | None = None
    """Name of the bus; by default all of them."""


class NoiseFaultConfig(FaultTimesConfig):
    """Bursts of random bytes on the line of a bus: the client and the motors receive them."""

    kind: Literal["noise"]
    """Kind of fault."""
    bus: Name | None = None
    """Name of the bus; by default all of them."""
    period: Annotated[Duration, Field(ge=0.001)] = 0.013
    """Time between two bursts."""
    length: Annotated[int, Field(ge=1, le=256)] = 16
    """Largest number of bytes in a burst; drawn from the seed."""


class MotorFaultConfig(FaultTimesConfig):
    """A fault of one motor."""

    kind: Literal[
        "silent", "duplicate_id", "overheat", "overload", "power_cycle", "brief_reset", "jammed", "stuck_temperature"
    ]
    """`silent`: neither receives nor replies; `duplicate_id`: a second motor with the same model and id is on the bus
    and replies at the same time; `overheat`: the temperature is above the motor's limit; `overload`: the motor reports
    an overload; `power_cycle`: the motor restarts, and is silent meanwhile; `brief_reset`: it restarts so fast that no
    reply is lost, with torque off and its volatile registers reset; `jammed`: the joint does not turn, whatever the
    torque; `stuck_temperature`: the temperature reading is frozen. `power_cycle`, `brief_reset` and `overload` occur
    once, at the start."""
    joint: Name
    """Name of the joint."""


class WrongIdFaultConfig(FaultTimesConfig):
    """A motor that has, and answers with, another id."""

    kind: Literal["wrong_id"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    id: Annotated[int, Field(ge=1, le=120)]
    """Its id during the fault; it may be that of another motor."""


class StuckEncoderFaultConfig(FaultTimesConfig):
    """An encoder whose reading is frozen."""

    kind: Literal["stuck_encoder"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    noise: Annotated[Angle, NonNegative] = 0.0
    """Largest error about the frozen reading, in both directions, drawn from the seed each `period`."""
    period: Annotated[Duration, Field(ge=0.001)] = 0.005
    """Time between two values of the noise."""


class SlippingEncoderFaultConfig(FaultTimesConfig):
    """An encoder or a horn that slips: the reading is off by an angle from then on."""

    kind: Literal["slipping_encoder"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    slip: Angle
    """Error of the reading."""
    over: Annotated[Duration, NonNegative] = 0.0
    """Time in which the error grows to `slip`; at once when 0."""


class EncoderJumpFaultConfig(FaultTimesConfig):
    """An encoder whose reading periodically jumps to another angle."""

    kind: Literal["jumping_encoder"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    jump: Annotated[Angle, Positive] = 0.5
    """Largest error of the reading, in both directions; each error is drawn from the seed."""
    period: Annotated[Duration, Field(ge=0.001)] = 0.1
    """Time between two jumps."""


class WarmingFaultConfig(FaultTimesConfig):
    """A motor that warms up steadily, as behind a blocked vent or with a dragging gear."""

    kind: Literal["warming"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    temperature: Temperature
    """Temperature that the winding reaches, and keeps to the end of the fault."""
    over: Annotated[Duration, Positive]
    """Time until then, from ambient temperature."""


class BrownOutFaultConfig(FaultTimesConfig):
    """Another supply voltage. Motors power down below half of the lowest voltage of their `voltage_range`."""

    kind: Literal["brown_out"]
    """Kind of fault."""
    voltage: Annotated[Voltage, NonNegative]
    """Voltage of the unloaded supply during the fault; it may also be too high."""
    supply: Name | None = None
    """Name of the supply in the robot's `supplies`; its own `supply_voltage` when absent."""


class WeakSupplyFaultConfig(FaultTimesConfig):
    """A supply whose voltage sags under load: an empty battery, a corroded connector."""

    kind: Literal["weak_supply"]
    """Kind of fault."""
    resistance: Annotated[Resistance, Positive]
    """Internal resistance of the supply and its cable during the fault."""
    supply: Name | None = None
    """Name of the supply in the robot's `supplies`; its own `supply_voltage` when absent."""


class ImuFaultConfig(FaultTimesConfig):
    """A fault of one inertial measurement unit."""

    kind: Literal["imu_frozen", "imu_nan", "imu_spinning", "imu_silent", "imu_rotated", "imu_drifting"]
    """`imu_frozen`: repeats the same sample; `imu_nan`: sends values that are not valid; `imu_spinning`: reports a
    rotation that does not exist; `imu_silent`: sends nothing; `imu_rotated`: came off and sits a quarter turn about its
    x axis from its place; `imu_drifting`: its orientation turns about its x axis, slowly, while its rate agrees."""
    imu: Name
    """Name of the IMU."""


class UnplugFaultConfig(FaultTimesConfig):
    """An adapter of a bus or an IMU that is unplugged, and plugged in again after `duration`."""

    kind: Literal["unplug"]
    """Kind of fault."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all adapters."""


MessageFault = ReplyFaultConfig | InstructionFaultConfig | DelayFaultConfig
"""Faults of single messages."""

TimedFault = (
    LineFaultConfig
    | NoiseFaultConfig
    | MotorFaultConfig
    | WrongIdFaultConfig
    | StuckEncoderFaultConfig
    | SlippingEncoderFaultConfig
    | EncoderJumpFaultConfig
    | WarmingFaultConfig
    | BrownOutFaultConfig
    | WeakSupplyFaultConfig
    | ImuFaultConfig
    | UnplugFaultConfig
)
"""Faults with a start and an end."""

FaultConfig = Annotated[MessageFault | TimedFault, Field(discriminator="kind")]

_OF_BUSES = (InstructionFaultConfig, LineFaultConfig, NoiseFaultConfig)
"""Faults that an IMU cannot have."""


def unknown_part(fault: FaultConfig, robot: RobotConfig) -> tuple[str, str] | None:
    """Return the key of a fault that names a missing part of the robot, and a message; None if all parts exist."""
    ports = list(robot.buses) if isinstance(fault, _OF_BUSES) else [*robot.buses, *robot.imus]
    for key, valid in (("joint", robot.joints), ("bus", ports), ("imu", robot.imus), ("supply", robot.supplies)):
        name = getattr(fault, key, None)
        if name is not None and name not in valid:
            return key, f"no {key} {name!r}; valid: {', '.join(valid) or 'none'}"
    return None
