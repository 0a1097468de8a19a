"""Schema of hardware-in-the-loop scenarios: faults on a timeline, and the expected result."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.quantity import Angle, Duration, NonNegative, Positive, Voltage
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import TaskConfig


class ReplyFaultConfig(Config):
    """Replies of motors, or samples of an IMU, that are lost, damaged or duplicated."""

    kind: Literal["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"]
    """`lose_reply`: does not arrive; `corrupt_reply`: one bit is flipped; `truncate_reply`: the end is missing;
    `duplicate_reply`: arrives twice."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each reply, drawn from the seed."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class InstructionFaultConfig(Config):
    """Instructions to motors that are lost or damaged."""

    kind: Literal["lose_instruction", "corrupt_instruction"]
    """`lose_instruction`: does not arrive; `corrupt_instruction`: one bit is flipped."""
    bus: Name | None = None
    """Name of the bus; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each instruction, drawn from the seed."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class DelayFaultConfig(Config):
    """Replies of motors, or samples of an IMU, that arrive late."""

    kind: Literal["delay_reply"]
    """Kind of fault."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all of them."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Probability for each reply, drawn from the seed."""
    delay: Annotated[Duration, Positive]
    """Additional time until the reply arrives."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class MotorFaultConfig(Config):
    """A fault of one motor."""

    kind: Literal["silent", "duplicate_id", "stuck_encoder", "overheat", "overload", "power_cycle"]
    """`silent`: neither receives nor replies; `duplicate_id`: a second motor with the same model and id is on the bus
    and replies at the same time; `stuck_encoder`: the position reading is frozen; `overheat`: the temperature is above
    the motor's limit; `overload`: the motor reports an overload; `power_cycle`: the motor restarts."""
    joint: Name
    """Name of the joint."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration; by default until the end of the run. `power_cycle` and `overload` occur once, at the start."""


class EncoderJumpFaultConfig(Config):
    """An encoder whose reading periodically jumps to another angle."""

    kind: Literal["jumping_encoder"]
    """Kind of fault."""
    joint: Name
    """Name of the joint."""
    jump: Annotated[Angle, Positive] = 0.5
    """Largest error of the reading, in both directions; each error is drawn from the seed."""
    period: Annotated[Duration, Field(ge=0.001)] = 0.1
    """Time between two jumps."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class BrownOutFaultConfig(Config):
    """A drop of the supply voltage. Motors power down below half of the lowest voltage of their `voltage_range`."""

    kind: Literal["brown_out"]
    """Kind of fault."""
    voltage: Annotated[Voltage, NonNegative]
    """Voltage of the unloaded supply during the fault."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class ImuFaultConfig(Config):
    """A fault of one inertial measurement unit."""

    kind: Literal["imu_frozen", "imu_nan", "imu_spinning"]
    """`imu_frozen`: repeats the same sample; `imu_nan`: sends values that are not valid; `imu_spinning`: reports a
    rotation that does not exist."""
    imu: Name
    """Name of the IMU."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Duration of the fault; by default until the end of the run."""


class UnplugFaultConfig(Config):
    """An adapter of a bus or an IMU that is unplugged, and plugged in again after `duration`."""

    kind: Literal["unplug"]
    """Kind of fault."""
    bus: Name | None = None
    """Name of the bus or IMU; by default all adapters."""
    start: Annotated[Duration, NonNegative] = 0.0
    """Start of the fault, counted from when torque is first switched on."""
    duration: Annotated[Duration, Positive] | None = None
    """Time until the adapter is plugged in again; by default it stays unplugged."""


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
    """Faults of an emulated robot; times count from when torque is first switched on."""

    name: Name
    """Name of the faults; usually the name of their file."""
    description: str = ""
    """One line for lists and documentation."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the random numbers of the faults."""
    faults: tuple[FaultConfig, ...] = ()
    """The faults; those at the same time start in this order."""


FinalState = Literal["RUNNING", "DAMPING", "FAULT"]


class ExpectConfig(Config):
    """The expected result of a scenario."""

    final_state: FinalState = "RUNNING"
    """State of the runtime at the end of the run."""
    goal: bool | None = None
    """Whether the task's goal is reached; by default not checked."""
    torque_off: bool | None = None
    """Whether torque is off at the emulated motors at the end of the run, before the runtime shuts down; by default not
    checked."""
    interventions_max: Annotated[int, Field(ge=0)] | None = None
    """Largest number of interventions of the safety envelope; by default not checked."""
    interventions_min: Annotated[int, Field(ge=0)] | None = None
    """Smallest number of interventions of the safety envelope; by default not checked."""
    faults_injected_min: Annotated[int, Field(ge=0)] = 0
    """Smallest number of injected faults; ensures that the scenario tests something."""


class OperatorCommandsConfig(Config):
    """Operator commands from a point in time on."""

    at: Annotated[Duration, NonNegative] = 0.0
    """Time since the policy first ran; commands at 0 s apply from its first tick."""
    values: dict[Name, float] = Field(min_length=1)
    """Values by command name, in the task's units. Commands that are not named keep their values; they start at the
    task's default."""


class ScenarioConfig(Config):
    """One hardware-in-the-loop test."""

    name: Name
    """Name of the scenario; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    task: Annotated[TaskConfig, Reference("tasks")]
    """Task of the policy to test."""
    duration: Annotated[Duration, Positive]
    """Duration of the run."""
    commands: tuple[OperatorCommandsConfig, ...] = ()
    """Operator commands, in order of time."""
    faults: Annotated[FaultsConfig, Reference("faults")] | None = None
    """Faults to inject; by default none."""
    expect: ExpectConfig
    """Expected result."""

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
    """Return the key of a fault that names a missing part of the robot, and a message; None if all parts exist."""
    instructions = isinstance(fault, InstructionFaultConfig)
    ports = list(robot.buses) if instructions else [*robot.buses, *robot.imus]
    for key, valid in (("joint", robot.joints), ("bus", ports), ("imu", robot.imus)):
        name = getattr(fault, key, None)
        if name is not None and name not in valid:
            return key, f"no {key} {name!r}; valid: {', '.join(valid) or 'none'}"
    return None
