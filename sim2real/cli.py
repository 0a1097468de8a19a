"""The root command: finds its subcommands by entry point, so that none loads another's imports."""

import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import typer
from rich.markup import escape

from configs.command import EXIT_FAILED, EXIT_INTERRUPTED, error_console
from configs.errors import UserError

_GROUP = "sim2real.commands"


class LazyGroup(typer.core.TyperGroup):
    """A command group whose commands are entry points, loaded when they are named."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's context class is private
        """Return the names of the installed commands."""
        return sorted(_installed())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's classes are private
        """Load one command; None when there is no such command, as click expects."""
        entry = _installed().get(cmd_name)
        if entry is None:
            return None
        command = typer.main.get_command(entry.load())
        command.name = cmd_name
        return command


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="From simulation to the bench: train, export, flash and safely run policies on serial-bus robots.",
    epilog="Start with: sim2real demo",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sim2real {version('sim2real')}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """From simulation to the bench: train, export, flash and safely run policies on serial-bus robots."""


def main() -> None:
    """Run the command line; errors of the user are one line and exit status 1, never a traceback."""
    try:
        app()
    except UserError as error:
        error_console().print(f"error: {escape(str(error))}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        error_console().print("interrupted")
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
