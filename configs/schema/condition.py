"""A condition over one signal of a run, as one line of text: `trunk.tilt < 30 deg`, `state is FAULT`."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from sim2real.configs.choice import not_a_choice
from sim2real.configs.schema.run_signal import RunSignal
from sim2real.configs.units import parse_quantity

Comparison = Literal["<", "<=", ">", ">=", "in", "is", "is not"]

_CONDITION = re.compile(r"\s*([A-Za-z]\w*(?:\.\w+)?)\s*(<=|>=|<|>|\bis not\b|\bis\b|\bin\b)\s*(\S.*?)\s*", re.ASCII)
_BAND = re.compile(r"(\S.*?)\s*\.\.\s*(\S.*)", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_TEXT_MAX = 120
_FORM: Final = (
    "write `SIGNAL < VALUE`, with <, <=, > or >=; `SIGNAL in LOW .. HIGH`; or `SIGNAL is WORD`, as in `state is FAULT`"
)


@dataclass(frozen=True)
class Condition:
    """One signal compared with a fixed value. NaN meets no condition."""

    text: str
    """As written."""
    signal: str
    """Name of the signal: `state`, or `velocity` of every joint, or `knee.velocity` of one."""
    comparison: Comparison
    low: float = 0.0
    """The value in SI units; of a band, its lower end."""
    high: float = 0.0
    """The upper end of a band, SI units."""
    word: str = ""
    """The word of `is` and `is not`."""


def parse_condition(text: str, signals: dict[str, RunSignal]) -> Condition:
    """Return the condition that a text states.

    Args:
        text: The condition.
        signals: Signals that exist, by name.

    Raises:
        ValueError: It has another form, names no signal, or its value does not fit the signal.
    """
    match = _CONDITION.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if match is None:
        raise ValueError(f"{text[:_TEXT_MAX]!r} is not a condition; {_FORM}")
    name, comparison, value = match.groups()
    if name not in signals:
        raise ValueError(f"signal {not_a_choice(name, signals)}")
    signal = signals[name]
    if signal.words:
        return _of_words(text, signal, comparison, value)
    if comparison == "in":
        band = _BAND.fullmatch(value)
        if band is None:
            raise ValueError(f"{text!r}: a band has the form LOW .. HIGH")
        low, high = (_number(signal, end) for end in band.groups())
        if not low <= high:
            raise ValueError(f"{text!r}: the band is empty: its first end is above its second")
        return Condition(text, name, "in", low, high)
    if comparison not in ("<", "<=", ">", ">="):
        raise ValueError(f"{text!r}: {name} is a number; compare it with <, <=, >, >= or in")
    return Condition(text, name, comparison, _number(signal, value))  # type: ignore[arg-type] # of the pattern's words


def _of_words(text: str, signal: RunSignal, comparison: str, value: str) -> Condition:
    if comparison not in ("is", "is not"):
        raise ValueError(f"{text!r}: {signal.name} is a word; compare it with `is` or `is not`")
    if value not in signal.words:
        raise ValueError(f"{text!r}: {not_a_choice(value, signal.words)}")
    return Condition(text, signal.name, comparison, word=value)  # type: ignore[arg-type] # one of the two above


def _number(signal: RunSignal, text: str) -> float:
    if signal.unit:
        return parse_quantity(text, signal.unit)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a number; {signal.name} is {signal.description}")
    return float(text)
