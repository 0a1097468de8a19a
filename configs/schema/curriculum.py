"""Schema of curricula: which part of the randomisation episodes draw from, over training."""

from typing import Annotated, Final, Literal, Protocol, Self

from pydantic import Field, model_validator

from sim2real.configs.plugins import Plugins
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.part import PartBlock, without_schema

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class CurriculumConfig(Config):
    """What the configuration of every curriculum says: which one it is."""

    strategy: str
    """Name of the curriculum: shipped, or from an installed package."""


class CurriculumPart(Protocol):
    """What an entry point of the group `sim2real.curricula` gives, as far as a configuration is concerned.

    All of it is a `sim2real.curriculum.kind.CurriculumKind`.
    """

    @property
    def config(self) -> type[CurriculumConfig]:
        """Schema of the experiment's block `curriculum`."""


CURRICULA: Final[Plugins[CurriculumPart]] = Plugins(
    "sim2real.curricula", "curriculum", lambda part: without_schema(part, CurriculumConfig)
)


class NoCurriculumConfig(CurriculumConfig):
    """Every episode has the calibrated values."""

    strategy: Literal["none"]
    """Name of the curriculum."""


class FixedCurriculumConfig(CurriculumConfig):
    """The same distribution from the first episode to the last."""

    strategy: Literal["fixed"]
    """Name of the curriculum."""
    level: Annotated[float, Field(ge=0.0, le=4.0)] = 1.0
    """Share of the randomisation's range to draw from: 0 is the calibrated value, 1 the whole range; never beyond the
    limits."""


class AdrConfig(CurriculumConfig):
    """Automatic Domain Randomization (arXiv 1910.07113, appendix B).

    The performance of an episode is the task's, in [0, 1].
    """

    strategy: Literal["adr"]
    """Name of the curriculum."""
    boundary_share: Share = 0.5
    """Probability that an episode evaluates a boundary."""
    buffer: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Results of a boundary that are averaged before it moves; the paper uses 240, with far more episodes per hour."""
    threshold_high: Share = 0.8
    """Mean performance, 0 to 1, from which a boundary widens."""
    threshold_low: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    """Mean performance up to which a boundary narrows."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.threshold_low < self.threshold_high:
            raise MisplacedError(
                ("threshold_low",), f"must be below threshold_high; valid: under {self.threshold_high}"
            )
        return self


class DoraemonConfig(CurriculumConfig):
    """Domain randomisation by entropy maximisation (Tiboni et al., ICLR 2024)."""

    strategy: Literal["doraemon"]
    """Name of the curriculum."""
    success_threshold: Share = 0.7
    """Performance, 0 to 1, from which an episode counts as a success."""
    success_rate: Share = 0.5
    """α: the share of successes that the widest distribution must keep."""
    divergence_max: Annotated[float, Field(gt=0.0)] = 0.1
    """ε: largest KL divergence between successive distributions, over all parameters, nat."""
    episodes: Annotated[int, Field(ge=8, le=1_000_000)] = 512
    """Finished episodes per update of the distribution."""


CurriculumBlock = Annotated[CurriculumConfig, PartBlock(CURRICULA, "strategy")]
"""The block of the curriculum that its `strategy` names: shipped, or from an installed package."""
