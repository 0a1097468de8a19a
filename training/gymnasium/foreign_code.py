"""Runs code of somebody else's environment; whatever it raises becomes one error that names the environment."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError

_JOINS_ROWS: Final = "space_utils.py"
"""Where Gymnasium's vector environments put what single ones return into one array."""


@contextmanager
def running(environment: object, what: str) -> Iterator[None]:
    """Run code of an environment.

    Args:
        environment: Its name, or itself.
        what: What is done, such as `step`.

    Raises:
        UserError: It raised something, also SystemExit; the message ends with the traceback.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # an environment must not end the program, or even with success
        raise UserError(f"{environment}: {what} failed{_reason(error)}:\n{traceback.format_exc().rstrip()}") from error


def closed(environment: object, close: Callable[[], object]) -> None:
    """Close an environment; one that cannot be closed is named on standard error, and nothing is lost for it."""
    try:
        with running(environment, "close"):
            close()
    except UserError as error:
        error_console().print(f"warning: {error}", markup=False)


def _reason(error: BaseException) -> str:
    """Return what the traceback does not say in the user's words."""
    if isinstance(error, EOFError | ConnectionError):
        return ": a process of it has ended"
    if isinstance(error, ValueError | TypeError) and _is_joining(error.__traceback__):
        return ": an observation does not fit its observation_space"
    return ""


def _is_joining(trace: TracebackType | None) -> bool:
    return any(frame.filename.endswith(_JOINS_ROWS) for frame in traceback.extract_tb(trace))
