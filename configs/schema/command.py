"""Schema of commands: what an operator asks of a policy, and where that comes from in simulation."""

from typing import Annotated, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, WithJsonSchema, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive, Speed

TIP_COMMANDS: Final = ("tip_x", "tip_y", "tip_z")
"""Commands that say where the tip should be, m, in the frame of the robot's base."""

VELOCITY_COMMANDS: Final = ("forward", "left", "turn")
"""Commands of a walking robot: m/s, m/s, rad/s."""


class CommandConfig(Config):
    """One number that an operator gives the policy, such as a velocity to walk at."""

    range: tuple[float, float]
    """Lowest and highest value, in an SI unit; every episode in simulation draws one from it."""
    default: float = 0.0
    """Value as long as nobody gives another."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.range
        if not low <= high:
            raise MisplacedError(("range",), "must be ordered, low before high")
        if not low <= self.default <= high:
            raise MisplacedError(("default",), f"{self.default} is outside range; valid: {low} to {high}")
        return self


class UniformCommandsConfig(Config):
    """Commands drawn uniformly from their ranges."""

    kind: Literal["uniform"] = "uniform"
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """How long before new ones are drawn; the whole episode when left out."""
    zero_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of the draws in which all are zero."""


class TipCommandsConfig(Config):
    """Commands `tip_x`, `tip_y`, `tip_z`: places that the robot's tip can reach, within the ranges of the commands."""

    kind: Literal["tip"]
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """How long before the next place; the whole episode when left out."""
    speed: tuple[Annotated[Speed, NonNegative], Annotated[Speed, NonNegative]] | None = None
    """The target moves towards the next place at a speed drawn from this range; it jumps when left out."""


class DeclaredCommandsConfig(Config):
    """Commands from a source that a module of the task declares."""

    kind: Annotated[Name, WithJsonSchema({"type": "string", "pattern": r"^(?!(uniform|tip)$)[A-Za-z][A-Za-z0-9_]*$"})]
    """Its name."""
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """How long before new ones are drawn; the whole episode when left out."""
    parameters: dict[Name, float] = Field(default_factory=dict)
    """Numbers that the source takes, SI; its own defaults for those that are left out."""


def _member(given: object) -> str:
    """Return which schema a command source is validated against."""
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)
    return kind if kind in ("uniform", "tip") else "declared"


CommandSourceConfig = Annotated[
    Annotated[UniformCommandsConfig, Tag("uniform")]
    | Annotated[TipCommandsConfig, Tag("tip")]
    | Annotated[DeclaredCommandsConfig, Tag("declared")],
    Discriminator(_member),
]
