"""Named parts that installed packages register by entry point: motor families, plants, algorithms, commands, terms.

The parts of this project are entry points like anybody's, so that a package from outside has the same rights. Nothing
is loaded before its name is asked for, and no name has a default: an unknown one is refused with those that are valid.
"""

import difflib
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sim2real.configs.errors import ConfigError, UserError

PartT = TypeVar("PartT")
WantedT = TypeVar("WantedT")
CalledT = TypeVar("CalledT")

_OURS = "sim2real."  # how the names of our groups and of our modules begin


class PluginError(UserError):
    """An installed plug-in cannot be used: it failed to load, is of the wrong kind, or two have one name.

    The message of one that failed to load ends with its whole traceback, for its author.
    """


@dataclass(frozen=True)
class Provider:
    """The installed package that a part comes from."""

    package: str
    version: str


def installed(*, group: str) -> list[EntryPoint]:
    """Return the entry points of a group from all installed packages.

    Raises:
        PluginError: Not even this project's own are there, as its metadata are missing or of another version.
    """
    found = list(entry_points(group=group))
    if group.startswith(_OURS) and not any(map(_is_ours, found)):
        raise PluginError(f"sim2real itself registers nothing in the group {group!r}: {_why_nothing()}")
    return found


class Plugins(Generic[PartT]):
    """The parts of one kind.

    Args:
        group: Group of the entry points.
        noun: What a part is called in messages: `motor family`.
        check: Returns what is wrong with a loaded part, None when nothing is.
        find: Returns the entry points of a group; an argument so that tests need install nothing.
    """

    def __init__(
        self,
        group: str,
        noun: str,
        check: Callable[[Any], str | None] = lambda _part: None,
        find: Callable[..., Iterable[EntryPoint]] = installed,
    ) -> None:
        self.noun = noun
        self._group, self._check, self._find = group, check, find
        self._loaded: dict[str, PartT] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all installed parts, sorted; whether one can be loaded shows when it is asked for."""
        return tuple(sorted(self._entries))

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> PartT:
        """Return a part, loaded at its first use.

        Raises:
            ConfigError: No such part; lists the valid names and the closest.
            PluginError: Its package is broken, or two packages have a part of this name.
            ModuleNotFoundError: A part of this project needs an extra that is not installed.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(self._entry(name))
        return self._loaded[name]

    def of(self, name: str, wanted: type[WantedT]) -> WantedT:
        """Return a part that must be of a class which a layer above this one knows.

        Raises:
            ConfigError: As `plugins[name]`.
            PluginError: As `plugins[name]`, and if the part is of another class.
        """
        part: object = self[name]
        if not isinstance(part, wanted):
            raise self.wrong(name, str(part_of(wanted)(part)))
        return part

    def working(self) -> tuple[dict[str, PartT], list[PluginError]]:
        """Load all parts; return the loaded ones by name, and the errors of the others."""
        parts: dict[str, PartT] = {}
        errors: list[PluginError] = []
        for name in self.names:
            try:
                parts[name] = self[name]
            except PluginError as error:
                errors.append(error)
        return parts, errors

    def provider(self, name: str) -> Provider:
        """Return the package that a part comes from. Raises ConfigError or PluginError as `plugins[name]`."""
        distribution = self._entry(name).dist
        if distribution is None:
            raise PluginError(f"{self.noun} {name!r} belongs to no installed package")
        return Provider(distribution.name, distribution.version)

    def foreign(self, name: str) -> Provider | None:
        """Return the package that a part comes from, None for a part of this project. Raises as `provider`."""
        return None if _is_ours(self._entry(name)) else self.provider(name)

    @cached_property
    def _entries(self) -> dict[str, list[EntryPoint]]:
        entries: dict[str, list[EntryPoint]] = {}
        for entry in self._find(group=self._group):
            entries.setdefault(entry.name, []).append(entry)
        return entries

    def _entry(self, name: str) -> EntryPoint:
        entries = self._entries.get(name)
        if entries is None:
            raise ConfigError(unknown(self.noun, name, self.names))
        if len({entry.value for entry in entries}) > 1:
            places = " and ".join(sorted(f"{entry.value} ({_package(entry)})" for entry in entries))
            raise PluginError(f"two packages have a {self.noun} named {name!r}: {places}; uninstall one")
        return entries[0]

    def guarded(self, name: str, call: Callable[[], CalledT], failed: str = "failed to load") -> CalledT:
        """Call code that belongs to a part, such as a second stage of its loading.

        What it prints goes to standard error: standard output is for results.

        Args:
            name: Name of the part.
            call: The code.
            failed: What to say of a part whose code raises an error.

        Raises:
            PluginError: The call failed and the part belongs to another package. Errors of this project's own parts
                are raised unchanged.
            ConfigError: No such part.
        """
        try:
            with redirect_stdout(sys.stderr):
                return call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a plug-in must not end the program, or even with success
            if (blamed := self.blamed(name, failed)) is None:
                raise  # our bug, or an extra that is not installed: the caller says which
            raise blamed from error

    def blamed(self, name: str, failed: str) -> PluginError | None:
        """Return the present exception as an error of a part's package; None if the part is of this project.

        Raises:
            ConfigError: No such part.
        """
        entry = self._entry(name)
        if _is_ours(entry):
            return None
        return PluginError(f"{self.noun} {name!r} of {_package(entry)} {failed}:\n{traceback.format_exc().rstrip()}")

    def check_made(self, name: str, made: object, *attributes: str) -> None:
        """Refuse what a part made if it lacks an attribute. Raises PluginError."""
        if missing := [each for each in attributes if not hasattr(made, each)]:
            raise self.wrong(name, f"made an object of type {type(made).__name__} without {', '.join(missing)}")

    def wrong(self, name: str, what: str) -> PluginError:
        """Return the error of a part that is not as it must be. Raises ConfigError if there is no such part."""
        return PluginError(f"{self.noun} {name!r} of {_package(self._entry(name))} {what}")

    def _load(self, entry: EntryPoint) -> PartT:
        part = self.guarded(entry.name, entry.load)
        if (wrong := self._check(part)) is not None:
            raise PluginError(f"{self.noun} {entry.name!r} of {_package(entry)} ({entry.value}): {wrong}")
        return cast(PartT, part)


def part_of(wanted: type) -> Callable[[object], str | None]:
    """Return a check that a plug-in is an instance of a class."""

    def check(part: object) -> str | None:
        return None if isinstance(part, wanted) else f"is a {type(part).__name__}, not a {wanted.__name__}"

    return check


def unknown(noun: str, name: str, names: Iterable[str]) -> str:
    """Return the message that refuses an unknown name: with the valid ones, and the closest."""
    valid = sorted(names)
    close = difflib.get_close_matches(name, valid, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"no {noun} named {name!r}{hint}; valid: {', '.join(valid) or 'none'}"


def _is_ours(entry: EntryPoint) -> bool:
    return entry.value.startswith(_OURS)


def _why_nothing() -> str:
    try:
        folder = Path(str(distribution("sim2real").locate_file(""))).resolve()
    except PackageNotFoundError:
        return "it is not installed; install it with: pip install ."
    return (
        f"its metadata in {folder} are of another version than its code; if that is a sim2real.egg-info left over "
        "from an old build, delete it, else reinstall: pip install ."
    )


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "no installed package"
