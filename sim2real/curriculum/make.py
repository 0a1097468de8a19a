"""Creates the curriculum of an experiment."""

from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.curriculum import CURRICULA, CurriculumConfig
from sim2real.curriculum.interface import Curriculum
from sim2real.curriculum.kind import CurriculumKind
from sim2real.curriculum.parameter_space import ParameterSpace


def curriculum_kind(config: CurriculumConfig) -> CurriculumKind:
    """Return the curriculum that a configuration is of.

    Raises:
        ConfigError: No installed package has it.
        PluginError: Its package is broken, or gives something else.
    """
    kind = CURRICULA[config.strategy]
    if not isinstance(kind, CurriculumKind):
        raise PluginError(f"curriculum {config.strategy!r}: is a {type(kind).__name__}, not a CurriculumKind")
    return kind


def make_curriculum(config: CurriculumConfig, space: ParameterSpace) -> Curriculum:
    """Return the configured curriculum over a parameter space, in its initial state. Raises as `curriculum_kind`."""
    return curriculum_kind(config).make(config, space)
