"""What the timed faults of an emulated robot do to its lines, motors, sensors, supply and joints."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sim2real.configs.errors import UserError
from sim2real.configs.schema.fault import (
    BrownOutFaultConfig,
    EncoderJumpFaultConfig,
    ImuFaultConfig,
    LineFaultConfig,
    MotorFaultConfig,
    NoiseFaultConfig,
    SlippingEncoderFaultConfig,
    StuckEncoderFaultConfig,
    UnplugFaultConfig,
    WarmingFaultConfig,
    WeakSupplyFaultConfig,
    WrongIdFaultConfig,
)
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.supply import SupplyConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.electrics import AMBIENT, Electrics, Supply
from sim2real.hardware.emulator.faults import Transition
from sim2real.hardware.emulator.imu import ImuLine
from sim2real.hardware.emulator.line import NEVER, Line
from sim2real.hardware.emulator.plant import JammingPlant, Plant
from sim2real.hardware.firmware.motor import EmulatedMotor

_OVERHEATED = 5.0  # K above Temperature Limit
_LOGIC_SHARE = 0.5  # of the lowest supply voltage of the motor; below it the controller is off: an assumption


def jamming(plant: Plant) -> JammingPlant:
    """Return a plant whose joints can jam. Raises UserError if this one's cannot."""
    if not isinstance(plant, JammingPlant):
        raise UserError(f"the joints of {type(plant).__name__} cannot jam: it has no method `jam`")
    return plant


@dataclass(slots=True)
class EmulatedParts:
    """The parts of an emulated robot that faults act on; lists have one entry per joint."""

    config: RobotConfig
    plant: Plant
    electrics: Electrics
    motors: Mapping[str, EmulatedMotor]
    lines: Mapping[str, Line]
    imus: Mapping[str, ImuLine]
    make_motor: Callable[[str], EmulatedMotor]
    """Makes a second motor like that of a joint, for a duplicate id."""
    encoder_zero: list[float]
    """Motor angle at which the joint angle is zero, as the encoder sees it, rad: a slip changes it."""
    joints: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.joints = list(self.motors)


