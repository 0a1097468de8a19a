"""The layout of a tick's row in memory: fields, their places, and the names behind their numbers.

It travels as text to other processes, which read rows with it and need nothing else of the runtime.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RowLayout:
    """Fields of a row in order."""

    dtype: np.dtype[np.void]
    """One field each, aligned."""
    values: dict[str, dict[int, str]]
    """Of a field that is one of a few numbers: their names."""
    bits: dict[str, dict[int, str]]
    """Of a field of bits: the name of each bit."""

    def to_text(self) -> str:
        """Return the layout as JSON."""
        fields = [(name, self.dtype[name].base.str, self.dtype[name].shape) for name in self.dtype.names or ()]
        return json.dumps({"fields": fields, "values": self.values, "bits": self.bits})

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the layout that `to_text` wrote."""
        data = json.loads(text)
        fields = [(name, kind, tuple(shape)) for name, kind, shape in data["fields"]]
        values, bits = (
            {field: {int(number): name for number, name in names.items()} for field, names in data[key].items()}
            for key in ("values", "bits")
        )
        return cls(np.dtype(fields, align=True), values, bits)

    def offset(self, field: str) -> int:
        """Return where a field begins in a row, bytes."""
        return self._places[field][1]

    def arrays(self, row: bytearray) -> dict[str, Array]:
        """Return a view of each field of a row, by name; a single number is an array without axes."""
        return {name: np.ndarray(kind.shape, kind.base, row, at) for name, (kind, at) in self._places.items()}

    @property
    def _places(self) -> dict[str, tuple[np.dtype[Any], int]]:
        places = self.dtype.fields
        return {} if places is None else {name: (place[0], place[1]) for name, place in places.items()}

    def plain(self, row: np.void) -> dict[str, Any]:
        """Return a row as plain data by field: names instead of numbers where the layout has them."""
        tick = {name: row[name].tolist() for name in self.dtype.names or ()}
        for name, names in self.values.items():
            tick[name] = names.get(tick[name], str(tick[name]))
        for name, names in self.bits.items():
            value = tick[name]
            tick[name] = [_set(names, each) for each in value] if isinstance(value, list) else _set(names, value)
        return tick


def _set(names: dict[int, str], bits: int) -> list[str]:
    """Return the names of the bits that are set; one without a name by its number."""
    return [names.get(1 << place, str(1 << place)) for place in range(bits.bit_length()) if bits >> place & 1]


def json_of(message: dict[str, Any]) -> bytes:
    """Return the JSON of plain data. Reading gives the same bits; NaN is null, and infinity 1e999.

    JSON readers read 1e999 as infinity.
    """
    text = json.dumps(message, separators=(",", ":"))
    return (_NOT_FINITE.sub(_replacement, text) if "NaN" in text or "Infinity" in text else text).encode()


_NOT_FINITE = re.compile(r"(?<=[\[,:])(-?)(NaN|Infinity)(?=[,\]}])")  # a number, not a part of a name


def _replacement(found: re.Match[str]) -> str:
    return "null" if found[2] == "NaN" else f"{found[1]}1e999"
