"""What is typed wrongly is answered in one line that names the mend, and in one JSON document where asked for."""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.exceptions import TyperException

from sim2real.configs.command_outcome import error_console, interrupted, print_document

_SUGGESTION = re.compile(r"\. Did you mean (.*)\?$")  # typer's, which makes a second sentence of it
_AS_JSON = f"{__name__}.as_json"


def note_format(ctx: Any, args: list[str]) -> None:  # noqa: ANN401 - typer's context class is private
    """Remember whether a command line asks for JSON: it may be wrong before its `--json` has been parsed."""
    before_the_end_of_options = args[: args.index("--")] if "--" in args else args
    ctx.meta[_AS_JSON] = "--json" in before_the_end_of_options


@contextmanager
def in_one_line(ctx: Any) -> Iterator[None]:  # noqa: ANN401 - typer's context class is private
    """Say what typer refuses, or that it was interrupted, in one line, and exit with the status for that."""
    try:
        yield
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # which is no error: typer shows the help
            raise
        path = " ".join(filter(None, (ctx.command_path, ctx.invoked_subcommand)))
        line = usage_line(error, path)
        if ctx.meta.get(_AS_JSON, False):
            print_document({"ok": False, "reasons": [line]})
        error_console().print(f"error: {line}", markup=False)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:  # while the command is imported: typer would exit without a word
        raise interrupted(ctx.meta.get(_AS_JSON, False)) from None


def usage_line(error: TyperException, path: str) -> str:
    """Return what was wrong and where, what would be valid, and where that is explained.

    Args:
        error: What typer refused.
        path: The command, for errors that do not say themselves which one it was.
    """
    what = " ".join(error.format_message().split()).rstrip(".")
    what = _SUGGESTION.sub(r" (did you mean \1?)", what[:1].lower() + what[1:])
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        path = ctx.command_path
        option = getattr(error, "option_name", None)
        if option is not None and (close := difflib.get_close_matches(option, _options(ctx), n=1)):
            what = f"no such option: {option} (did you mean {close[0]}?)"
    return f"{path}: {what}; {path} --help explains it"


def _options(ctx: Any) -> list[str]:  # noqa: ANN401 - typer's context class is private
    parameters = ctx.command.get_params(ctx)
    return [name for one in parameters for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
