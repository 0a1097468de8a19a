"""Schema of the off-policy algorithms: those that learn from a replay buffer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.algorithm import Activation, AlgorithmConfig, Hidden, LagrangeConfig
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.quantity import NonNegative, Positive


class OffPolicyConfig(AlgorithmConfig):
    """What every off-policy algorithm says: its replay buffer, its updates, and its target networks."""

    batch: Annotated[int, Field(ge=2, le=65536)] = 256
    """Transitions per gradient update."""
    buffer: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    """Capacity of the replay buffer, transitions."""
    warmup: Annotated[int, Field(ge=0)] = 4096
    """Control steps of all environments with random actions before learning begins."""
    iteration_steps: Annotated[int, Field(ge=1, le=65536)] = 50
    """Control steps of every environment per iteration, which is a row of metrics; does not affect what is learned."""
    updates_per_step: Annotated[float, Field(gt=0.0)] = 4.0
    """Gradient updates after each control step of all environments; a fraction is carried over to the next step.
    Divided by the number of environments, this is the update-to-data ratio: updates per transition."""
    n_step: Annotated[int, Field(ge=1, le=64)] = 1
    """Rewards that a target sums up before it trusts the critic. More carry a reward back faster; they are of older
    policies' actions, and nothing corrects that."""
    discount: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    """Discount of the reward per control step, γ."""
    polyak: Annotated[float, Field(gt=0.0, le=1.0)] = 0.005
    """Share of the weights that the target networks take over in each of their updates."""
    learning_rate: Annotated[float, Positive] = 3e-4
    """Learning rate of Adam for all networks."""
    lagrange: LagrangeConfig | None = LagrangeConfig()
    """Multipliers of a task's costs, which keep them to their budgets; null: costs are only measured."""
    hidden: Hidden = (128, 128)
    """Widths of the hidden layers of actor and critics."""
    activation: Activation = "relu"
    """Activation function of the hidden layers."""


class ContinuousConfig(OffPolicyConfig):
    """What the off-policy algorithms with continuous actions share."""

    symmetry: Literal["none", "data"] = "none"
    """Use of a robot's mirror (`mirror` in its YAML): with `data`, half of every batch is replaced by its mirror image,
    and observations are normalised alike on both sides."""


class NormalizedCriticConfig(Config):
    """Critics of SAC with batch renormalisation and without target networks: CrossQ (Bhatt et al. 2024).

    The defaults are the paper's, but for the width: its critics have two layers of 2048, and its learning rate is 1e-3.
    """

    hidden: Hidden | None = None
    """Widths of the critics' hidden layers; null: those of the actor. Wider ones learn from fewer steps and cost more
    computation for each."""
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99
    """Share of the running moments that stays at each update."""
    renormalize_after: Annotated[int, Field(ge=0)] = 100_000
    """Updates of the critics after which batches are renormalised by the running moments; until then by their own
    moments alone."""
    scale_max: Annotated[float, Field(ge=1.0)] = 3.0
    """Bound of the renormalisation's scale r, and of its inverse."""
    shift_max: Annotated[float, NonNegative] = 5.0
    """Bound of the renormalisation's shift d, in standard deviations."""
    policy_delay: Annotated[int, Field(ge=1, le=1000)] = 3
    """Updates of the critics for each one of actor and temperature."""
    adam_beta1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    """Decay of Adam's first moment, for all networks."""


class SacConfig(ContinuousConfig):
    """Soft actor-critic with automatic temperature (Haarnoja et al. 2018).

    Its critics see the task's privileged values beside the observation.
    """

    name: Literal["sac"]
    """Name of the algorithm."""
    initial_temperature: Annotated[float, Positive] = 0.2
    """Initial weight of the entropy, α."""
    learn_temperature: bool = True
    """Adapt α to reach the target entropy; false: α stays as it begins."""
    target_entropy_scale: Annotated[float, Positive] = 1.0
    """Target entropy, nat, is minus this times the number of actions."""
    value_network: bool = False
    """Learn the value of states with a network of its own, whose slow copy values successors, as in the first paper;
    false: slow critics do, as in the second."""
    normalized_critic: NormalizedCriticConfig | None = None
    """Critics with batch renormalisation, which need no target networks; null: plain critics with slow copies, whose
    share is `polyak`."""
    sequence_length: Annotated[int, Field(ge=1, le=1024)] = 16
    """With memory: control steps of a sequence that are learned from; a batch has `batch` of them in all."""
    burn_in: Annotated[int, Field(ge=0, le=1024)] = 8
    """With memory: control steps before them that only bring up to date what was remembered back then."""


