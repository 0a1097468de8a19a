"""Creates the command source of a task."""

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import unknown
from sim2real.configs.schema.command import DeclaredCommandsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.task.command_source import CommandSetup, CommandSource
from sim2real.task.terms import Terms


def make_commands(task: TaskConfig, robot: RobotSpec, out: Float64Array, scale: Float64Array | None) -> CommandSource:
    """Return the command source of a task; it writes into `out`, (n, C).

    Raises:
        ConfigError: The task sets a parameter that the source does not declare.
    """
    source = task.command_source
    term = Terms.of(task).commands[source.kind]
    given = source.parameters if isinstance(source, DeclaredCommandsConfig) else {}
    for name in given:
        if name not in term.parameters:
            where = f"task {task.name!r}: command_source.parameters"
            raise ConfigError(f"{where}: {unknown(f'parameter of {source.kind!r}', name, term.parameters)}")
    return term.function(CommandSetup(task, robot, out, scale, {**term.parameters, **given}))
