"""Schema of a robot: buses, joints, IMUs, limits and safety envelope."""

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from sim2real.configs.errors import ConfigError
from sim2real.configs.families import IMU_FAMILIES, MOTOR_FAMILIES
from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.joint import JointConfig as JointConfig
from sim2real.configs.schema.loop import LoopConfig
from sim2real.configs.schema.mirror import check_words
from sim2real.configs.schema.protocol import ImuProtocol, MotorProtocol
from sim2real.configs.schema.quantity import (
    Angle,
    AngularVelocity,
    Baudrate,
    Duration,
    Length,
    NonNegative,
    Positive,
    Rate,
    Resistance,
    Voltage,
)
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.configs.schema.start_pose import StartPoseConfig
from sim2real.configs.schema.supply import OWN_SUPPLY, SUPPLY_RESISTANCE, SupplyConfig


class BusConfig(Config):
    """One serial bus of motors."""

    protocol: MotorProtocol
    """Protocol of the motors; each installed motor family has one."""
    baudrate: Annotated[Baudrate, Positive]
    """Baud rate of the bus; must be the one set in the motors."""
    port: str | None = None
    """Device path on the robot, for example /dev/ttyUSB0; `--port BUS=PATH` overrides it."""


class ImuConfig(Config):
    """One inertial measurement unit on its own serial port."""

    protocol: ImuProtocol
    """Protocol of the unit: the name of an installed IMU family."""
    baudrate: Annotated[Baudrate, Positive]
    """Baud rate of the port; must be the one set in the unit."""
    rate: Annotated[Rate, Positive]
    """Sample rate; the driver sets it in the unit."""
    mounting: tuple[Angle, Angle, Angle] = (0.0, 0.0, 0.0)
    """Roll, pitch and yaw of the unit in its body's frame: rotations about the fixed axes x, y, z, in this order."""
    port: str | None = None
    """Device path on the robot, for example /dev/ttyUSB1; `--port IMU=PATH` overrides it."""
    body: Name
    """Name of the body in the model that carries the unit."""
    stale_after: Annotated[Duration, Positive] = 0.1
    """Time after which an old sample, or unchanged values, are a fault; at least two sample periods."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        fastest = IMU_FAMILIES[self.protocol].rate_max
        if not self.rate <= fastest:
            raise MisplacedError(
                ("rate",), f"{self.rate:g} Hz is above the highest rate of {self.protocol}; valid: up to {fastest:g} Hz"
            )
        if not self.stale_after * self.rate >= 2.0:
            raise MisplacedError(
                ("stale_after",), f"must be at least two samples long; valid: from {2.0 / self.rate:g} s"
            )
        return self


class LinkConfig(Config):
    """The frame of a joint at angle zero, relative to the frame of the previous joint."""

    joint: Name
    """Name of the joint."""
    position: tuple[Length, Length, Length]
    """Position x, y, z in the previous frame."""
    axis: tuple[float, float, float]
    """Joint axis in this frame, a unit vector."""
    rotation: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    """Orientation in the previous frame, a unit quaternion w x y z."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("axis", "rotation"):
            length = math.sqrt(sum(value * value for value in getattr(self, key)))
            if not abs(length - 1.0) < 1e-6:
                raise MisplacedError((key,), f"must have length 1, not {length:.6g}")
        return self


class TipConfig(Config):
    """Kinematics of the tip: a chain from the base through some of the joints. It must agree with the model."""

    site: Name | None = None
    """Name of the model's site at the tip."""
    body: Name | None = None
    """Instead of a site: name of the model's body whose origin is the tip."""
    links: tuple[LinkConfig, ...] = Field(min_length=1)
    """The joints of the chain, from the base to the tip."""
    position: tuple[Length, Length, Length]
    """Position x, y, z of the tip in the frame of the last joint."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.site is None) == (self.body is None):
            raise MisplacedError((), "needs one of `site` and `body`")
        return self


class ReadyConfig(Config):
    """How the robot moves to its start pose."""

    speed: Annotated[AngularVelocity, Positive]
    """Joint velocity of the ramp, for the joint with the longest way."""
    tolerance: Annotated[Angle, Positive]
    """Largest position error of a joint at which the pose counts as reached."""
    timeout: Annotated[Duration, Positive]
    """Longest time to reach the pose; after that, it is a fault."""
    blend: Annotated[Duration, NonNegative] = 0.0
    """Time over which the policy's first targets are blended in, from the last target before it."""


