"""Text on streams whose encoding lacks what we write: units and arrows in ASCII instead of an exception."""

import codecs
from typing import Final, TextIO

ERRORS: Final = "sim2real.plain"
"""Name of the error handler."""

_PLAIN: Final = {
    "µ": "u",
    "μ": "u",
    "°": "deg",
    "·": "*",
    "×": "x",
    "±": "+/-",
    "²": "^2",
    "³": "^3",
    "Ω": "ohm",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "…": "...",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{NO-BREAK SPACE}": " ",
}
_UNKNOWN: Final = "?"


def plain(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that cannot be encoded, and where encoding goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(each, _UNKNOWN) for each in error.object[error.start : error.end]), error.end


def write_plainly(*streams: TextIO | None) -> None:
    """Let streams write in ASCII what their encoding lacks."""
    codecs.register_error(ERRORS, plain)
    for stream in streams:
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors=ERRORS)
