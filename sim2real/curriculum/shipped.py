"""The shipped curricula, each an entry point as anybody's."""

from typing import Final

from sim2real.configs.schema.curriculum import AdrConfig, DoraemonConfig, FixedCurriculumConfig, NoCurriculumConfig
from sim2real.curriculum.adr import AutomaticDomainRandomization
from sim2real.curriculum.doraemon import Doraemon
from sim2real.curriculum.fixed import FixedCurriculum
from sim2real.curriculum.kind import CurriculumKind
from sim2real.curriculum.none import NoCurriculum

NONE: Final = CurriculumKind(NoCurriculumConfig, lambda _config, space: NoCurriculum(space), moves=False)
FIXED: Final = CurriculumKind(FixedCurriculumConfig, FixedCurriculum, moves=False)
ADR: Final = CurriculumKind(AdrConfig, AutomaticDomainRandomization, moves=True)
DORAEMON: Final = CurriculumKind(DoraemonConfig, Doraemon, moves=True)
