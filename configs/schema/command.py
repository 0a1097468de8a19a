"""Schema of operator commands to a policy, and of their source in simulation."""

from typing import Annotated, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, WithJsonSchema, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive, Speed

TIP_COMMANDS: Final = ("tip_x", "tip_y", "tip_z")
"""Commands for the position of the tip, m, in the frame of the robot's base."""

VELOCITY_COMMANDS: Final = ("forward", "left", "turn")
"""Commands of a walking robot: m/s, m/s, rad/s."""


class CommandConfig(Config):
    """One operator command to the policy, for example a walking velocity."""

    range: tuple[float, float]
    """Lowest and highest value, in SI units; in simulation, values are drawn from this range."""
    default: float = 0.0
    """Value until the operator gives another one, in SI units."""
    mirror: Literal["same", "negated"] | None = None
    """What becomes of it when left and right are exchanged, for learners that use the symmetry of a robot; known of
    forward, left, turn and of the tip's positions."""

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
    """Kind of source."""
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """Range of the time until new commands are drawn; by default they hold for the whole episode."""
    zero_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of draws in which all commands are zero."""


class TipCommandsConfig(Config):
    """Commands `tip_x`, `tip_y`, `tip_z`: positions that the tip can reach, within the ranges of the commands."""

    kind: Literal["tip"]
    """Kind of source."""
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """Range of the time until the next position is drawn; by default one holds for the whole episode."""
    speed: tuple[Annotated[Speed, NonNegative], Annotated[Speed, NonNegative]] | None = None
    """Range of the speed at which the target moves to the next position; by default it jumps."""


class DeclaredCommandsConfig(Config):
    """Commands from a source that a module of the task declares."""

    kind: Annotated[Name, WithJsonSchema({"type": "string", "pattern": r"^(?!(uniform|tip)$)[A-Za-z][A-Za-z0-9_]*$"})]
    """Name of the declared source."""
    hold: tuple[Annotated[Duration, Positive], Annotated[Duration, Positive]] | None = None
    """Range of the time until new commands are drawn; by default they hold for the whole episode."""
    parameters: dict[Name, float] = Field(default_factory=dict)
    """Parameters of the source, in SI units; default: its own."""


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
