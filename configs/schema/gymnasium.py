"""Schema of a training run in an environment of Gymnasium's interface, which is for no robot."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.base import Config, Name, Pattern
from sim2real.configs.schema.quantity import Positive
from sim2real.configs.schema.training import TrainingConfig


class InfoCostConfig(Config):
    """A cost: an entry of the environment's `info` that is not paid for, and may cost so much in the mean."""

    budget: Annotated[float, Positive]
    """Highest mean over control steps, in its unit."""
    above: float | None = None
    """The cost of a step is 1 where the entry is above this, else 0, as safety benchmarks count; null: the entry."""


class EnvironmentConfig(Config):
    """Which environment, and how many of it step together."""

    id: (
        Annotated[str, Pattern(r"^\S+$", "an id of Gymnasium's registry, without spaces"), Field(max_length=256)] | None
    ) = None
    """Its id in Gymnasium's registry, such as `HalfCheetah-v5`; `package.module:ID-v0` imports the module first, which
    may register it. null: the environment is given from Python, and so is it again to resume or evaluate the run."""
    arguments: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Arguments of its constructor, by name."""
    vectorization: Literal["auto", "batch", "sync", "async"] = "auto"
    """`batch` steps Gymnasium's MuJoCo tasks on native threads, with the same numbers; `sync` steps environments one
    after another in this process, `async` each in a process of its own. `auto` takes `batch` where there is one, else
    `async` where a step takes a millisecond or longer and there is more than one core, else `sync`."""
    autoreset: Literal["next_step", "same_step", "disabled"] | None = None
    """How a vector environment given from Python begins ended episodes again; null: it says so itself."""
    reward_scale: Annotated[float, Positive] = 1.0
    """Factor of the rewards that the learner sees; returns are reported as paid."""
    costs: dict[Name, InfoCostConfig] = Field(default_factory=dict)
    """Costs with budgets, by the entry of `info` that has them at every step, such as `x_velocity`."""
    episode_steps_max: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Bound of an episode in an evaluation, for environments without a time limit: an evaluation whose episodes last
    longer fails."""


class GymnasiumConfig(TrainingConfig):
    """One training run in any environment of Gymnasium's interface, with `Box` observations and actions."""

    environment: EnvironmentConfig = EnvironmentConfig()
    """The environment to learn."""
