"""Creates the command source of a task."""

from typing import Any

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import unknown
from sim2real.configs.schema.command import DeclaredCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.task.command_source import CommandSetup, CommandSource, Streams
from sim2real.task.term import CommandTerm
from sim2real.task.terms import Terms


def make_commands(task: TaskConfig, robot: RobotSpec, out: Float64Array, scale: Float64Array | None) -> CommandSource:
    """Return the command source of a task; it writes into `out`, (n, C).

    Raises:
        ConfigError: The task sets a parameter that the source does not declare.
        UserError: A source of the user's is not a `CommandSource`, or failed; so in every method.
    """
    source = task.command_source
    term = Terms.of(task).commands[source.kind]
    given = source.parameters if isinstance(source, DeclaredCommandsConfig) else {}
    for name in given:
        if name not in term.parameters:
            where = f"task {task.name!r}: command_source.parameters"
            raise ConfigError(f"{where}: {unknown(f'parameter of {source.kind!r}', name, term.parameters)}")
    return _Declared(term, CommandSetup(task, robot, out, scale, {**term.parameters, **given}))


class _Declared:
    """A command source whose failures are told at its declaration."""

    def __init__(self, term: CommandTerm, setup: CommandSetup) -> None:
        self._term, self._source, self._robots = term, term.make(setup), len(setup.out)

    def begin(self, ids: Indices, streams: Streams) -> None:
        self._term.call(self._source.begin, ids, streams)

    def step(self, streams: Streams) -> BoolArray | None:
        changed: BoolArray | None = self._term.call(self._source.step, streams)
        return None if changed is None else self._term.mask(changed, self._robots)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self._term.call(self._source.state_dict)
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._term.call(self._source.load_state_dict, state)
