"""The randomised parameters that installed packages declare, as far as a configuration is concerned.

An entry point of the group `sim2real.parameters` gives a collection of declarations; those of this project are one. All
of a declaration is a `sim2real.randomization.parameter.Parameter`.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError, Plugins, unknown

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
            PluginError: There is none, and a package failed that may have it; or two packages declare it.
        """
        declared, failed = self._declared
        if name in declared:
            return declared[name]
        if failed is not None:
            raise failed
        raise ConfigError(unknown(self.noun, name, declared))

    def __contains__(self, name: object) -> bool:
        return name in self._declared[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared[0])

    def __len__(self) -> int:
        return len(self._declared[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, sorted."""
        return tuple(sorted(self))

    @cached_property
    def _declared(self) -> tuple[dict[str, DeclaredParameter], PluginError | None]:
        """The declarations by name, and what was wrong with a collection that cannot be used: the others can be."""
        declared: dict[str, DeclaredParameter] = {}
        owner: dict[str, str] = {}
        failed: PluginError | None = None
        for collection in self._collections.names:
            try:
                parameters = list(self._collections[collection])
            except PluginError as error:
                failed = error
                continue
            for parameter in parameters:
                provider = self._collections.provider(collection)
                package = f"{provider.package} {provider.version}"
                other = owner.setdefault(parameter.name, package)
                if parameter.name in declared:
                    raise PluginError(f"parameter {parameter.name!r} is declared twice: by {other} and by {package}")
                declared[parameter.name] = parameter
        return declared, failed


def _not_parameters(part: Any) -> str | None:  # noqa: ANN401 - whatever an entry point gives
    if isinstance(part, tuple) and all(hasattr(each, name) for each in part for name in ("name", "unit", "apply")):
        return None
    return "is not a tuple of Parameter"


PARAMETERS: Final = ParameterCatalogue(Plugins("sim2real.parameters", "collection of parameters", _not_parameters))
