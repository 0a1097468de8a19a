"""What a package gives that brings a curriculum: one object, as an entry point of the group `sim2real.curricula`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.curriculum.interface import Curriculum
from sim2real.curriculum.parameter_space import ParameterSpace


@dataclass(frozen=True)
class CurriculumKind:
    """A curriculum: its configuration, and how it is made."""

    config: type[CurriculumConfig]
    """Schema of the experiment's block, with `strategy: Literal[NAME]`, NAME being that of the entry point."""
    make: Callable[[Any, ParameterSpace], Curriculum]
    """Makes one over a parameter space, at its start, from its configuration."""
    moves: bool
    """Whether it follows the learner, so that a run draws how it moved."""
