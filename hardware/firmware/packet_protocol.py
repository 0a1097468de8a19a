"""Base of device protocols whose instructions are packets behind a header, on a half-duplex line."""

from collections.abc import Iterator
from typing import Generic

from sim2real.hardware.bus.framing import PacketT, StreamDecoder


class PacketProtocol(Generic[PacketT]):
    """A `DeviceProtocol` without `replies_to`, which carries out the instructions of a family."""

    half_duplex = True
    paced = True

    def __init__(self, decoder: StreamDecoder[PacketT]) -> None:
        self.unstuffed = 0
        """Instructions that were not escaped as the protocol asks and were carried out all the same."""
        self._decoder = decoder

    @property
    def damaged(self) -> int:
        """Instructions that came cut off or with a wrong checksum."""
        return self._decoder.corrupt

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut before each header."""
        header = self._decoder.HEADER
        done = 0
        while done < len(data):
            # A header does not begin inside one, though FF FF does in FF FF FF.
            begun = len(header) if data.startswith(header, done) else 1
            following = data.find(header, done + begun)
            end = len(data) if following < 0 else following
            yield data[done:end]
            done = end

    def feed(self, data: bytes) -> list[PacketT]:
        """Take bytes; return the packets that they complete."""
        return self._decoder.feed(data)

    def reset(self) -> None:
        """Forget a packet that has begun."""
        self._decoder.reset()
