"""Finds frames in a byte stream by their header; base class of the codecs."""

import heapq
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

PacketT = TypeVar("PacketT")


class StreamDecoder(ABC, Generic[PacketT]):
    """Finds packets in a byte stream that arrives in chunks of any size and may be damaged.

    Every header in the stream starts a candidate, also inside another candidate. The first candidate that is complete
    and intact is a packet; bytes before it are discarded. So a cut-off frame or a false header never delays or swallows
    an intact frame after it, whatever length it claims.

    The buffer holds at most `FRAME_BYTES_MAX` bytes between calls. Each header starts at most one candidate and each
    candidate is checked once, so the work per byte is bounded too.

    Attributes:
        discarded: Bytes that belonged to no packet.
        corrupt: Frames that were cut off by another frame or were not intact.
    """

    HEADER: ClassVar[bytes]
    """First bytes of every frame."""
    SIZED_BY: ClassVar[int]
    """Number of bytes, header included, after which the size of a frame is known."""
    FRAME_BYTES_MAX: ClassVar[int]
    """Size of the longest frame, bytes."""

    def __init__(self) -> None:
        self.discarded = 0
        self.corrupt = 0
        self._buffer = bytearray()
        self._base = 0  # position of the buffer's first byte; all positions count from the start of the stream
        self._scanned = 0  # every header before this position has been checked
        self._candidates: list[tuple[int, int]] = []  # heap of (end, start)

    @abstractmethod
    def _size(self, head: bytes) -> int | None:
        """Return the size of the frame that starts with these `SIZED_BY` bytes; None if they start no frame."""

    @abstractmethod
    def _packet(self, frame: bytes) -> PacketT | None:
        """Return the packet in a complete frame; None if it is not intact."""

    def _damaged(self, frame: bytes) -> PacketT | None:
        """Return the packet to report for a damaged frame outside all other candidates; None by default."""
        return None

    def feed(self, data: bytes | bytearray | memoryview) -> list[PacketT]:
        """Feed received bytes; return the packets they complete, in order."""
        packets: list[PacketT] = []
        if not self._buffer and self._is_one_frame(data) and (packet := self._packet(bytes(data))) is not None:
            self._base = self._scanned = self._base + len(data)  # the usual case: a frame, all of it, and no more
            return [packet]
        for offset in range(0, len(data), self.FRAME_BYTES_MAX):
            self._buffer += data[offset : offset + self.FRAME_BYTES_MAX]
            self._collect(packets)
        return packets

    def _is_one_frame(self, data: bytes | bytearray | memoryview) -> bool:
        """Return whether data is as long as the frame that it begins with, and no other could begin within it."""
        frame = bytes(data)
        if not self.SIZED_BY <= len(frame) <= self.FRAME_BYTES_MAX:
            return False
        if not frame.startswith(self.HEADER) or frame.find(self.HEADER, 1) >= 0:
            return False
        return self._size(frame[: self.SIZED_BY]) == len(frame)

    def reset(self) -> None:
        """Discard an incomplete frame without counting it."""
        self._base = self._scanned = self._base + len(self._buffer)
        self._buffer.clear()
        self._candidates.clear()

    @property
    def pending(self) -> int:
        """Number of buffered bytes of incomplete frames."""
        return len(self._buffer)

    def _collect(self, packets: list[PacketT]) -> None:
        self._scan()
        stream_end = self._base + len(self._buffer)
        while self._candidates and self._candidates[0][0] <= stream_end:
            end, start = heapq.heappop(self._candidates)
            frame = bytes(self._buffer[start - self._base : end - self._base])
            packet = self._packet(frame)
            if packet is not None:
                packets.append(packet)
                self._accept(start, end)
                continue
            self.corrupt += 1
            inside_another = any(other < start for _, other in self._candidates)
            damaged = None if inside_another else self._damaged(frame)
            if damaged is not None:
                packets.append(damaged)
        self._scanned = max(self._scanned, self._base)
        self._discard(min((start for _, start in self._candidates), default=self._scanned))

    def _accept(self, start: int, end: int) -> None:
        """Remove a packet from the buffer, and the candidates that it cut off or that lie inside it."""
        self.corrupt += sum(other < start for _, other in self._candidates)
        self._candidates = [item for item in self._candidates if item[1] >= end]
        heapq.heapify(self._candidates)
        self._discard(start)
        del self._buffer[: end - start]
        self._base = end

    def _scan(self) -> None:
        """Find the headers in the new bytes."""
        header, buffer = self.HEADER, self._buffer
        while True:
            at = buffer.find(header, self._scanned - self._base)
            if at < 0:
                # The last bytes may be the start of a header.
                self._scanned = max(self._scanned, self._base + len(buffer) - len(header) + 1)
                return
            self._scanned = self._base + at
            if len(buffer) - at < self.SIZED_BY:
                return
            size = self._size(bytes(buffer[at : at + self.SIZED_BY]))
            if size is not None:
                heapq.heappush(self._candidates, (self._scanned + size, self._scanned))
            self._scanned += 1  # a header may start inside another: FF FF in FF FF FF

    def _discard(self, position: int) -> None:
        count = position - self._base
        self.discarded += count
        del self._buffer[:count]
        self._base = position
