"""Schema of a transfer study: tasks to train, amounts of randomisation, and worlds for the evaluation."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.curriculum import AdrConfig, DoraemonConfig
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.parameter import Amount, ParameterConfig, ParameterName
from sim2real.configs.schema.quantity import Duration, Positive

Level = Annotated[float, Field(gt=0.0, le=4.0)]


class WorldChangeConfig(Config):
    """One parameter that a world fixes at a value which training never draws."""

    parameter: ParameterName
    """Name of the parameter."""
    value: Amount | None = None
    """The value, as in a randomization: a factor if the parameter is a factor."""
    times: Annotated[float, Positive] | None = None
    """Instead of `value`: a multiple of the highest value in the randomisation."""
    base: Literal["free", "fixed"] | None = None
    """Apply only to robots with this kind of base."""
    robots: tuple[Name, ...] | None = None
    """Apply only to robots with these names."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.value is None) == (self.times is None):
            raise MisplacedError(("value",), "give `value` or `times`, and not both")
        if self.value is not None:
            try:
                ParameterConfig(parameter=self.parameter, range=(self.value, self.value))
            except ValidationError as error:
                raise MisplacedError(("value",), error.errors()[0]["msg"].removeprefix("Value error, ")) from error
        return self


class WorldConfig(Config):
    """A world for the evaluation of policies: the training world with changes."""

    name: Name
    """Name of the world."""
    description: str
    """One line for the report."""
    held_out: bool = True
    """Whether it counts in the mean over held-out worlds; if not, it is only for comparison."""
    calibrated: bool = False
    """Whether all other parameters have their calibrated values instead of being drawn from the randomisation."""
    robots: tuple[Name, ...] | None = None
    """Use this world only for robots with these names."""
    changes: tuple[WorldChangeConfig, ...] = ()
    """Changed parameters. Changes that do not apply to a robot are skipped; a world without any is skipped for it."""
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] | None = None
    """Integrator of the physics; by default that of training."""
    timestep_share: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Physics timestep, as a share of the task's."""
    friction: Literal["coulomb", "lugre"] | None = None
    """Friction model; by default that of training."""
    emulator: bool = False
    """Evaluate on the emulated robot in lockstep (runtime, driver, bytes, firmware, mechanics) instead of the batch
    environment."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        changed = self.changes or self.integrator or self.timestep_share or self.friction or self.calibrated
        if self.emulator and changed:
            raise MisplacedError(("emulator",), "the emulated robot is as in its YAML, without changes")
        return self


class TransferTaskConfig(Config):
    """One task of a study."""

    experiment: Annotated[ExperimentConfig, Reference("experiments")]
    """Experiment that trains the task; the study sets its curriculum and seed."""
    training_duration: Annotated[Duration, Positive]
    """Training time of every run, with any curriculum."""
    episode_duration: Annotated[Duration, Positive] | None = None
    """Duration of training episodes; by default the experiment's. Short episodes give a curriculum more results."""
    adr: AdrConfig
    """Curriculum of the ADR runs."""
    doraemon: DoraemonConfig
    """Curriculum of the DORAEMON runs."""


class TransferConfig(Config):
    """A study in simulation of which amount of randomisation transfers best."""

    name: Name
    """Name of the study; usually the name of its file."""
    description: str = ""
    """One line for lists and documentation."""
    fixed_levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """Levels of the curriculum `fixed`; 1 is the range of the randomisation."""
    tasks: Annotated[tuple[TransferTaskConfig, ...], Field(min_length=1)]
    """Tasks to train."""
    worlds: Annotated[tuple[WorldConfig, ...], Field(min_length=1)]
    """Worlds to evaluate in; at least one must be held out."""
    steps: Annotated[int, Field(ge=1)] | None = None
    """Largest number of control steps of every run, in addition to its duration. Runs that end by it are reproducible
    bit for bit."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, names in (
            ("tasks", [entry.experiment.task.name for entry in self.tasks]),
            ("worlds", [world.name for world in self.worlds]),
            ("fixed_levels", [f"{level:g}" for level in self.fixed_levels]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise MisplacedError((key, index), f"{name!r} is given twice")
        if not any(world.held_out for world in self.worlds):
            raise MisplacedError(("worlds",), "at least one must be held out")
        return self
