"""`Request`: one line of the socket's protocol, and its checks; bytes in, values out."""

import json
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from sim2real.runtime.operator.refusal import RefusedError

LINE_BYTES_MAX: Final = 16 * 1024
"""Longest line; a set of every command of a policy is some hundred bytes."""
RATE_MAX: Final = 100.0
"""Hz of states to a subscriber."""

ACTIONS: Final = ("set", "alive", "start", "stop", "estop", "reset", "subscribe")
_KEYS: Final = {"set": "values", "subscribe": "rate"}


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    do: str
    """One of `ACTIONS`."""
    values: dict[str, float] = field(default_factory=dict)
    """Of `set`: operator commands by name, SI units."""
    rate: float = 0.0
    """Of `subscribe`: states per second; 0 ends it."""


def parse_request(line: bytes) -> Request:
    """Return the request in a line.

    Raises:
        RefusedError: The line is not a request; the text says what would be.
    """
    data = _object(line)
    do = data.get("do")
    if do not in ACTIONS:
        raise RefusedError(f"do: {_shown(do)}; valid: {', '.join(ACTIONS)}")
    valid = {"do", _KEYS.get(do, "do")}
    if unknown := sorted(set(data) - valid):
        raise RefusedError(f"{do}: unknown key {unknown[0]!r}; valid: {', '.join(sorted(valid))}")
    if do == "set":
        return Request(do, values=_values(data.get("values")))
    if do == "subscribe":
        rate = _number("rate", data.get("rate"))
        if not 0.0 <= rate <= RATE_MAX:
            raise RefusedError(f"rate: {rate:g} Hz; valid: 0 to {RATE_MAX:g} Hz")
        return Request(do, rate=rate)
    return Request(do)


def _object(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise RefusedError("not a request: nested too deeply") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise RefusedError(str(error)) from error
    if not isinstance(data, dict):
        raise RefusedError('not a request: must be an object such as {"do": "alive"}')
    return data


def _values(values: object) -> dict[str, float]:
    if not isinstance(values, dict) or not values:
        raise RefusedError('values: must be an object of commands and numbers, for example {"forward": 0.3}')
    return {name: _number(f"command {name!r}", value) for name, value in values.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(f"{name}: {_shown(value)}; must be a number")
    try:
        return float(value)
    except OverflowError as error:
        raise RefusedError(f"{name}: must be a number of 64 bits") from error


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _refuse_constant(text: str) -> NoReturn:
    raise RefusedError(f"{text} is no number in JSON")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise RefusedError("a key is given twice")
    return data
