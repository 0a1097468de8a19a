"""Schema of the policy gradients beside PPO: each learns from a rollout and drops it."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.algorithm import OnPolicyConfig, ProximalConfig
from sim2real.configs.schema.quantity import NonNegative, Positive


class FittedValueConfig(OnPolicyConfig):
    """What learners say whose value network is fitted to every rollout apart from the policy."""

    value_epochs: Annotated[int, Field(ge=1, le=100)] = 5
    """Passes of the value network over each rollout."""
    value_minibatches: Annotated[int, Field(ge=1, le=1024)] = 4
    """Minibatches per pass."""
    value_learning_rate: Annotated[float, Positive] = 1e-3
    """Learning rate of the value network's Adam."""


class ReinforceConfig(FittedValueConfig):
    """REINFORCE (Williams 1992): one whole episode of every environment, one step along its policy gradient."""

    name: Literal["reinforce"]
    """Name of the algorithm."""
    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 1000
    """Longest episode, control steps: what comes later is cut, as by a time limit."""
    credit: Literal["whole_return", "reward_to_go"] = "reward_to_go"
    """What an action is credited with: the return of its whole episode, or what was paid from it on. An action cannot
    change what was paid before it, so the latter has the same mean and less variance."""
    baseline: Literal["none", "mean", "value"] = "value"
    """What is subtracted from it: nothing, the mean over the rollout, or V(s). Only `value` knows what lies beyond a
    time limit; without it a return is what was paid until then."""
    learning_rate: Annotated[float, Positive] = 3e-3
    """Learning rate of the policy's Adam."""
    entropy_weight: Annotated[float, NonNegative] = 0.0
    """Weight of the entropy bonus, per nat of the policy's entropy."""


class A2cConfig(OnPolicyConfig):
    """Advantage actor-critic (Mnih et al. 2016), in step: one gradient step on each short rollout."""

    name: Literal["a2c"]
    """Name of the algorithm."""
    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 8
    """Control steps of every environment between updates: short, as each rollout is used for a single step."""
    target: Literal["monte_carlo", "td0", "n_step", "gae"] = "gae"
    """How advantages are estimated: with all rewards to the end of episode or rollout, with one, with `n_steps` of
    them, or with the average of these that `gae_lambda` weights. More rewards, less bias and more variance."""
    n_steps: Annotated[int, Field(ge=1, le=4096)] = 5
    """Rewards before the value of the state that follows, for `n_step`."""
    learning_rate: Annotated[float, Positive] = 7e-4
    """Learning rate of Adam."""
    entropy_weight: Annotated[float, NonNegative] = 0.0
    """Weight of the entropy bonus, per nat of the policy's entropy."""
    value_weight: Annotated[float, Positive] = 0.5
    """Weight of the value loss beside the policy loss."""
    gradient_norm_max: Annotated[float, Positive] = 0.5
    """Largest norm of a gradient; larger ones are scaled down."""


class ImportancePgConfig(FittedValueConfig):
    """Off-policy policy gradient: several steps on the episodes of one policy, with importance weights."""

    name: Literal["importance_pg"]
    """Name of the algorithm."""
    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 1000
    """Longest episode, control steps: what comes later is cut, as by a time limit."""
    weighting: Literal["per_step", "per_trajectory"] = "per_step"
    """Weights of the ratios up to each action, credited with what was paid from it on, or of the whole trajectory,
    credited with its return. The variance of a product grows with its length."""
    weight_max: Annotated[float, Field(ge=1.0)] = 2.0
    """Largest weight; larger ones are cut to it, which bounds the variance for some bias."""
    updates: Annotated[int, Field(ge=1, le=1000)] = 10
    """Most gradient steps on each rollout."""
    sample_share_min: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Least effective sample size, as a share of the trajectories, with which another step is taken."""
    learning_rate: Annotated[float, Positive] = 1e-3
    """Learning rate of the policy's Adam."""


class NaturalConfig(FittedValueConfig):
    """What both natural gradients share."""

    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 64
    """Control steps of every environment between updates: one large step is taken on each rollout."""
    max_kl: Annotated[float, Positive] = 0.02
    """KL divergence of a step, δ, nat."""
    cg_iterations: Annotated[int, Field(ge=1, le=1000)] = 10
    """Most iterations of conjugate gradients, each one Fisher-vector product."""
    damping: Annotated[float, NonNegative] = 0.1
    """Added to the diagonal of the Fisher matrix, which has directions in which nothing is known."""
    fisher_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """Share of the steps on which Fisher-vector products are computed: the curvature needs fewer than the gradient
    (Schulman et al. 2015, appendix C)."""
    value_learning_rate: Annotated[float, Positive] = 1e-3
    """Learning rate of the value network's Adam."""
    gae_lambda: Annotated[float, Field(ge=0.0, le=1.0)] = 0.97
    """Decay of the advantage estimate per control step, λ."""


class NpgConfig(NaturalConfig):
    """Natural policy gradient by conjugate gradients (Kakade 2001; truncated: Duan et al. 2016)."""

    name: Literal["npg"]
    """Name of the algorithm."""


class TrpoConfig(NaturalConfig):
    """Trust region policy optimisation (Schulman et al. 2015)."""

    name: Literal["trpo"]
    """Name of the algorithm."""
    backtracks: Annotated[int, Field(ge=1, le=100)] = 10
    """Most steps tried by the line search."""
    backtrack_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.7
    """Size of each step tried, relative to the one before."""


class PpoPenaltyConfig(ProximalConfig):
    """PPO with a penalty on the KL divergence, fixed or adaptive (Schulman et al. 2017, section 4)."""

    name: Literal["ppo_penalty"]
    """Name of the algorithm."""
    target_kl: Annotated[float, Positive] | None = None
    """KL divergence that the learning rate is adapted to, nat; null: constant, as the penalty holds the divergence."""
    kl_weight: Annotated[float, Positive] = 1.0
    """Weight of the divergence, β; the initial one if it is adaptive."""
    adaptive: bool = True
    """Whether β is halved after an update with a divergence below `kl_target`/1.5, and doubled above 1.5·`kl_target`.
    The fixed penalty is the weaker one in the paper's ablation."""
    kl_target: Annotated[float, Positive] = 0.01
    """Divergence of an update that an adaptive β leads to, nat."""
