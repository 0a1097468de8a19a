"""Creates the curriculum of an experiment."""

from typing import Final

from sim2real.configs.schema.curriculum import CURRICULA, CurriculumConfig
from sim2real.curriculum.interface import Curriculum
from sim2real.curriculum.kind import CurriculumKind
from sim2real.curriculum.parameter_space import ParameterSpace

_PARTS: Final = ("uniforms", "ordered", "draw", "report", "bounds", "figures", "state_dict", "load_state_dict")
"""Of a `Curriculum`."""


def curriculum_kind(config: CurriculumConfig) -> CurriculumKind:
    """Return the curriculum that a configuration is of.

    Raises:
        ConfigError: No installed package has it.
        PluginError: Its package is broken, or gives something else.
    """
    return CURRICULA.of(config.strategy, CurriculumKind)


def make_curriculum(config: CurriculumConfig, space: ParameterSpace) -> Curriculum:
    """Return the configured curriculum over a parameter space, in its initial state.

    Raises:
        ConfigError: No installed package has it.
        PluginError: Its package is broken, or what it makes is no curriculum.
    """
    kind = curriculum_kind(config)
    made = CURRICULA.guarded(config.strategy, lambda: kind.make(config, space), "failed to make a curriculum")
    CURRICULA.check_made(config.strategy, made, *_PARTS)
    return made
