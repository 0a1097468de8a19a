"""Command groups whose commands are entry points: any package adds its own, and none loads another's imports."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer


def lazy_group(group: str) -> type[typer.core.TyperGroup]:
    """Return the class of a command group: beside its own commands, entry points, loaded when they are named.

    Args:
        group: Of the entry points; each is a Typer app with one command, or a group of commands.
    """

    def installed() -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=group)}

    class LazyGroup(typer.core.TyperGroup):
        """A command group."""

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's context class is private
            """Return the names of its commands."""
            own = super().list_commands(ctx)
            return [*own, *sorted(set(installed()) - set(own))]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's classes are private
            """Return one command; None when there is no such command, as click expects."""
            own = super().get_command(ctx, cmd_name)
            entry = installed().get(cmd_name)
            if own is not None or entry is None:
                return own
            command = typer.main.get_command(entry.load())
            command.name = cmd_name
            return command

    return LazyGroup
