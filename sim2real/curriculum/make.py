"""Creates the curriculum of an experiment."""

from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.curriculum.adr import AutomaticDomainRandomization
from sim2real.curriculum.doraemon import Doraemon
from sim2real.curriculum.fixed import FixedCurriculum
from sim2real.curriculum.interface import Curriculum
from sim2real.curriculum.none import NoCurriculum
from sim2real.curriculum.parameter_space import ParameterSpace


def make_curriculum(config: CurriculumConfig, space: ParameterSpace) -> Curriculum:
    """Return the configured strategy over a parameter space, in its initial state."""
    if config.strategy == "none":
        return NoCurriculum(space)
    if config.strategy == "fixed":
        return FixedCurriculum(config, space)
    if config.strategy == "adr":
        return AutomaticDomainRandomization(config, space)
    return Doraemon(config, space)
