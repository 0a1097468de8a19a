"""The package that an observation term comes from: the robot must compute what the policy was trained on."""

from sim2real.configs.plugins import unknown
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.runtime.contract.part import Name, Part


class ProviderSpec(Part):
    """A package from outside this project, in the very version that computed the term in training."""

    package: Name
    version: Name


class ProviderError(ValueError):
    """An observation term is not installed as the contract names it; the message says what to install."""


def provider_of(term: str) -> ProviderSpec | None:
    """Return the package of an installed term, None for one of this project. Raises ConfigError, PluginError."""
    found = OBSERVATION_TERMS.foreign(term)
    return None if found is None else ProviderSpec(package=found.package, version=found.version)


def check_provider(term: str, provider: ProviderSpec | None) -> None:
    """Refuse a term that is not installed, or not from that package in that version.

    Raises:
        ProviderError: With what to install.
        PluginError: Two installed packages have a term of this name.
    """
    if term not in OBSERVATION_TERMS:
        if provider is None:
            raise ProviderError(unknown("observation term", term, OBSERVATION_TERMS.names))
        raise ProviderError(
            f"the policy observes {term!r} of package {_shown(provider)}, which is not installed; {_cure(provider)}"
        )
    installed = provider_of(term)
    if installed == provider:
        return
    if provider is None:
        raise ProviderError(f"{term!r} is not of this project here, but of {_shown(installed)}; uninstall that package")
    raise ProviderError(
        f"the policy observes {term!r} of package {_shown(provider)}, and installed is that of {_shown(installed)}; "
        f"{_cure(provider)}, or train with the one that is installed"
    )


def _shown(provider: ProviderSpec | None) -> str:
    return "sim2real itself" if provider is None else f"{provider.package} {provider.version}"


def _cure(provider: ProviderSpec) -> str:
    return f"install it with: pip install {provider.package}=={provider.version}"
