"""The randomised parameters that installed packages declare, as far as a configuration is concerned.

An entry point of the group `sim2real.parameters` gives a collection of declarations; those of this project are one. All
of a declaration is a `sim2real.randomization.parameter.Parameter`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError, Plugins, unknown
from sim2real.configs.units import DIMENSIONS, valid_units

Application = Literal["scale", "add", "set"]
"""How a drawn value applies to the model's own: a factor on it, added to it, or in its place."""


class DeclaredParameter(Protocol):
    """What a parameter is, before anybody randomises it."""

    @property
    def name(self) -> str:
        """What a randomization calls it."""

    @property
    def unit(self) -> str | None:
        """SI unit of the value itself; None: a plain number. A factor (`scale`) is a plain number always."""

    @property
    def apply(self) -> tuple[Application, ...]:
        """How it can apply; the first is the default."""

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value that it can be set to, SI."""

    @property
    def neutral(self) -> float:
        """Value, where it is set, that means nothing happens, SI."""

    @property
    def effects(self) -> Collection[object]:
        """Model fields that follow from it; empty where a part of the simulation reads the values by itself."""


class ParameterCatalogue(Mapping[str, DeclaredParameter]):
    """The declared parameters by name.

    Args:
        collections: The collections of declarations that are installed.
    """

    noun: Final = "parameter"

    def __init__(self, collections: Plugins[Iterable[DeclaredParameter]]) -> None:
        self._collections = collections

    def __getitem__(self, name: str) -> DeclaredParameter:
        """Return a declaration.

        Raises:
            ConfigError: There is none; lists the valid names and the closest.
            PluginError: There is none, and a package failed that may have it; or what is declared cannot be used.
        """
        found = self._declarations
        if name in found.refused:
            raise found.refused[name]
        if name in found.valid:
            return found.valid[name]
        if found.failed is not None:
            raise found.failed
        raise ConfigError(unknown(self.noun, name, self))

    def __contains__(self, name: object) -> bool:
        return name in self._declarations.valid

    def __iter__(self) -> Iterator[str]:
        return iter(self._declarations.valid)

    def __len__(self) -> int:
        return len(self._declarations.valid)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, sorted."""
        return tuple(sorted(self))

    @cached_property
    def _declarations(self) -> "_Declarations":
        found, owners = _Declarations(), dict[str, str]()
        for collection in self._collections.names:
            try:
                parameters = list(self._collections[collection])
            except PluginError as error:
                found.failed = error
                continue
            provider, foreign = self._collections.provider(collection), self._collections.foreign(collection)
            package = f"{provider.package} {provider.version}"
            for parameter in parameters:
                other = owners.setdefault(parameter.name, package)
                if parameter.name in found.valid or parameter.name in found.refused:
                    wrong: str | None = f"is declared twice: by {other} and by {package}"
                else:
                    wrong = _wrong(parameter, foreign=foreign is not None)
                if wrong is None:
                    found.valid[parameter.name] = parameter
                else:
                    found.valid.pop(parameter.name, None)
                    found.refused[parameter.name] = PluginError(f"parameter {parameter.name!r} of {package} {wrong}")
        return found


@dataclass
class _Declarations:
    """The declarations that can be used, and what is wrong with the others: they harm nobody else."""

    valid: dict[str, DeclaredParameter] = field(default_factory=dict)
    refused: dict[str, PluginError] = field(default_factory=dict)
    failed: PluginError | None = None
    """A collection that failed to load: whatever it declares is unknown."""


def _wrong(parameter: DeclaredParameter, *, foreign: bool) -> str | None:
    """Return what is wrong with a declaration; None when nothing is."""
    if parameter.unit is not None and not valid_units(parameter.unit):
        return f"has the unit {parameter.unit!r}; valid: {', '.join(DIMENSIONS)}, or None for a plain number"
    if foreign and not parameter.effects:
        return "has no effects: no part of the simulation reads it by itself"
    return None


def _not_parameters(part: Any) -> str | None:  # noqa: ANN401 - whatever an entry point gives
    if isinstance(part, tuple) and all(hasattr(each, name) for each in part for name in ("name", "unit", "effects")):
        return None
    return "is not a tuple of Parameter"


PARAMETERS: Final = ParameterCatalogue(Plugins("sim2real.parameters", "collection of parameters", _not_parameters))