class FaultEffects:
    """Starts and ends the faults, and continues those that grow with time.

    Attributes:
        stuck_temperature: Frozen temperature readings, °C, by index of the joint.
    """

    def __init__(self, parts: EmulatedParts) -> None:
        self.stuck_temperature: dict[int, float] = {}
        self._parts = parts
        self._held: dict[int, float] = {}  # lowest winding temperature, °C, by index of the joint
        self._growing: dict[tuple[str, int], tuple[SlippingEncoderFaultConfig | WarmingFaultConfig, int]] = {}
        self._stuck: dict[int, float] = {}  # angle of the shaft at which the encoder froze, rad
        self._intruders: dict[str, EmulatedMotor] = {}
        self._unpowered: set[int] = set()

    def apply(self, transition: Transition) -> None:
        """Execute the start, a change, or the end of a fault. The motors' sensor values are up to date."""
        fault, begins, now_ns = transition.fault, transition.begins, transition.time_ns
        if isinstance(fault, UnplugFaultConfig | LineFaultConfig | NoiseFaultConfig):
            self._apply_to_ports(fault, transition)
        elif isinstance(fault, BrownOutFaultConfig):
            own = self._supply(fault.supply).voltage
            self._set_supply(self._parts.electrics.supplies[fault.supply], fault.voltage if begins else own, now_ns)
        elif isinstance(fault, WeakSupplyFaultConfig):
            ohms = self._supply(fault.supply).resistance
            self._parts.electrics.supplies[fault.supply].resistance = fault.resistance if begins else ohms
        elif isinstance(fault, ImuFaultConfig):
            self._parts.imus[fault.imu].unit.fault = fault.kind if begins else ""
        else:
            self._apply_to_joint(fault, self._parts.joints.index(fault.joint), transition)

    def advance(self, now_ns: int) -> None:
        """Continue what grows or is held; called at every health check."""
        electrics = self._parts.electrics
        for (_, index), (fault, begin_ns) in self._growing.items():
            elapsed_s = (now_ns - begin_ns) / NS_PER_S
            share = 1.0 if elapsed_s >= fault.over else elapsed_s / fault.over
            if isinstance(fault, SlippingEncoderFaultConfig):
                self._slip(index, share * fault.slip)
            else:
                self._held[index] = AMBIENT + share * (fault.temperature - AMBIENT)
        for index, temperature in self._held.items():
            electrics.temperature[index] = max(electrics.temperature[index], temperature)

    def _apply_to_ports(self, fault: UnplugFaultConfig | LineFaultConfig | NoiseFaultConfig, at: Transition) -> None:
        for name, line in self._parts.lines.items():
            if fault.bus not in (None, name):
                continue
            if isinstance(fault, UnplugFaultConfig):
                line.plug(not at.begins)
            elif isinstance(fault, NoiseFaultConfig):
                line.receive_noise(at.time_ns, at.data)
            elif fault.kind == "silent_bus":
                line.cut = at.begins
            elif fault.kind == "echo":
                line.echo = at.begins
            else:
                line.block(at.begins, at.time_ns)
        for name, imu in self._parts.imus.items():
            if isinstance(fault, UnplugFaultConfig) and fault.bus in (None, name):
                imu.plug(not at.begins)

    def _apply_to_joint(
        self,
        fault: MotorFaultConfig
        | WrongIdFaultConfig
        | StuckEncoderFaultConfig
        | SlippingEncoderFaultConfig
        | EncoderJumpFaultConfig
        | WarmingFaultConfig,
        index: int,
        at: Transition,
    ) -> None:
        if isinstance(fault, WrongIdFaultConfig):
            own = self._parts.config.joints[fault.joint].id
            self._parts.motors[fault.joint].renumber(fault.id if at.begins else own)
        elif isinstance(fault, StuckEncoderFaultConfig):
            self._freeze(index, at)
        elif isinstance(fault, EncoderJumpFaultConfig):
            self._slip(index, at.value)
        elif isinstance(fault, SlippingEncoderFaultConfig | WarmingFaultConfig):
            self._grow(fault, index, at)
        else:
            self._apply_to_motor(fault, index, at)

    def _apply_to_motor(self, fault: MotorFaultConfig, index: int, at: Transition) -> None:
        motor, begins = self._parts.motors[fault.joint], at.begins
        if fault.kind == "silent":
            motor.silent = begins
        elif fault.kind == "duplicate_id":
            self._duplicate(fault.joint, at)
        elif fault.kind == "overheat":
            self._overheat(index, motor.temperature_limit + _OVERHEATED if begins else None)
        elif fault.kind == "overload":
            motor.overload()
        elif fault.kind == "jammed":
            jamming(self._parts.plant).jam(index, begins)
        elif fault.kind == "stuck_temperature":
            if begins:
                self.stuck_temperature[index] = motor.shaft.temperature
            else:
                self.stuck_temperature.pop(index, None)
        elif fault.kind == "brief_reset":
            motor.boot(at.time_ns, boot_ns=0)
        else:
            motor.boot(at.time_ns)

    def _freeze(self, index: int, at: Transition) -> None:
        """Freeze the reading at the angle it had at the start of the fault, plus the noise of this period."""
        motor = self._parts.motors[self._parts.joints[index]]
        motor.release_encoder()
        if not at.begins:
            self._stuck.pop(index, None)
            return
        true = motor.shaft.angle
        motor.shaft.angle = self._stuck.setdefault(index, true) + at.value
        motor.freeze_encoder()
        motor.shaft.angle = true

    def _grow(self, fault: SlippingEncoderFaultConfig | WarmingFaultConfig, index: int, at: Transition) -> None:
        if at.begins:
            self._growing[fault.kind, index] = (fault, at.time_ns)
            if fault.over == 0.0:
                self.advance(at.time_ns)
            return
        self._growing.pop((fault.kind, index), None)
        if isinstance(fault, SlippingEncoderFaultConfig):
            self._slip(index, 0.0)
        else:
            self._overheat(index, None)

    def _slip(self, index: int, error: float) -> None:
        joint = self._parts.config.joints[self._parts.joints[index]]
        self._parts.encoder_zero[index] = joint.zero + error

    def _overheat(self, index: int, temperature: float | None) -> None:
        """Keep the winding at this temperature or above, °C; None lets it cool at once."""
        if temperature is not None:
            self._held[index] = temperature
        else:
            self._held.pop(index, None)
            self._parts.electrics.temperature[index] = AMBIENT

    def _duplicate(self, joint: str, at: Transition) -> None:
        """Add a second motor of the same model and id to the bus, or remove it."""
        motors = self._parts.lines[self._parts.config.joints[joint].bus].motors
        intruder = self._intruders.pop(joint, None)
        if intruder is not None:
            motors.remove(intruder)
        if at.begins:
            intruder = self._parts.make_motor(joint)
            intruder.boot(at.time_ns, boot_ns=0)
            self._intruders[joint] = intruder
            motors.append(intruder)

    def _supply(self, name: str | None) -> SupplyConfig:
        """Return a supply as the robot YAML has it."""
        config = self._parts.config
        return config.own_supply if name is None else config.supplies[name]

    def _set_supply(self, supply: Supply, voltage: float, now_ns: int) -> None:
        """Change a supply's voltage, V. Its motors power down if it is too low, and restart when it is high enough."""
        supply.set_nominal(voltage)
        for index, (name, motor) in enumerate(self._parts.motors.items()):
            if self._parts.electrics.fed_by[index] is not supply:
                continue
            if voltage < _LOGIC_SHARE * self._parts.config.joints[name].motor.voltage_range[0]:
                self._unpowered.add(index)
                motor.boot(now_ns, boot_ns=NEVER)
            elif index in self._unpowered:
                self._unpowered.discard(index)
                motor.boot(now_ns)
