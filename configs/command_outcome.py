"""Outcome of a CLI command, printed as text or with `--json` as one JSON document on standard output."""

import contextlib
import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, ParamSpec, TextIO

import typer

from sim2real.configs.error_stream import ErrorStream
from sim2real.configs.errors import UserError
from sim2real.configs.stage import clear_stage

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output instead of text.")]

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as in shells


@dataclass(frozen=True)
class Outcome:
    """Result of a CLI command."""

    document: dict[str, Any]
    """Machine-readable result: plain data, documented in the README of the command's package."""
    text: str = ""
    """Human-readable result; rich markup is allowed."""
    ok: bool = True
    """False sets exit status 1."""
    reasons: tuple[str, ...] = ()
    """Reasons why `ok` is False."""
    next: tuple[str, ...] = ()
    """Command lines of what one usually does next, made by `command_line.typed`; a person at a terminal sees them."""
    cut_short: bool = False
    """Whether Ctrl-C ended what had an end of its own: exit status 130, whatever `ok` says of the part done."""


def error_console() -> "Console":
    """Return the console for progress, warnings and errors, on standard error; standard output is for results.

    Printing never raises: what standard error does not take is dropped.
    """
    from rich.console import Console  # importing it takes as long as everything else that `sim2real --help` needs

    clear_stage()
    return Console(file=ErrorStream.standard().as_file, stderr=True, soft_wrap=True, highlight=False)


def print_document(document: dict[str, Any]) -> None:
    """Print a JSON document as one line on standard output; numbers that are not finite become null."""
    clear_stage()
    typer.echo(json.dumps(_plain(document), allow_nan=False))  # says nothing to a standard output that was closed


_OF_THE_MACHINE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def refused_file(error: OSError) -> str:
    """Return one line on what the system refuses; raises an error that names no file, which is a bug of ours.

    Writing to an open file names none either: a full disk, or a machine that is out of something, is told as it is.
    """
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno in _OF_THE_MACHINE:
        return error.strerror or str(error)
    raise error


def reports(command: Callable[P, Outcome]) -> Callable[P, None]:
    """Decorate a command function: print its outcome and exit with its status.

    The function may have an option `json_output: Json`. A `UserError`, and a file that the system refuses, become one
    line on standard error and exit status 1, and with `--json` also a document `{"ok": false, "reasons": [...]}`; so
    does a Ctrl-C that the function does not take itself, with exit status 130.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("json_output", False))
        try:
            outcome = command(*args, **kwargs)
        except UserError as error:
            outcome = Outcome({}, ok=False, reasons=(str(error),))
        except OSError as error:
            outcome = Outcome({}, ok=False, reasons=(refused_file(error),))
        except KeyboardInterrupt:
            raise interrupted(as_json) from None
        _print(outcome, as_json)
        for reason in outcome.reasons:
            error_console().print(f"error: {reason}", markup=False)
        if not as_json:
            print_next(outcome.next)
        if outcome.cut_short:
            raise typer.Exit(EXIT_INTERRUPTED)
        if not outcome.ok:
            raise typer.Exit(EXIT_FAILED)

    # functools.wraps copied the annotation of the wrapped function, but the wrapper returns None.
    run.__annotations__["return"] = None
    return run


def interrupted(as_json: bool) -> typer.Exit:
    """Say that Ctrl-C has ended a command, and return what exits with its status."""
    if as_json:
        print_document({"ok": False, "reasons": ["interrupted"]})
    error_console().print("interrupted")
    return typer.Exit(EXIT_INTERRUPTED)


def print_next(lines: tuple[str, ...]) -> None:
    """Print command lines to go on with, each whole, so that it can be copied; a pipe gets none."""
    if lines and _is_terminal(sys.stdout):
        from rich.console import Console

        console = Console(soft_wrap=True, highlight=False)
        console.print("[bold]next[/bold]:")
        for line in lines:
            console.print(f"  {line}", markup=False)


def _is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; one that is closed, or was when the program began, is none."""
    return stream is not None and not stream.closed and stream.isatty()


def _print(outcome: Outcome, as_json: bool) -> None:
    """Print to standard output. Raises UserError if it cannot be written."""
    clear_stage()
    try:
        if as_json:
            print_document({"ok": outcome.ok, "reasons": list(outcome.reasons)} | outcome.document)
        elif outcome.text:
            from rich.console import Console

            Console(soft_wrap=True, highlight=False).print(outcome.text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # `| head` has seen enough
        _give_up_output()
        raise UserError(f"standard output cannot be written: {error.strerror}") from error


def _give_up_output() -> None:
    """Let what is still buffered go nowhere: Python writes it at its end, and would exit with a status of its own."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor has no buffer that could fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace non-finite floats by None, recursively."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not (float("-inf") < value < float("inf")):
        return None
    return value
