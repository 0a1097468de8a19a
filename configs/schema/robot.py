"""Schema of a robot: its buses, joints, limits and safety envelope."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from sim2real.configs.families import IMU_FAMILIES, MOTOR_FAMILIES
from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.protocol import ImuProtocol, MotorProtocol
from sim2real.configs.schema.quantity import (
    Angle,
    AngularVelocity,
    Baudrate,
    Damping,
    Duration,
    Length,
    NonNegative,
    Positive,
    Rate,
    Resistance,
    Stiffness,
    Temperature,
    Torque,
    Voltage,
)


class BusConfig(Config):
    """One serial bus."""

    protocol: MotorProtocol
    """Of an installed family of motors."""
    baudrate: Annotated[Baudrate, Positive]
    port: str | None = None
    """Device path on the robot, for example /dev/ttyUSB0; `--port BUS=PATH` overrides it."""


class ImuConfig(Config):
    """One inertial measurement unit on a serial port of its own."""

    protocol: ImuProtocol
    """Of an installed family of IMUs."""
    baudrate: Annotated[Baudrate, Positive]
    rate: Annotated[Rate, Positive]
    """Samples per second that the unit is set to send."""
    mounting: tuple[Angle, Angle, Angle] = (0.0, 0.0, 0.0)
    """Roll, pitch and yaw of the unit in the frame of its body: rotations about x, y, z, in this order, fixed axes."""
    port: str | None = None
    """Device path on the robot, for example /dev/ttyUSB1; `--port IMU=PATH` overrides it."""
    body: Name
    """Body of the model it is fixed to."""
    stale_after: Annotated[Duration, Positive] = 0.1
    """A sample older than this, or values that do not change for so long, are a fault."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        fastest = IMU_FAMILIES[self.protocol].rate_max
        if not self.rate <= fastest:
            raise MisplacedError(
                ("rate",), f"{self.rate:g} Hz is above what a {self.protocol} sends; valid: up to {fastest:g} Hz"
            )
        if not self.stale_after * self.rate >= 2.0:
            raise MisplacedError(
                ("stale_after",), f"must be at least two samples long; valid: from {2.0 / self.rate:g} s"
            )
        return self


class JointConfig(Config):
    """One actuated joint: which motor drives it, how the two are mounted, and how far it may go."""

    motor: Annotated[MotorConfig, Reference("motors")]
    bus: Name
    id: Annotated[int, Field(ge=0)]
    """Address on the bus; the family of the motor says which are valid."""
    mode: Literal["current", "position", "impedance"]
    """How the motor is driven: by effort (`current`), by position goal (`position`), or by position and velocity goals,
    feed-forward effort, stiffness and damping together (`impedance`)."""
    direction: Literal[1, -1] = 1
    """+1 when the motor's positive direction is the joint's."""
    zero: Angle = 0.0
    """Motor angle at which the joint angle is zero."""
    default_position: Angle = 0.0
    """Joint angle of the start pose."""
    position_limits: tuple[Angle, Angle]
    velocity_limit: Annotated[AngularVelocity, Positive]
    effort_limit: Annotated[Torque, Positive]
    stiffness: Annotated[Stiffness, NonNegative] = 0.0
    """Position gain while the runtime holds or ramps the joint."""
    damping: Annotated[Damping, NonNegative] = 0.0
    """Velocity gain while the runtime holds, ramps or damps the joint."""

    @field_validator("direction", mode="before")
    @classmethod
    def _refuse_boolean(cls, value: object) -> object:
        if isinstance(value, bool):  # equal to 1 in Python, and so one of the choices
            raise ValueError("a boolean is not a choice; valid: 1, -1")
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.position_limits
        if not low < high:
            raise MisplacedError(("position_limits",), f"must be ordered, low before high, not {low} and {high} rad")
        if not low <= self.default_position <= high:
            raise MisplacedError(
                ("default_position",),
                f"{self.default_position} rad is outside position_limits; valid: {low} to {high} rad",
            )
        registers = self.motor.registers
        if (reason := registers.why_not(self.mode)) is not None:
            modes = MOTOR_FAMILIES[registers.family].modes
            valid = ", ".join(mode for mode in modes if registers.why_not(mode) is None)
            raise MisplacedError(("mode",), f"motor {self.motor.name!r} {reason}; valid: {valid}")
        if not self.effort_limit <= self.motor.nominal.stall_torque:
            stall = self.motor.nominal.stall_torque
            raise MisplacedError(
                ("effort_limit",),
                f"{self.effort_limit} N*m is above the motor's stall torque; valid: up to {stall} N*m",
            )
        return self


