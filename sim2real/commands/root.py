"""The root command: finds its subcommands by entry point, so that none loads another's imports."""

import os
import sys
from importlib.metadata import version

import typer

from sim2real.commands.lazy_group import commands_of, lazy_group
from sim2real.configs.command_outcome import EXIT_FAILED, EXIT_INTERRUPTED, error_console, refused_file
from sim2real.configs.errors import UserError
from sim2real.configs.plain_text import write_plainly
from sim2real.configs.stage import clear_stage, show_stages

app = typer.Typer(
    cls=lazy_group(commands_of("sim2real.commands")),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # typer's boxes take as long to import as all the rest; commands have them
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


def run() -> None:
    """Run the command line; errors of the user are one line and exit status 1, never a traceback."""
    write_plainly(sys.stdout, sys.stderr)
    show_stages(sys.stderr)
    if "_SIM2REAL_COMPLETE" in os.environ:  # a shell asks what may follow, as in the script of `sim2real completion`
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # makes the shells known
    try:
        app()
    except UserError as error:
        error_console().print(f"error: {error}", markup=False)
        sys.exit(EXIT_FAILED)
    except OSError as error:
        error_console().print(f"error: {refused_file(error)}", markup=False)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        error_console().print("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    finally:
        clear_stage()
