"""Terms that a task may name: the shipped ones, and those that its modules declare."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import unknown
from sim2real.configs.schema.base import MisplacedError
from sim2real.configs.schema.module import ModuleConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.yaml_source import KeyPath
from sim2real.task import commands, metrics, privileged_terms, rewards, terminations
from sim2real.task.declaration import declared_in
from sim2real.task.module import load_module
from sim2real.task.term import CommandTerm, MetricTerm, PrivilegedTerm, RewardTerm, Term, TerminationTerm

TermT = TypeVar("TermT", bound=Term)


class TermTable(dict[str, TermT], Generic[TermT]):
    """Terms of one kind by name."""

    def __init__(self, kind: type[TermT]) -> None:
        super().__init__()
        self.kind = kind

    def __missing__(self, name: str) -> TermT:
        """Refuse an unknown name. Raises ConfigError with the valid names and the closest."""
        raise ConfigError(unknown(self.kind.noun, name, self))

    def add(self, term: Term) -> None:
        """Add a term if it is of this kind. Raises ConfigError if its name is taken."""
        if not isinstance(term, self.kind):
            return
        if term is self.get(term.name):
            raise ConfigError("this module is named already")
        if term.name in self:
            places = f"{self[term.name].place} and {term.place}"
            raise ConfigError(f"two {term.noun}s are named {term.name!r}: {places}; rename one")
        self[term.name] = term


@dataclass(frozen=True)
class Terms:
    """The terms that a task may name, by kind."""

    rewards: TermTable[RewardTerm] = field(default_factory=lambda: TermTable(RewardTerm))
    terminations: TermTable[TerminationTerm] = field(default_factory=lambda: TermTable(TerminationTerm))
    metrics: TermTable[MetricTerm] = field(default_factory=lambda: TermTable(MetricTerm))
    privileged: TermTable[PrivilegedTerm] = field(default_factory=lambda: TermTable(PrivilegedTerm))
    commands: TermTable[CommandTerm] = field(default_factory=lambda: TermTable(CommandTerm))

    @classmethod
    def of(cls, task: TaskConfig) -> "Terms":
        """Return the terms of a task; modules that are not loaded yet are run.

        Raises:
            ConfigError: A module is missing or has another text than recorded, or two terms have one name.
            ModuleFailedError: A module failed.
        """
        try:
            return terms_of(task.modules)
        except MisplacedError as error:
            raise ConfigError(f"task {task.name!r}: {'.'.join(map(str, error.at))}: {error}") from error

    @classmethod
    @cache
    def shipped(cls) -> "Terms":
        """Return the shipped terms."""
        terms = cls()
        for module in (rewards, terminations, metrics, privileged_terms, commands):
            _add(terms, declared_in(module))
        return terms

    def names(self) -> dict[str, list[str]]:
        """Return the names by kind, as in `sim2real.configs.schema.term_name`."""
        return {
            "reward": sorted(self.rewards),
            "termination": sorted(self.terminations),
            "metric": sorted(self.metrics),
            "privileged": sorted(self.privileged),
        }

    def named_by(self, task: TaskConfig) -> Iterator[tuple[KeyPath, str, "TermTable[Any]"]]:
        """Yield the key path and the name of every term that a task names, and the terms of its kind."""
        for index, reward in enumerate(task.rewards):
            yield ("rewards", index, "term"), reward.term, self.rewards
        for index, ending in enumerate(task.terminations):
            yield ("terminations", index, "term"), ending.term, self.terminations
        if task.performance is not None:
            yield ("performance", "term"), task.performance.term, self.rewards
        for key, cost in task.costs.items():
            yield ("costs", key, "term"), cost.term, self.rewards
        for index, name in enumerate(task.metrics):
            yield ("metrics", index), name, self.metrics
        for index, name in enumerate(task.privileged):
            yield ("privileged", index), name, self.privileged
        yield ("command_source", "kind"), task.command_source.kind, self.commands


def terms_of(modules: tuple[ModuleConfig, ...]) -> Terms:
    """Return the shipped terms and those of some modules.

    Raises:
        MisplacedError: At the module that is missing, has another text, or declares a name that is taken.
        ModuleFailedError: A module failed.
    """
    shipped = Terms.shipped()
    if not modules:
        return shipped
    terms = Terms()
    for table in vars(shipped).values():
        _add(terms, table.values())
    for index, module in enumerate(modules):
        try:
            _add(terms, load_module(module).terms)
        except ConfigError as error:
            raise MisplacedError(("modules", index), str(error)) from error
    return terms


def _add(to: Terms, terms: Iterable[Term]) -> None:
    """Add terms, each to the table of its kind. Raises ConfigError if a name is taken."""
    for term in terms:
        for table in (to.rewards, to.terminations, to.metrics, to.privileged, to.commands):
            table.add(term)
