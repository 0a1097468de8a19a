"""Schema of the learning algorithms: every switch with its default and the reason for it."""

from typing import Annotated, Final, Literal, Protocol, Self

from pydantic import Field, model_validator

from sim2real.configs.plugins import Plugins
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.part import PartBlock, without_schema
from sim2real.configs.schema.quantity import NonNegative, Positive

Activation = Literal["tanh", "elu", "relu"]
Hidden = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(max_length=16)]


class AlgorithmConfig(Config):
    """What the configuration of every algorithm says: which one it is, and the size of its policy."""

    name: str
    hidden: Hidden
    """Widths of the policy's hidden layers."""
    activation: Activation


class AlgorithmPart(Protocol):
    """What an entry point of the group `sim2real.algorithms` gives, as far as a configuration is concerned.

    All of it is a `sim2real.training.algorithms.kind.AlgorithmKind`.
    """

    @property
    def config(self) -> type[AlgorithmConfig]:
        """Schema of the experiment's block `algorithm`."""


ALGORITHMS: Final[Plugins[AlgorithmPart]] = Plugins(
    "sim2real.algorithms", "algorithm", lambda part: without_schema(part, AlgorithmConfig)
)


class PpoConfig(AlgorithmConfig):
    """PPO with the clipped surrogate (Schulman et al. 2017) and generalised advantages (Schulman et al. 2016).

    Its value network sees the task's privileged values beside the observation.
    """

    name: Literal["ppo"]
    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 32
    """Steps of every environment between updates."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 5
    """Passes over each rollout."""
    minibatches: Annotated[int, Field(ge=1, le=1024)] = 4
    """Parts of each pass: few and large, which costs least on a CPU."""
    clip: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Range of the probability ratio; 0.2 is best in the paper's own ablation."""
    discount: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    gae_lambda: Annotated[float, Field(ge=0.0, le=1.0)] = 0.95
    learning_rate: Annotated[float, Positive] = 3e-4
    """Rate of Adam; the starting point when `target_kl` adapts it."""
    target_kl: Annotated[float, Positive] | None = 0.01
    """The learning rate follows the measured KL divergence towards this; none: constant rate."""
    entropy_weight: Annotated[float, NonNegative] = 0.0
    """Reward for exploring, per nat of the policy's entropy."""
    value_weight: Annotated[float, Positive] = 0.5
    gradient_norm_max: Annotated[float, Positive] = 1.0
    recompute_advantages: bool = True
    """Compute advantages anew before every epoch, by the value network as it is then (Andrychowicz et al. 2021)."""
    normalize_values: bool = True
    """Learn values in units of the returns' own spread (PopArt, van Hasselt et al. 2016): the size of the rewards
    stops mattering."""
    hidden: Hidden = (64, 64)
    """Widths of the hidden layers of policy and value network."""
    activation: Activation = "tanh"
    """tanh bodies: Andrychowicz et al. 2021."""
    initial_std: Annotated[float, Positive] = 0.6
    """Standard deviation of the first actions, in units of the action's clip."""
    std_range: tuple[Annotated[float, Positive], Annotated[float, Positive]] | None = None
    """Floor and ceiling of that deviation; none: it goes where the gradient takes it. A floor keeps exploration alive
    in long runs; a ceiling holds it where `entropy_weight` outbids the reward."""
    final_std: Annotated[float, Positive] | None = None
    """Ceiling of that deviation at the end of training: from the middle on it falls to this geometrically, beginning at
    `initial_std`; none: no such ceiling. What is learned last, precision and calm, is learned nearly without noise."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        lowest = 0.0 if self.std_range is None else self.std_range[0]
        if self.final_std is not None and not lowest <= self.final_std <= self.initial_std:
            raise MisplacedError(
                ("final_std",),
                f"{self.final_std} is out of reach; valid: {lowest} to {self.initial_std}, which is initial_std",
            )
        if self.std_range is not None:
            low, high = self.std_range
            if not low <= high:
                raise MisplacedError(("std_range",), "must be ordered, low before high")
            if not low <= self.initial_std <= high:
                raise MisplacedError(
                    ("initial_std",), f"{self.initial_std} is outside std_range; valid: {low} to {high}"
                )
        return self


class SacConfig(AlgorithmConfig):
    """Soft actor-critic with automatic temperature (Haarnoja et al. 2018).

    Its critics see the observation alone: the task's privileged values are not used.
    """

    name: Literal["sac"]
    batch: Annotated[int, Field(ge=1, le=65536)] = 256
    """Transitions per gradient update."""
    buffer: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    """Transitions that the replay holds."""
    warmup: Annotated[int, Field(ge=0)] = 4096
    """Steps taken with random actions before learning begins."""
    iteration_steps: Annotated[int, Field(ge=1, le=65536)] = 50
    """Steps of every environment between two lines of figures; changes nothing in what is learned."""
    updates_per_step: Annotated[float, Field(gt=0.0)] = 4.0
    """Gradient updates per step of all environments; divided by their number it is the update-to-data ratio."""
    discount: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    polyak: Annotated[float, Field(gt=0.0, le=1.0)] = 0.005
    """Share of the new weights that the target critics take at each update."""
    learning_rate: Annotated[float, Positive] = 3e-4
    initial_temperature: Annotated[float, Positive] = 0.2
    """Weight of the entropy at the start; it adapts to keep the target entropy."""
    target_entropy_scale: Annotated[float, Positive] = 1.0
    """Target entropy is minus this times the number of actions."""
    hidden: Hidden = (128, 128)
    """Widths of the hidden layers of actor and critics."""
    activation: Activation = "relu"


AlgorithmBlock = Annotated[AlgorithmConfig, PartBlock(ALGORITHMS, "name")]
"""The block of the algorithm that its `name` names: shipped, or from an installed package."""
