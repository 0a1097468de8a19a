"""Schema of a transfer study: what is trained, with how much randomisation, and in which worlds it is judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.curriculum import AdrConfig, DoraemonConfig
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.parameter import Amount, ParameterConfig, ParameterName
from sim2real.configs.schema.quantity import Duration, Positive

Level = Annotated[float, Field(gt=0.0, le=4.0)]


class WorldChangeConfig(Config):
    """One parameter that a world holds at a value which training never draws."""

    parameter: ParameterName
    value: Amount | None = None
    """The value, as a randomization would write it: a factor where the parameter is one."""
    times: Annotated[float, Positive] | None = None
    """Instead of `value`: so many times the highest value that the randomisation draws."""
    base: Literal["free", "fixed"] | None = None
    """Only for robots whose base is so."""
    robots: tuple[Name, ...] | None = None
    """Only for robots of these names."""

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
    """A world to evaluate a policy in: the training world with these changes."""

    name: Name
    description: str
    held_out: bool = True
    """Whether it counts in the mean over held-out worlds; if not, it is there to compare with."""
    calibrated: bool = False
    """Everything else has its calibrated value, instead of being drawn from the range of the randomisation."""
    robots: tuple[Name, ...] | None = None
    """Only for robots of these names."""
    changes: tuple[WorldChangeConfig, ...] = ()
    """Those that a robot cannot have are left out; a world of which nothing is left is left out for this robot."""
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] | None = None
    timestep_share: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Physics step, as a share of the task's."""
    friction: Literal["coulomb", "lugre"] | None = None
    emulator: bool = False
    """The emulated robot in lockstep instead of the batch environment: runtime, driver, bytes, firmware, mechanics."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        changed = self.changes or self.integrator or self.timestep_share or self.friction or self.calibrated
        if self.emulator and changed:
            raise MisplacedError(("emulator",), "the emulated robot is as its YAML has it; it takes no changes")
        return self


class TransferTaskConfig(Config):
    """One task of a study."""

    experiment: Annotated[ExperimentConfig, Reference("experiments")]
    """How it is trained; its curriculum and seed are the study's."""
    training_duration: Annotated[Duration, Positive]
    """Of every run, whatever its curriculum."""
    episode_duration: Annotated[Duration, Positive] | None = None
    """Length of training episodes; the experiment's when left out. Short ones give a curriculum more results."""
    adr: AdrConfig
    doraemon: DoraemonConfig


class TransferConfig(Config):
    """Which amount of randomisation transfers best, found out in simulation."""

    name: Name
    description: str = ""
    fixed_levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """Of the curriculum `fixed`; 1 is the range of the randomisation."""
    tasks: Annotated[tuple[TransferTaskConfig, ...], Field(min_length=1)]
    worlds: Annotated[tuple[WorldConfig, ...], Field(min_length=1)]
    steps: Annotated[int, Field(ge=1)] | None = None
    """Control steps that bound every run beside its duration; runs that end by them repeat bit for bit."""

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
