"""Error message for a value that is not one of the valid choices."""

import difflib
import reprlib
from collections.abc import Iterable

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 60


def not_a_choice(given: object, valid: Iterable[str]) -> str:
    """Return the message, with the valid choices and the closest one."""
    choices = list(valid)
    return f"{shown(given)} is not a choice{hint(given, choices)}; valid: {', '.join(choices) or 'none'}"


def hint(given: object, valid: list[str]) -> str:
    """Return a suggestion of the closest valid choice; empty if none is close."""
    close = difflib.get_close_matches(str(given)[:64], valid, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def shown(given: object) -> str:
    """Return a value as written in YAML, shortened."""
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    return _SHOWN.repr(given)