class DdpgConfig(ContinuousConfig):
    """Deep deterministic policy gradient (Lillicrap et al. 2016).

    Its critic sees the task's privileged values beside the observation.
    """

    name: Literal["ddpg"]
    """Name of the algorithm."""
    exploration_std: Annotated[float, NonNegative] = 0.1
    """Standard deviation of the noise on explored actions, in units of the action's clip."""
    noise_correlation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of that noise that stays from one control step to the next; 0 is white noise, 0.85 the paper's."""


class Td3Config(ContinuousConfig):
    """Twin delayed DDPG (Fujimoto et al. 2018).

    Its critics see the task's privileged values beside the observation.
    """

    name: Literal["td3"]
    """Name of the algorithm."""
    exploration_std: Annotated[float, NonNegative] = 0.1
    """Standard deviation of the noise on explored actions, in units of the action's clip."""
    target_noise_std: Annotated[float, NonNegative] = 0.2
    """Standard deviation of the noise on the actions of targets; 0: no smoothing."""
    target_noise_clip: Annotated[float, Positive] = 0.5
    """Bound of that noise."""
    policy_delay: Annotated[int, Field(ge=1, le=1000)] = 2
    """Updates of the critics for each one of actor and target networks."""


class DqnConfig(OffPolicyConfig):
    """Deep Q-network (Mnih et al. 2015) for discrete actions, with double, dueling and prioritised variants."""

    name: Literal["dqn"]
    """Name of the algorithm."""
    double: bool = True
    """Let the online network pick the action that the target network values (van Hasselt et al. 2016): less
    overestimation."""
    dueling: bool = False
    """Split values into that of the state and the advantages of actions (Wang et al. 2016)."""
    prioritized: bool = False
    """Draw transitions with large errors more often (Schaul et al. 2016)."""
    priority_exponent: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    """How much more often, α; 0 is uniform."""
    importance_exponent: Annotated[float, Field(ge=0.0, le=1.0)] = 0.4
    """How much of that is corrected in the loss at first, β; all of it at the end of training."""
    error_clip: Annotated[float, Positive] | None = 1.0
    """Error of a value beyond which the loss is linear (Huber's), in units of the reward; null: squared throughout."""
    target_every: Annotated[int, Field(ge=1)] = 1
    """Updates between those of the target network; with `polyak` 1 it is a copy each time, as in the paper."""
    exploration: Literal["epsilon_greedy", "boltzmann"] = "epsilon_greedy"
    """Which actions are explored: random ones with probability ε, or better ones more often, by exp(Q/T)."""
    exploration_range: tuple[Annotated[float, Positive], Annotated[float, Positive]] = (1.0, 0.05)
    """ε at first and in the end; with `boltzmann` the temperature T, in units of the value."""
    exploration_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """Share of the training over which it falls, linearly."""
    exploration_hold: Annotated[int, Field(ge=1, le=1000)] = 1
    """Most control steps for which a random action is held, 1 to this many alike (Dabney et al. 2021); ε is then the
    probability of beginning one. More than 1 gets slow, heavy things moving, such as Acrobot. Not with `boltzmann`."""
    action_levels: Annotated[int, Field(ge=2, le=64)] = 3
    """Values of each action to choose from where the environment's are continuous, evenly spaced over the clip."""

    @model_validator(mode="after")
    def _check_hold(self) -> Self:
        if self.exploration_hold > 1 and self.exploration != "epsilon_greedy":
            raise MisplacedError(("exploration_hold",), f"not with exploration {self.exploration}; valid: 1")
        return self
