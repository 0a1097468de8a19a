"""Base class of device protocols with packets that start with a header, on a half-duplex line."""

from collections.abc import Iterator
from typing import Generic

from sim2real.hardware.bus.framing import PacketT, StreamDecoder


class PacketProtocol(Generic[PacketT]):
    """A `DeviceProtocol` without `replies_to`, which executes the instructions of a family."""

    half_duplex = True
    paced = True

    def __init__(self, decoder: StreamDecoder[PacketT]) -> None:
        self.unstuffed = 0
        """Number of instructions without the byte stuffing of the protocol; they were executed nevertheless."""
        self._decoder = decoder

    @property
    def damaged(self) -> int:
        """Number of instructions that were cut off or had a wrong checksum."""
        return self._decoder.corrupt

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Split before each header."""
        header = self._decoder.HEADER
        done = 0
        while done < len(data):
            # Skip the whole header: in FF FF FF, the second FF FF is not another header.
            begun = len(header) if data.startswith(header, done) else 1
            following = data.find(header, done + begun)
            end = len(data) if following < 0 else following
            yield data[done:end]
            done = end

    def feed(self, data: bytes) -> list[PacketT]:
        """Feed received bytes; return the packets they complete."""
        return self._decoder.feed(data)

    def reset(self) -> None:
        """Discard an incomplete packet."""
        self._decoder.reset()
