"""Schema of the randomisation of simulated episodes."""

from typing import Self

from pydantic import model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name
from sim2real.configs.schema.parameter import ParameterConfig


class RandomizationConfig(Config):
    """Differences between simulated episodes."""

    name: Name
    """Name of the randomization."""
    description: str = ""
    """For readers."""
    parameters: tuple[ParameterConfig, ...] = ()
    """The randomised parameters."""
    quantize: bool = True
    """Round readings and commands to the resolution of the motors' registers."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[tuple[str, str | None]] = set()
        for index, entry in enumerate(self.parameters):
            for element in entry.elements or (None,):
                key = (entry.parameter, element)
                if key in seen or (entry.parameter, None) in seen:
                    raise MisplacedError(
                        ("parameters", index, "parameter"), f"{entry.parameter!r} is given twice for the same elements"
                    )
                seen.add(key)
        return self

    def entry(self, parameter: str) -> ParameterConfig | None:
        """Return the first entry of a parameter, if it is randomised."""
        return next((entry for entry in self.parameters if entry.parameter == parameter), None)
