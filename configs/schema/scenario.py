"""Schema of hardware-in-the-loop scenarios: faults on a timeline, and what must come of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.quantity import Angle, Duration, NonNegative, Positive, Voltage
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import TaskConfig


class ReplyFaultConfig(Config):
    """Status packets, or samples of an IMU, that do not arrive as they were sent."""

    kind: Literal["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"]
    bus: Name | None = None
    """The bus or IMU it happens on; all of them when left out."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Chance for each reply, from the seed."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None
    """How long it lasts; to the end when left out."""


class InstructionFaultConfig(Config):
    """What the client sends and the motors do not hear as it was sent."""

    kind: Literal["lose_instruction", "corrupt_instruction"]
    bus: Name | None = None
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Chance for each instruction, from the seed."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class DelayFaultConfig(Config):
    """Status packets, or samples of an IMU, that arrive late."""

    kind: Literal["delay_reply"]
    bus: Name | None = None
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    delay: Annotated[Duration, Positive]
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class MotorFaultConfig(Config):
    """A motor that misbehaves."""

    kind: Literal["silent", "duplicate_id", "stuck_encoder", "overheat", "overload", "power_cycle"]
    """`duplicate_id`: another motor of the same kind and id hangs on the bus and answers at the same time."""
    joint: Name
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None
    """How long it lasts; to the end when left out. `power_cycle` and `overload` happen once, at the start."""


class EncoderJumpFaultConfig(Config):
    """An encoder whose reading jumps to another place now and then."""

    kind: Literal["jumping_encoder"]
    joint: Name
    jump: Annotated[Angle, Positive] = 0.5
    """Farthest from the true angle, both ways; each place is drawn from the seed."""
    period: Annotated[Duration, Field(ge=0.001)] = 0.1
    """Time from jump to jump."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class BrownOutFaultConfig(Config):
    """The supply's voltage drops. Motors that get less than half of the lowest voltage they are made for are off."""

    kind: Literal["brown_out"]
    voltage: Annotated[Voltage, NonNegative]
    """What is left of the unloaded supply."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class ImuFaultConfig(Config):
    """An inertial measurement unit that sends the same sample for ever, no numbers, or a turn that is not."""

    kind: Literal["imu_frozen", "imu_nan", "imu_spinning"]
    imu: Name
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class UnplugFaultConfig(Config):
    """The adapter of a bus or an IMU is pulled out, and plugged in again after `duration`."""

    kind: Literal["unplug"]
    bus: Name | None = None
    """Name of the bus, or of the IMU; every adapter when left out."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


FaultConfig = Annotated[
    ReplyFaultConfig
    | InstructionFaultConfig
    | DelayFaultConfig
    | MotorFaultConfig
    | EncoderJumpFaultConfig
    | BrownOutFaultConfig
    | ImuFaultConfig
    | UnplugFaultConfig,
    Field(discriminator="kind"),
]


class FaultsConfig(Config):
    """Faults of an emulated robot; times count from when its torque was first switched on."""

    name: Name
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    faults: tuple[FaultConfig, ...] = ()


FinalState = Literal["RUNNING", "DAMPING", "FAULT"]


class ExpectConfig(Config):
    """What a scenario must come to."""

    final_state: FinalState = "RUNNING"
    goal: bool | None = None
    """Whether the task's goal is reached; either will do when left out."""
    torque_off: bool | None = None
    """Whether the emulated motors have no torque at the end of the run, before the runtime shuts down."""
    interventions_max: Annotated[int, Field(ge=0)] | None = None
    interventions_min: Annotated[int, Field(ge=0)] | None = None
    faults_injected_min: Annotated[int, Field(ge=0)] = 0
    """So many faults must really have happened: a scenario that injects nothing proves nothing."""


class AskConfig(Config):
    """What the operator asks of the policy from some time on."""

    at: Annotated[Duration, NonNegative] = 0.0
    """Since the policy first ran; what is asked at 0 s it sees from its first tick on."""
    values: dict[Name, float] = Field(min_length=1)
    """By command, in the task's units; a command that is not named stays as it was, at first at the task's default."""


class ScenarioConfig(Config):
    """One hardware-in-the-loop test."""

    name: Name
    description: str = ""
    task: Annotated[TaskConfig, Reference("tasks")]
    duration: Annotated[Duration, Positive]
    commands: tuple[AskConfig, ...] = ()
    """What is asked of the policy, in the order of time."""
    faults: Annotated[FaultsConfig, Reference("faults")] | None = None
    expect: ExpectConfig

    @model_validator(mode="after")
    def _check(self) -> Self:
        for index, fault in enumerate(self.faults.faults if self.faults else ()):
            unknown = unknown_part(fault, self.task.robot)
            if unknown is not None:
                key, message = unknown
                raise MisplacedError(("faults", "faults", index, key), message)
        self._check_commands()
        return self

    def _check_commands(self) -> None:
        valid, before = self.task.commands, 0.0
        for index, asked in enumerate(self.commands):
            if not before <= asked.at <= self.duration:
                raise MisplacedError(
                    ("commands", index, "at"),
                    f"{asked.at:g} s is out of order, or past the end; valid: {before:g} to {self.duration:g} s",
                )
            before = asked.at
            for name, value in asked.values.items():
                at = ("commands", index, "values", name)
                if name not in valid:
                    raise MisplacedError(at, f"the task has no such command; valid: {', '.join(valid) or 'none'}")
                low, high = valid[name].range
                if not low <= value <= high:
                    raise MisplacedError(at, f"{value} is outside its range; valid: {low} to {high}")


def unknown_part(fault: FaultConfig, robot: RobotConfig) -> tuple[str, str] | None:
    """Return the key by which a fault names a part that the robot does not have, and what is valid; None if it has."""
    instructions = isinstance(fault, InstructionFaultConfig)
    ports = list(robot.buses) if instructions else [*robot.buses, *robot.imus]
    for key, valid in (("joint", robot.joints), ("bus", ports), ("imu", robot.imus)):
        name = getattr(fault, key, None)
        if name is not None and name not in valid:
            return key, f"no {key} {name!r}; valid: {', '.join(valid) or 'none'}"
    return None
