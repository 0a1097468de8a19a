"""The reply of an emulated moteus to one frame, built subframe by subframe."""

from sim2real.hardware.moteus.frame import Kind, Subframe, encode_error, encode_stream, encode_values
from sim2real.hardware.moteus.lines import DATA_BYTES_MAX

_TUNNEL_HEAD = 3  # kind, channel and size of a SERVER_DATA subframe


class Answer:
    """A reply with the same subframes as the query. Subframes that do not fit in the frame are dropped."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head = Subframe(Kind.READ, 0)
        self._values: list[float] = []

    @property
    def room(self) -> int:
        """Number of characters that fit in another stream subframe."""
        self._close_values()
        return max(0, DATA_BYTES_MAX - len(self._data) - _TUNNEL_HEAD)

    def add_value(self, question: Subframe, value: float) -> None:
        """Add the unscaled value of a register."""
        if question.first:
            self._close_values()
        if not self._values:
            self._head = question
        self._values.append(value)

    def add_error(self, kind: Kind, register: int, code: int) -> None:
        """Add the error of a register that could not be read or written."""
        self._close_values()
        self._add(encode_error(kind, register, code))

    def add_stream(self, channel: int, data: bytes) -> None:
        """Add console output."""
        self._close_values()
        self._add(encode_stream(Kind.SERVER_DATA, channel, data))

    def close(self) -> bytes:
        """Return the complete reply."""
        self._close_values()
        return bytes(self._data)

    def _close_values(self) -> None:
        if self._values:
            self._add(encode_values(Kind.REPLY, self._head.register, self._values, self._head.resolution))
            self._values = []

    def _add(self, data: bytes) -> None:
        if len(self._data) + len(data) <= DATA_BYTES_MAX:
            self._data += data
