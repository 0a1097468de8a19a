"""Schema of hardware-in-the-loop scenarios: initial state, timeline of commands, events and faults, expected result."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.condition import parse_condition
from sim2real.configs.schema.event import EventConfig
from sim2real.configs.schema.expectation import QUANTIFIERS, ExpectConfig
from sim2real.configs.schema.fault import FaultConfig, unknown_part
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive
from sim2real.configs.schema.run_signal import signals_of
from sim2real.configs.schema.start_state import StartStateConfig
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
    """Duration of the run, from when the policy first runs."""
    policy: str | None = None
    """Policy to test: a shipped one, or an ONNX file; a relative path starts from this file's folder. By default the
    one on the command line, or the shipped policy with the task's name."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the initial state, and of the faults together with their own."""
    start: StartStateConfig = StartStateConfig()
    """Initial state of the emulated robot; by default its default pose."""
    commands: tuple[OperatorCommandsConfig, ...] = ()
    """Operator commands, in order of time."""
    events: tuple[EventConfig, ...] = ()
    """What the operator does, and what happens around the robot and its computer, in order of time."""
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
            latest = self.duration + self.task.robot.ready.timeout
            if fault.since == "torque" and not fault.start < latest:
                raise MisplacedError(
                    ("faults", "faults", index, "start"),
                    f"{fault.start:g} s is past the end of every run, {latest:g} s with the way to the start pose",
                )
        self._check_start()
        self._check_commands()
        self._check_events()
        self._check_conditions()
        return self

    def _check_start(self) -> None:
        joints = self.task.robot.joints
        for name, angle in self.start.joints.items():
            at = ("start", "joints", name)
            if name not in joints:
                raise MisplacedError(at, f"no joint {name!r}; valid: {', '.join(joints)}")
            low, high = joints[name].position_limits
            if not low <= angle <= high:
                raise MisplacedError(at, f"{angle:g} rad is outside the joint's limits; valid: {low:g} to {high:g} rad")

    def _check_events(self) -> None:
        before = 0.0
        for index, event in enumerate(self.events):
            if not before <= event.at <= self.duration:
                raise MisplacedError(
                    ("events", index, "at"),
                    f"{event.at:g} s is out of order, or past the end; valid: {before:g} to {self.duration:g} s",
                )
            before = event.at

    def _check_conditions(self) -> None:
        signals = signals_of(self.task)
        for index, check in enumerate(self.expect.checks):
            for key in (*QUANTIFIERS, "until"):
                text = getattr(check, key)
                if text is None:
                    continue
                try:
                    parse_condition(text, signals)
                except ValueError as error:
                    raise MisplacedError(("expect", "checks", index, key), str(error)) from error
            if (past := check.past_the_end(self.duration)) is not None:
                raise MisplacedError(("expect", "checks", index, past[0]), past[1])

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
