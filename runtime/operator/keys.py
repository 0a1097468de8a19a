"""`KeyReader`: bytes of a terminal to names of keys."""

from typing import Final

_ESCAPE: Final = 0x1B
_ARROWS: Final = {b"A": "up", b"B": "down", b"C": "right", b"D": "left"}
_NAMED: Final = {0x20: "space", 0x0A: "enter", 0x0D: "enter"}
_SEQUENCE_BYTES_MAX: Final = 16


class KeyReader:
    """Splits what a terminal sends into keys; escape sequences may arrive in pieces."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the keys in the bytes: a printable ASCII character, or a name. Unknown sequences are `other`."""
        keys, data = [], self._pending + data
        self._pending = b""
        at = 0
        while at < len(data):
            if data[at] == _ESCAPE:
                length = _sequence_length(data[at:])
                if length is None:
                    self._pending = data[at:]
                    break
                keys.append(_key_of_sequence(data[at : at + length]))
                at += length
                continue
            keys.append(_NAMED.get(data[at]) or (chr(data[at]) if 0x21 <= data[at] < 0x7F else "other"))
            at += 1
        return keys


def _sequence_length(data: bytes) -> int | None:
    """Return the length of the escape sequence at the start; None if its end has not arrived."""
    if len(data) == 1:
        return 1  # the key Escape by itself: terminals send a sequence in one piece
    if data[1:2] not in (b"[", b"O"):
        return 1
    for length in range(3, min(len(data), _SEQUENCE_BYTES_MAX) + 1):
        if 0x40 <= data[length - 1] <= 0x7E:
            return length
    return _SEQUENCE_BYTES_MAX if len(data) >= _SEQUENCE_BYTES_MAX else None


def _key_of_sequence(sequence: bytes) -> str:
    return _ARROWS.get(sequence[2:], "other") if sequence[1:2] in (b"[", b"O") else "other"
