"""Scalars of the YAML 1.2 core schema, read and written, instead of PyYAML's YAML 1.1.

In YAML 1.1 `off` is a boolean, `010` is eight, `1:30` is ninety, `2026-11-20` is a date, and `3e-4` is text.
"""

import re
from collections.abc import Callable

import yaml

_NULL, _BOOL, _INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))

# YAML 1.2.2, section 10.3.2: tag, pattern, and the characters that such a scalar may begin with.
_CORE: tuple[tuple[str, re.Pattern[str], list[str]], ...] = (
    (_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    (_INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), list("-+0123456789")),
    (
        _FLOAT,
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
)


class CoreLoader(yaml.SafeLoader):
    """A safe loader that resolves plain scalars by YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML is configured by this class attribute


class CoreDumper(yaml.SafeDumper):
    """A safe dumper that quotes text which YAML 1.1 or 1.2 would not read as text."""


def _represent_text(dumper: CoreDumper, text: str) -> yaml.ScalarNode:
    """Escape non-printing characters: PyYAML would break the line at U+0085 or U+2028 and read back a space."""
    return dumper.represent_scalar(_STR, text, style=None if text.isprintable() else '"')


CoreDumper.add_representer(str, _represent_text)
for _tag, _pattern, _first in _CORE:
    CoreLoader.add_implicit_resolver(_tag, _pattern, _first)
    CoreDumper.add_implicit_resolver(_tag, _pattern, _first)


def construct_scalar(tag: str, text: str) -> str | int | float | bool | None:
    """Return the value of a scalar node.

    Raises:
        ValueError: The tag is not in the core schema, or the text is not a value of that tag.
    """
    if tag == _STR:
        return text
    for core, pattern, _ in _CORE:
        if tag == core and pattern.match(text):
            return _VALUES[core](text)
    short = tag.removeprefix("tag:yaml.org,2002:")
    raise ValueError(f"{text[:60]!r} cannot be read with the tag {short!r}; valid tags: null, bool, int, float, str")


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _int(text: str) -> int:
    if len(text) > 64:  # no setting has this many digits, and conversion takes quadratic time
        raise ValueError(f"{text[:24]}… has too many digits")
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_VALUES: dict[str, Callable[[str], int | float | bool | None]] = {
    _NULL: lambda _: None,
    _BOOL: lambda text: text.lower() == "true",
    _INT: _int,
    _FLOAT: _float,
}