class LinkConfig(Config):
    """Where a joint is, when it stands at zero, in the frame of the joint before it."""

    joint: Name
    position: tuple[Length, Length, Length]
    axis: tuple[float, float, float]
    """Unit vector."""
    rotation: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    """Unit quaternion w x y z, of this frame in the one before."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("axis", "rotation"):
            length = math.sqrt(sum(value * value for value in getattr(self, key)))
            if not abs(length - 1.0) < 1e-6:
                raise MisplacedError((key,), f"must have length 1, not {length:.6g}")
        return self


class TipConfig(Config):
    """Kinematics of the point that works: from the base through some of the joints, in order. The model must agree."""

    site: Name
    """Site of the model at the tip."""
    links: tuple[LinkConfig, ...] = Field(min_length=1)
    position: tuple[Length, Length, Length]
    """The tip in the frame of the last joint."""


class SafetyConfig(Config):
    """The envelope in which the runtime keeps the robot, beside the limits of the joints."""

    watchdog: Annotated[Duration, Field(ge=0.02, le=2.54)]
    """Motors stop when no instruction arrives for this long: by themselves, or a guardian process stops them."""
    reading_age_max: Annotated[Duration, Positive]
    """A reading older than this is stale: the command is held no longer, the robot is damped."""
    communication_loss: Annotated[Duration, Positive]
    """No reading of a joint for this long is a fault."""
    missed_ticks_max: Annotated[int, Field(ge=1, le=10_000)]
    """So many missed ticks in a row are a fault."""
    temperature_max: Temperature
    voltage_range: tuple[Voltage, Voltage]
    position_margin: Annotated[Angle, NonNegative]
    """How far a joint may be outside its position limits before it is a fault."""
    velocity_margin: Annotated[AngularVelocity, NonNegative]
    """How far a joint may be above its velocity limit before it is a fault."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.reading_age_max <= self.communication_loss:
            raise MisplacedError(
                ("reading_age_max",), f"must not exceed communication_loss; valid: up to {self.communication_loss} s"
            )
        if not self.voltage_range[0] < self.voltage_range[1]:
            raise MisplacedError(("voltage_range",), "must be ordered, low before high")
        return self


class ReadyConfig(Config):
    """How the robot moves to its start pose."""

    speed: Annotated[AngularVelocity, Positive]
    """Speed of the ramp, for the joint that has farthest to go."""
    tolerance: Annotated[Angle, Positive]
    """The pose counts as reached when every joint is this close."""
    timeout: Annotated[Duration, Positive]


class RobotConfig(Config):
    """One robot."""

    name: Name
    description: str = ""
    model: str
    """MJCF file with bodies, joints and geoms; actuators and sensors are added by the stack."""
    buses: dict[Name, BusConfig] = Field(min_length=1)
    joints: dict[Name, JointConfig] = Field(min_length=1)
    imus: dict[Name, ImuConfig] = Field(default_factory=dict)
    feet: tuple[Name, ...] = ()
    """Geoms of the model that stand on the ground."""
    tip: TipConfig | None = None
    supply_voltage: Annotated[Voltage, Positive]
    supply_resistance: Annotated[Resistance, NonNegative] = 0.1
    """Of the supply and its cable, for the emulator; where it is left out, a metre of AWG 20 (33 mohm/m, both ways) and
    the load regulation of a bench supply: an estimate."""
    safety: SafetyConfig
    ready: ReadyConfig

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.imus:
            if name in self.buses:
                raise MisplacedError(("imus", name), "a bus has the same name; ports are chosen by it")
        for index, link in enumerate(self.tip.links if self.tip else ()):
            if link.joint not in self.joints:
                raise MisplacedError(
                    ("tip", "links", index, "joint"), f"no joint {link.joint!r}; valid: {', '.join(self.joints)}"
                )
        used: dict[tuple[str, int], str] = {}
        for name, joint in self.joints.items():
            if joint.bus not in self.buses:
                raise MisplacedError(("joints", name, "bus"), f"no bus {joint.bus!r}; valid: {', '.join(self.buses)}")
            self._check_family(name, joint)
            other = used.setdefault((joint.bus, joint.id), name)
            if other != name:
                raise MisplacedError(
                    ("joints", name, "id"), f"joint {other!r} has the same id {joint.id} on bus {joint.bus!r}"
                )
        return self

    def _check_family(self, name: str, joint: JointConfig) -> None:
        protocol, family = self.buses[joint.bus].protocol, joint.motor.family
        known = MOTOR_FAMILIES[family]
        if protocol != known.protocol:
            fitting = [bus for bus, config in self.buses.items() if config.protocol == known.protocol]
            raise MisplacedError(
                ("joints", name, "bus"),
                f"bus {joint.bus!r} speaks {protocol}, motor {joint.motor.name!r} is of the family {family}; "
                f"valid: {', '.join(fitting) or 'no bus of this robot'}",
            )
        if joint.id not in known.ids:
            valid = f"{known.ids[0]} to {known.ids[-1]}"
            raise MisplacedError(("joints", name, "id"), f"must be {valid} for the family {family}, not {joint.id}")
        if joint.mode not in known.modes:
            raise MisplacedError(
                ("joints", name, "mode"),
                f"{joint.mode!r} is no mode of the family {family}; valid: {', '.join(known.modes)}",
            )

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order that every array uses."""
        return tuple(self.joints)
