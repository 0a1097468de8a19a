"""Checks the names of terms where a configuration is loaded, so that a mistake is told at its line."""

from collections.abc import Iterator

from sim2real.configs.plugins import unknown
from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.yaml_source import KeyPath
from sim2real.task.terms import terms_of


def check_terms(config: Config) -> None:
    """Refuse names that nothing declares, in every task that a configuration holds; the tasks' modules are run.

    Raises:
        MisplacedError: With the key path from the top, the valid names, and the closest.
        ModuleFailedError: A module failed.
    """
    for at, task in _tasks(config, ()):
        try:
            terms = terms_of(task.modules)
        except MisplacedError as error:
            raise MisplacedError((*at, *error.at), str(error)) from error
        for below, name, table in terms.named_by(task):
            if name not in table:
                raise MisplacedError((*at, *below), unknown(table.kind.noun, name, table))


def _tasks(value: object, at: KeyPath) -> Iterator[tuple[KeyPath, TaskConfig]]:
    """Yield every task that a configuration holds, with its key path."""
    if isinstance(value, TaskConfig):
        yield at, value
    elif isinstance(value, Config):
        for name in type(value).model_fields:
            yield from _tasks(getattr(value, name), (*at, name))
    elif isinstance(value, tuple):
        for index, below in enumerate(value):
            yield from _tasks(below, (*at, index))
