"""Schema of what is known about a policy from another project; all lists are in the policy's own order of joints."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.command import CommandConfig
from sim2real.configs.schema.quantity import Positive, Rate

Numbers = float | tuple[float, ...]
"""One for all, or one for each."""


class ForeignTermConfig(Config):
    """One block of the policy's observation."""

    term: str
    """Name, in the other project's words or in ours."""
    scale: Numbers = 1.0
    """What a value in SI units is multiplied by."""
    clip: Annotated[float, Positive] | None = None
    """Largest magnitude before the scale."""
    history: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of ticks."""


class ForeignActionConfig(Config):
    """What an action means: target = offset + scale * action."""

    scale: Numbers
    """rad for an action of 1; of one joint, or of each."""
    offset: tuple[float, ...] | None = None
    """Target for an action of 0, rad; by default the default pose."""
    clip: Annotated[float, Positive] | None = None
    """Largest magnitude of an action, which the policy also sees as its last action; by default none."""


class ForeignConfig(Config):
    """Everything about a policy that its file does not say; what another source says may be left out."""

    task: Name | None = None
    """Name of the policy's task, for scenarios."""
    robot: str | None = None
    """The robot: a shipped name, or a YAML file."""
    rate: Annotated[Rate, Positive] | None = None
    """Control rate."""
    joints: tuple[str, ...] | None = None
    """Joint names in the policy's order."""
    names: dict[str, Name] = Field(default_factory=dict)
    """Names of the robot's joints, by the policy's names; those that are the same may be left out."""
    reversed: tuple[str, ...] = ()
    """Joints that turn the other way round in the policy's world, by the policy's names."""
    default_pose: tuple[float, ...] | None = None
    """Joint positions that observations and actions are relative to, rad; plain numbers, as projects print them."""
    stiffness: Numbers | None = None
    """Gain of the position controller in training, N*m/rad."""
    damping: Numbers | None = None
    """Gain of the position controller in training, N*m*s/rad."""
    action: ForeignActionConfig | None = None
    """What an action means."""
    observation: tuple[ForeignTermConfig, ...] | None = None
    """Blocks of the observation, in order."""
    history_order: Literal["term", "time"] = "term"
    """Which is outermost where there are histories: each term with all its ticks, or each tick with all its terms."""
    commands: dict[Name, CommandConfig] | None = None
    """Operator commands, in the order in which the policy sees them."""
    phase_frequency: Annotated[Rate, Positive] | None = None
    """Of the clock that a term `phase` shows."""
