"""Units: converts quantities with a unit (`12 V`, `46 rpm`) to SI floats."""

import difflib
import math
import re

# unit -> (dimension, named by its SI unit; factor to SI)
_UNITS: dict[str, tuple[str, float]] = {
    "V": ("V", 1.0),
    "mV": ("V", 1e-3),
    "A": ("A", 1.0),
    "mA": ("A", 1e-3),
    "ohm": ("ohm", 1.0),
    "N*m": ("N*m", 1.0),
    "mN*m": ("N*m", 1e-3),
    "kg*cm": ("N*m", 0.0980665),  # standard gravity, CGPM 1901
    "rad": ("rad", 1.0),
    "mrad": ("rad", 1e-3),
    "deg": ("rad", math.pi / 180.0),
    "rev": ("rad", 2.0 * math.pi),
    "rad/s": ("rad/s", 1.0),
    "deg/s": ("rad/s", math.pi / 180.0),
    "rpm": ("rad/s", 2.0 * math.pi / 60.0),
    "rad/s^2": ("rad/s^2", 1.0),
    "rad/s^3": ("rad/s^3", 1.0),
    "s": ("s", 1.0),
    "ms": ("s", 1e-3),
    "us": ("s", 1e-6),
    "min": ("s", 60.0),
    "Hz": ("Hz", 1.0),
    "kHz": ("Hz", 1e3),
    "m": ("m", 1.0),
    "cm": ("m", 1e-2),
    "mm": ("m", 1e-3),
    "m/s": ("m/s", 1.0),
    "m/s^2": ("m/s^2", 1.0),
    "kg": ("kg", 1.0),
    "g": ("kg", 1e-3),
    "kg*m^2": ("kg*m^2", 1.0),
    "N*m*s/rad": ("N*m*s/rad", 1.0),
    "N*m/rad": ("N*m/rad", 1.0),
    "degC": ("degC", 1.0),
    "K": ("K", 1.0),
    "K/W": ("K/W", 1.0),
    "J/K": ("J/K", 1.0),
    "baud": ("baud", 1.0),
    "kbaud": ("baud", 1e3),
    "Mbaud": ("baud", 1e6),
}

DIMENSIONS = tuple(sorted({dimension for dimension, _ in _UNITS.values()}))
"""SI units, each the name of its dimension."""

# The group of the number is atomic, or `12` would match as 1 with the unit `2`.
_QUANTITY = re.compile(r"\s*((?>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))\s*(\S.*?)\s*", re.ASCII)
_SHOWN_MAX = 60
_LARGEST = 1e12  # SI; no robot has more, and its square and its whole nanoseconds are numbers that everything takes


def valid_units(dimension: str) -> list[str]:
    """Return the valid units of a dimension, which is named by its SI unit."""
    return [unit for unit, (of, _) in _UNITS.items() if of == dimension]


def parse_quantity(value: object, dimension: str) -> float:
    """Convert `12 V` to an SI float.

    Args:
        value: A number and a unit, as text; a bare number is refused.
        dimension: SI unit of the expected dimension.

    Raises:
        ValueError: Not a number with a unit, or a unit of another dimension; the message lists the valid units.
    """
    valid = valid_units(dimension)
    choices = ", ".join(valid)
    if not isinstance(value, str):
        shown = repr(value) if isinstance(value, bool | int | float) else f"a {type(value).__name__}"
        raise ValueError(f"{shown} has no unit; write a number with a unit; valid: {choices}")
    shown = repr(value[:_SHOWN_MAX])
    match = _QUANTITY.fullmatch(value[: _SHOWN_MAX + 1])
    if match is None or len(value) > _SHOWN_MAX:
        raise ValueError(f"{shown} is not a number with a unit; valid: {choices}")
    number, unit = match.groups()
    of, factor = _UNITS.get(unit, ("", 1.0))
    if of != dimension:
        close = difflib.get_close_matches(unit, valid, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(f"{shown} has the wrong unit {unit!r}{hint}; valid: {choices}")
    si = float(number) * factor
    if not abs(si) <= _LARGEST:
        raise ValueError(f"{shown} is too large to compute with; valid: up to {_LARGEST:g} {of}")
    return si


def format_quantity(si: float, dimension: str) -> str:
    """Return text that `parse_quantity` converts back to exactly this float."""
    return f"{si!r} {dimension}"
