"""Schema of the black-box searches: of an episode they see its return alone."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.algorithm import Activation, AlgorithmConfig, Hidden
from sim2real.configs.schema.quantity import NonNegative, Positive


class BlackBoxConfig(AlgorithmConfig):
    """What all searches say: how many policies are tried, for how long, and how far from each other they begin."""

    population: Annotated[int, Field(ge=4, le=65536)] = 64
    """Policies tried per generation; a multiple of the number of environments leaves none idle."""
    episodes: Annotated[int, Field(ge=1, le=1024)] = 1
    """Episodes of each, whose mean return counts: more of them where episodes differ by chance."""
    episode_steps_max: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Longest episode, control steps: what comes later does not count."""
    initial_std: Annotated[float, Positive] = 0.3
    """Standard deviation of the first weights, for normalised observations and actions of ±1."""
    hidden: Hidden = ()
    """Widths of the hidden layers; none: a linear policy, which suffices for many a gait (Mania et al. 2018), and a
    search needs the more policies the more weights there are."""
    activation: Activation = "tanh"
    """Activation function of the hidden layers."""


class GaussianSearchConfig(BlackBoxConfig):
    """What searches with one standard deviation for each weight share."""

    extra_std: Annotated[float, NonNegative] = 0.1
    """Standard deviation added to that of the chosen policies, falling linearly to zero at the end of training:
    without it a search ends before its goal (Szita & Lőrincz 2006)."""


class CemConfig(GaussianSearchConfig):
    """Cross-entropy method (Rubinstein 1999; with added noise: Szita & Lőrincz 2006)."""

    name: Literal["cem"]
    """Name of the algorithm."""
    elite_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2
    """Share of the policies, the best ones, to which the distribution is fitted again."""


class RwrConfig(GaussianSearchConfig):
    """Reward-weighted regression (Peters & Schaal 2007) of the weights of whole policies."""

    name: Literal["rwr"]
    """Name of the algorithm."""
    temperature: Annotated[float, Positive] = 0.5
    """Temperature η of the weights exp(R/η), in standard deviations of the returns: low ones are greedy."""


class RepsConfig(GaussianSearchConfig):
    """Relative entropy policy search (Peters et al. 2010) over the weights of whole policies."""

    name: Literal["reps"]
    """Name of the algorithm."""
    max_kl: Annotated[float, Positive] = 1.0
    """Divergence ε, nat, of the weights from uniform ones, which bounds how far a generation moves."""


class CmaEsConfig(BlackBoxConfig):
    """Evolution strategy with adapted covariance matrix (Hansen 2016)."""

    name: Literal["cma_es"]
    """Name of the algorithm."""
    covariance: Literal["auto", "full", "diagonal"] = "auto"
    """Full, or only its diagonal (Ros & Hansen 2008), which takes memory and time in proportion to the weights and not
    to their square. auto: full up to 300 weights."""