class RestConfig(Config):
    """A pose that the robot is lowered to before torque goes off at the end of a run."""

    pose: dict[Name, Angle] = Field(min_length=1)
    """Joint angle by joint; the others stay where they are."""
    speed: Annotated[AngularVelocity, Positive]
    """Joint velocity, for the joint with the longest way."""
    timeout: Annotated[Duration, Positive]
    """Longest time for it; then torque goes off wherever the robot is."""


BodyName = Annotated[str, Field(min_length=1)]


class RobotConfig(Config):
    """One robot."""

    name: Name
    """Name of the robot; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    model: str | None = None
    """MJCF file with bodies, joints and geoms, relative to this file; the stack adds actuators and sensors. A robot
    without one, such as an arm that is only moved by hand, can be emulated and set up, not simulated."""
    model_names: dict[Name, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Name in the model of joints, bodies, geoms and sites that are named differently here, such as a joint `left-hip`,
    whose own name this file cannot use."""
    held: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Joints of the model, by their names there, that are held where they start: by the motor of a tendon, for example,
    which no motor of this file replaces."""
    no_contact: tuple[tuple[BodyName, BodyName], ...] = ()
    """Pairs of bodies of the model, by their names there, that never touch each other: neighbours whose geoms overlap
    in the start pose, for example, which contacts would push apart."""
    ground: Length | None = None
    """Height of a level ground, a plane that the stack adds to a model that has none."""
    start: StartPoseConfig = StartPoseConfig()
    """Start pose of the free base and of joints without a motor."""
    buses: dict[Name, BusConfig] = Field(min_length=1)
    """Motor buses, by name."""
    joints: dict[Name, JointConfig] = Field(min_length=1)
    """Actuated joints, by their names in the model; this order is the order of all arrays."""
    imus: dict[Name, ImuConfig] = Field(default_factory=dict)
    """IMUs, by name; the names must differ from those of the buses."""
    feet: tuple[Name, ...] = ()
    """Names of the model's geoms that touch the ground."""
    tip: TipConfig | None = None
    """Kinematics of the tip, for tasks with tip positions."""
    mirror: dict[Name, Name] | None = None
    """Of a robot that is symmetrical about the x-z plane of its base: words that stand for one side in the names of its
    joints, feet, IMUs and bodies, each with that of the other side, such as left: right."""
    supply_voltage: Annotated[Voltage, Field(gt=0.0, le=1000.0)]
    """Voltage of the unloaded supply."""
    supply_resistance: Annotated[Resistance, NonNegative] = SUPPLY_RESISTANCE
    """Internal resistance of the supply and its cable, for the emulator. The default is an estimate: 1 m of AWG 20
    (33 mohm/m, both ways) and the load regulation of a bench supply."""
    supplies: dict[Name, SupplyConfig] = Field(default_factory=dict)
    """Further supplies, by name, for motors of another voltage: joints name theirs in `supply`, and
    `safety.voltage_ranges` has its limits. A randomization calls the robot's own one `own`."""
    safety: SafetyConfig
    """Safety envelope."""
    ready: ReadyConfig
    """Motion to the start pose."""
    loop: LoopConfig = LoopConfig()
    """Rate of the buses, and the targets between two runs of the policy."""
    rest: RestConfig | None = None
    """Motion to a pose of rest at the end of a run; torque goes off at once when absent, and after a fault."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_rest()
        if self.mirror is not None:
            check_words(self.mirror, {"joint": self.joints, "foot": self.feet, "IMU": self.imus})
        for name in self.imus:
            if name in self.buses:
                raise MisplacedError(("imus", name), "a bus has the same name, which must be unique for --port")
        for index, link in enumerate(self.tip.links if self.tip else ()):
            if link.joint not in self.joints:
                raise MisplacedError(
                    ("tip", "links", index, "joint"), f"no joint {link.joint!r}; valid: {', '.join(self.joints)}"
                )
        self._check_safety()
        self._check_supplies()
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

    def _check_rest(self) -> None:
        for name, angle in self.rest.pose.items() if self.rest else ():
            if name not in self.joints:
                raise MisplacedError(("rest", "pose", name), f"no joint {name!r}; valid: {', '.join(self.joints)}")
            low, high = self.joints[name].position_limits
            if not low <= angle <= high:
                raise MisplacedError(
                    ("rest", "pose", name), f"{angle} rad is outside position_limits; valid: {low} to {high} rad"
                )

    def _check_safety(self) -> None:
        if self.safety.tilt_max is not None and not self.imus:
            raise MisplacedError(("safety", "tilt_max"), "needs an IMU, and the robot has none")
        stiff = next((name for name, joint in self.joints.items() if joint.mode == "position"), None)
        for fault, reaction in self.safety.on_fault.items():
            if reaction == "limp" and stiff is not None:
                raise MisplacedError(
                    ("safety", "on_fault", fault),
                    f"joint {stiff!r} in mode position cannot be limp while torque is on; valid: off, damp, hold",
                )

    def _check_supplies(self) -> None:
        ranges = self.safety.voltage_ranges
        for name in ranges:
            if name not in self.supplies:
                valid = ", ".join(self.supplies) or "none: the robot has only its own supply"
                raise MisplacedError(("safety", "voltage_ranges", name), f"no supply {name!r}; valid: {valid}")
        for name in self.supplies:
            if name == OWN_SUPPLY:
                raise MisplacedError(("supplies", name), "is the name of the robot's own supply; valid: another")
            if name not in ranges:
                raise MisplacedError(("supplies", name), "its limits are missing; give safety.voltage_ranges." + name)
        for name, joint in self.joints.items():
            if joint.supply is not None and joint.supply not in self.supplies:
                valid = ", ".join(self.supplies) or "none: the robot has only its own supply"
                raise MisplacedError(("joints", name, "supply"), f"no supply {joint.supply!r}; valid: {valid}")
            volts, (low, high) = self.supply_of(joint).voltage, joint.motor.voltage_range
            if not low <= volts <= high:
                key = "supply" if joint.supply is not None else "motor"
                fed = f"supply {joint.supply!r}" if joint.supply is not None else "supply_voltage"
                raise MisplacedError(
                    ("joints", name, key),
                    f"motor {joint.motor.name!r} takes {low:g} to {high:g} V, and {fed} is {volts:g} V; "
                    "valid: a supply of its voltage, one of `supplies`",
                )

    def _check_family(self, name: str, joint: JointConfig) -> None:
        protocol, family = self.buses[joint.bus].protocol, joint.motor.family
        known = MOTOR_FAMILIES[family]
        if protocol != known.protocol:
            fitting = [bus for bus, config in self.buses.items() if config.protocol == known.protocol]
            raise MisplacedError(
                ("joints", name, "bus"),
                f"bus {joint.bus!r} has protocol {protocol}, but motor {joint.motor.name!r} is of the family {family}; "
                f"valid: {', '.join(fitting) or 'no bus of this robot'}",
            )
        if joint.id not in known.ids:
            valid = f"{known.ids[0]} to {known.ids[-1]}"
            raise MisplacedError(("joints", name, "id"), f"must be {valid} for the family {family}, not {joint.id}")
        if joint.mode not in known.modes:
            raise MisplacedError(
                ("joints", name, "mode"),
                f"the family {family} has no mode {joint.mode!r}; valid: {', '.join(known.modes)}",
            )
        possible = ("off", *known.death_states.get(joint.mode, ()))
        if self.safety.on_death not in possible:
            raise MisplacedError(
                ("safety", "on_death"),
                f"the motor of joint {name!r} cannot {self.safety.on_death!r} without the runtime: family {family}, "
                f"mode {joint.mode}; valid: {', '.join(possible)}",
            )

    def supply_of(self, joint: JointConfig) -> SupplyConfig:
        """Return what feeds a joint's motor."""
        return self.own_supply if joint.supply is None else self.supplies[joint.supply]

    def supply_name(self, joint: JointConfig) -> str:
        """Return the name of what feeds a joint's motor; `OWN_SUPPLY` for the robot's own."""
        return OWN_SUPPLY if joint.supply is None else joint.supply

    @property
    def simulated(self) -> str:
        """The MJCF. Raises ConfigError for a robot without one."""
        if self.model is None:
            raise ConfigError(f"robot {self.name!r} has no `model`: it can be emulated and set up, not simulated")
        return self.model

    @property
    def own_supply(self) -> SupplyConfig:
        """The supply of motors that name none."""
        return SupplyConfig.model_construct(voltage=self.supply_voltage, resistance=self.supply_resistance)

    def in_model(self, name: str) -> str:
        """Return the name that the model has for a joint, body, geom or site."""
        return self.model_names.get(name, name)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order."""
        return tuple(self.joints)
