"""Schema of the observation: terms by name, each an entry point of the group `sim2real.observation_terms`."""

from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import Field

from sim2real.configs.plugins import Plugins
from sim2real.configs.schema.base import Config
from sim2real.configs.schema.part import PartName
from sim2real.configs.schema.quantity import Positive

ObservationNeed = Literal["imu", "commands", "phase", "position_targets", "tip", "tip_commands"]
"""What a term may need of robot and task: an IMU, commands, the clock of `phase_frequency`, position targets, the
kinematics of the robot's tip, the commands that say where the tip should be."""


class ObservationPart(Protocol):
    """What an entry point gives, as far as a configuration is concerned.

    All of it is a `sim2real.runtime.contract.observation_term.ObservationTerm`.
    """

    @property
    def needs(self) -> tuple[ObservationNeed, ...]:
        """What it needs."""


def _without_needs(part: Any) -> str | None:  # noqa: ANN401 - whatever an entry point gives
    return None if isinstance(getattr(part, "needs", None), tuple) else "is not declared with @observation_term"


OBSERVATION_TERMS: Final[Plugins[ObservationPart]] = Plugins(
    "sim2real.observation_terms", "observation term", _without_needs
)


class ObservationTermConfig(Config):
    """One block of the observation vector; a term may appear at several scales, such as a coarse and a fine one."""

    term: Annotated[str, PartName(OBSERVATION_TERMS)]
    """Name of the term: shipped, or from a package that is installed here and on the robot."""
    scale: float = 1.0
    """Factor that brings the SI value to about unit size."""
    clip: Annotated[float, Positive] | None = None
    """Largest absolute scaled value; larger ones are clipped. Default: not clipped."""
    history: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of ticks in the block, oldest first."""
