"""Schema of the learning algorithms."""

from typing import Annotated, Final, Literal, Protocol, Self

from pydantic import Field, model_validator

from sim2real.configs.plugins import Plugins
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.part import PartBlock, without_schema
from sim2real.configs.schema.quantity import NonNegative, Positive

Activation = Literal["tanh", "elu", "relu"]
Hidden = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(max_length=16)]


class AlgorithmConfig(Config):
    """What the configuration of every algorithm says: which one it is, and the size of its policy."""

    name: str
    """Name of the algorithm: shipped, or from an installed package."""
    hidden: Hidden
    """Widths of the policy's hidden layers."""
    activation: Activation
    """Activation function of the hidden layers."""
    memory: MemoryConfig | None = None
    """Recurrent memory of policy and critic; null: none, the action depends on the observation alone."""
    normalizer_half_life: Annotated[float, Field(ge=1.0)] | None = None
    """Control steps of all environments after which what was seen counts half in the running moments of observations,
    privileged values and returns; null: all counts alike. Moments that never forget lag behind a curriculum."""


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


class OnPolicyConfig(AlgorithmConfig):
    """What the configuration of every learner from rollouts says: their length, discount, and the spread of actions.

    A value network sees the task's privileged values beside the observation. For discrete actions the policy is
    categorical, and the standard deviations mean nothing.
    """

    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 32
    """Control steps of every environment between updates."""
    discount: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    """Discount of the reward per control step, γ."""
    gae_lambda: Annotated[float, Field(ge=0.0, le=1.0)] = 0.95
    """Decay of the advantage estimate per control step, λ: smaller values trust the value network more."""
    normalize_values: bool = True
    """Normalise value targets by the running mean and deviation of the returns (PopArt, van Hasselt et al. 2016), so
    that the scale of the rewards does not matter."""
    hidden: Hidden = (64, 64)
    """Widths of the hidden layers of policy and value network."""
    activation: Activation = "tanh"
    """Activation function of the hidden layers; tanh as in Andrychowicz et al. 2021."""
    initial_std: Annotated[float, Positive] = 0.6
    """Standard deviation of the first actions, in units of the action's clip."""
    std_range: tuple[Annotated[float, Positive], Annotated[float, Positive]] | None = None
    """Lowest and highest standard deviation, in the same units; null: unbounded. The lower bound keeps exploration up
    in long runs; the upper one limits it where `entropy_weight` outweighs the reward."""
    final_std: Annotated[float, Positive] | None = None
    """Upper bound of the standard deviation at the end of training, in the same units; null: none. From half of the
    training on, the bound decays geometrically from `initial_std`. Precise and calm motion needs little noise."""

    @model_validator(mode="after")
    def _check_std(self) -> Self:
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


class LagrangeConfig(Config):
    """How the multipliers of a task's costs are learned (Stooke et al. 2020).

    The error of a cost is the share by which its mean over a rollout, off-policy over an iteration, exceeds its budget.
    Reward and costs are brought to one size, so that the gains do not depend on their units.
    """

    integral_gain: Annotated[float, NonNegative] = 0.05
    """Change of a multiplier per rollout and error: gradient ascent on the Lagrangian. Alone it oscillates."""
    proportional_gain: Annotated[float, NonNegative] = 0.5
    """Multiplier per error of the last rollout: damps that oscillation."""
    derivative_gain: Annotated[float, NonNegative] = 0.0
    """Multiplier per rise of the error since the rollout before: acts before the budget is passed."""
    initial: Annotated[float, NonNegative] = 0.0
    """Integral part of the multiplier at the start."""
    multiplier_max: Annotated[float, Positive] = 100.0
    """Highest multiplier: bounds the integral of a budget that cannot be met."""


class AnchorConfig(Config):
    """Hold on the policy that a run begins from: kickstarting (Schmitt et al. 2018)."""

    weight: Annotated[float, Positive] = 0.3
    """Weight of the divergence from that policy beside the policy loss, per nat, at the start of training."""
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of the training over which it falls to 0, linearly."""


class ProximalConfig(OnPolicyConfig):
    """What both forms of PPO share: several epochs of minibatches over each rollout."""

    epochs: Annotated[int, Field(ge=1, le=100)] = 5
    """Passes over each rollout."""
    minibatches: Annotated[int, Field(ge=1, le=1024)] = 4
    """Minibatches per epoch: few and large ones cost least on a CPU."""
    learning_rate: Annotated[float, Positive] = 3e-4
    """Learning rate of Adam; the initial one if `target_kl` adapts it."""
    target_kl: Annotated[float, Positive] | None = 0.01
    """KL divergence per update that the learning rate is adapted to, nat; null: constant learning rate."""
    learning_rate_range: tuple[Annotated[float, Positive], Annotated[float, Positive]] = (1e-5, 1e-2)
    """Lowest and highest learning rate that `target_kl` may lead to; the highest falls linearly to the lowest at the
    end of training."""
    entropy_weight: Annotated[float, NonNegative] = 0.0
    """Weight of the entropy bonus, per nat of the policy's entropy."""
    value_weight: Annotated[float, Positive] = 0.5
    """Weight of the value loss beside the policy loss."""
    value_first: Annotated[int, Field(ge=0)] = 0
    """Iterations at the start in which the value network learns and the policy stays. For a run that begins from a
    policy without values, as a clone's: the advantages of a value network that knows nothing spoil a good policy."""
    anchor: AnchorConfig | None = None
    """Hold on the policy that the run begins from with `--init-from`, such as a clone; null: none. Without memory."""
    gradient_norm_max: Annotated[float, Positive] = 1.0
    """Largest norm of a gradient; larger ones are scaled down."""
    recompute_advantages: bool = True
    """Recompute advantages before every epoch with the current value network (Andrychowicz et al. 2021)."""
    symmetry: Literal["none", "data", "loss"] = "none"
    """Use of a robot's mirror (`mirror` in its YAML): `data` also learns from the image of every step; `loss` penalises
    actions that are not the image of those in the mirrored state (Yu et al. 2018). Both normalise observations alike on
    both sides. With memory, the image of an episode is remembered by itself."""
    symmetry_weight: Annotated[float, Positive] = 1.0
    """Weight of that penalty beside the policy loss, per squared action."""
    lagrange: LagrangeConfig | None = LagrangeConfig()
    """Multipliers of the task's costs, where it has any; null: costs are measured, and not kept to their budgets."""

    @model_validator(mode="after")
    def _check_rate(self) -> Self:
        slow, fast = self.learning_rate_range
        if not slow <= fast:
            raise MisplacedError(("learning_rate_range",), "must be ordered, low before high")
        return self

    @model_validator(mode="after")
    def _check_anchor(self) -> Self:
        if self.anchor is not None and self.memory is not None:
            raise MisplacedError(("anchor",), "not with memory; valid: null")
        return self


class PpoConfig(ProximalConfig):
    """PPO with the clipped surrogate (Schulman et al. 2017) and generalised advantages (Schulman et al. 2016).

    Its value network sees the task's privileged values beside the observation.
    """

    name: Literal["ppo"]
    """Name of the algorithm."""
    clip: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """Range of the probability ratio; 0.2 is best in the paper's own ablation."""


AlgorithmBlock = Annotated[AlgorithmConfig, PartBlock(ALGORITHMS, "name")]
"""The block of the algorithm that its `name` names: shipped, or from an installed package."""
