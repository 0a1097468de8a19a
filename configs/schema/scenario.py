"""Schema of hardware-in-the-loop scenarios: faults on a timeline, and what must come of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.schema.base import Config, MisplacedError, Name, Reference
from configs.schema.quantity import Duration, NonNegative, Positive
from configs.schema.task import TaskConfig


class ReplyFaultConfig(Config):
    """Status packets that do not arrive as the motor sent them."""

    kind: Literal["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"]
    bus: Name | None = None
    """The bus it happens on; every bus when left out."""
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Chance for each reply, from the seed."""
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None
    """How long it lasts; to the end when left out."""


class DelayFaultConfig(Config):
    """Status packets that arrive late."""

    kind: Literal["delay_reply"]
    bus: Name | None = None
    probability: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    delay: Annotated[Duration, Positive]
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


class MotorFaultConfig(Config):
    """A motor that misbehaves."""

    kind: Literal["silent", "stuck_encoder", "overheat", "overload", "power_cycle"]
    joint: Name
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None
    """How long it lasts; to the end when left out. `power_cycle` and `overload` happen once, at the start."""


class UnplugFaultConfig(Config):
    """The adapter of a bus is pulled out, and plugged in again after `duration`."""

    kind: Literal["unplug"]
    bus: Name | None = None
    start: Annotated[Duration, NonNegative] = 0.0
    duration: Annotated[Duration, Positive] | None = None


FaultConfig = Annotated[
    ReplyFaultConfig | DelayFaultConfig | MotorFaultConfig | UnplugFaultConfig, Field(discriminator="kind")
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


class ScenarioConfig(Config):
    """One hardware-in-the-loop test."""

    name: Name
    description: str = ""
    task: Annotated[TaskConfig, Reference("tasks")]
    duration: Annotated[Duration, Positive]
    faults: Annotated[FaultsConfig, Reference("faults")] | None = None
    expect: ExpectConfig

    @model_validator(mode="after")
    def _check(self) -> Self:
        robot = self.task.robot
        for index, fault in enumerate(self.faults.faults if self.faults else ()):
            if isinstance(fault, MotorFaultConfig) and fault.joint not in robot.joints:
                raise MisplacedError(
                    ("faults", "faults", index, "joint"), f"no joint {fault.joint!r}; valid: {', '.join(robot.joints)}"
                )
            if not isinstance(fault, MotorFaultConfig) and fault.bus is not None and fault.bus not in robot.buses:
                raise MisplacedError(
                    ("faults", "faults", index, "bus"), f"no bus {fault.bus!r}; valid: {', '.join(robot.buses)}"
                )
        return self
