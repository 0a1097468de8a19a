"""Numbers, names and texts as C source; reading a number back gives the same bits."""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError

_A_LINE: Final = 8
_NAME_MAX: Final = 31
"""Characters that C99 promises to tell external names apart by."""
_C_WORDS: Final = frozenset(
    (
        *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern"),
        *("float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed"),
        *("sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while"),
    )
)


def double(value: float) -> str:
    """Return a double constant; the shortest text that reads back as the same number."""
    return repr(float(value))


def single(value: np.float32) -> str:
    """Return a float constant; nine digits tell any two apart."""
    text = f"{float(value):.9g}"
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def floats(name: str, values: npt.NDArray[np.float32]) -> str:
    """Return the definition of a constant array of floats."""
    return _array("float", name, [single(value) for value in values.ravel()])


def doubles(name: str, values: Iterable[float]) -> str:
    """Return the definition of a constant array of doubles."""
    return _array("double", name, [double(value) for value in values])


def comment_text(text: str) -> str:
    """Return a text that can stand in a comment, whatever a file has for a name: no end of it, no trigraph."""
    return re.sub(r"[^A-Za-z0-9 _.,:;()+=-]", "_", text)


def identifier(text: str) -> str:
    """Return a text as (part of) a C name: other characters become underscores."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def prefix_of(text: str) -> str:
    """Return the prefix of everything in a file of this name.

    Raises:
        UserError: No C name can be made of it.
    """
    name = identifier(text)
    if re.fullmatch(r"[A-Za-z]\w*", name) is None or name in _C_WORDS or len(name) > _NAME_MAX:
        raise UserError(
            f"{text!r} gives no prefix of C names; valid: a file whose name begins with a letter, of at most "
            f"{_NAME_MAX} letters, digits and underscores"
        )
    return name


def _array(kind: str, name: str, numbers: list[str]) -> str:
    lines = [", ".join(numbers[start : start + _A_LINE]) for start in range(0, len(numbers), _A_LINE)]
    return f"static const {kind} {name}[{len(numbers)}] = {{\n    " + ",\n    ".join(lines) + "};\n"
