"""Schema of hardware-in-the-loop scenarios: faults on a timeline, and the expected result."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.fault import FaultConfig, unknown_part
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive
from sim2real.configs.schema.task import TaskConfig


class FaultsConfig(Config):
    """Faults of an emulated robot; times count from when torque is first switched on, or from power-up."""

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
