"""Finds frames that begin with a header in a stream of bytes; base of the codecs."""

import heapq
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

PacketT = TypeVar("PacketT")


class StreamDecoder(ABC, Generic[PacketT]):
    """Finds packets in a stream of any bytes, however it is cut into pieces.

    Every header in the stream is a candidate, also one inside another candidate, and the candidate that is complete
    first and intact is a packet; bytes before it are discarded. So neither a cut-off frame nor a false header, whatever
    length it claims, holds back or swallows an intact frame after it.

    The buffer never keeps more than `FRAME_BYTES_MAX` bytes between calls. Each candidate costs one look at its frame,
    and there is at most one for each header, so the work for each byte is bounded too.

    Attributes:
        discarded: Bytes that belonged to no packet.
        corrupt: Frames among them that were cut off by another one or were not intact.
    """

    HEADER: ClassVar[bytes]
    """What every frame begins with."""
    SIZED_BY: ClassVar[int]
    """Bytes of a frame from which its size is known, header included."""
    FRAME_BYTES_MAX: ClassVar[int]
    """Longest frame."""

    def __init__(self) -> None:
        self.discarded = 0
        self.corrupt = 0
        self._buffer = bytearray()
        self._base = 0  # place of the buffer's first byte in the stream; all other places count from the stream's start
        self._scanned = 0  # every header before this place has been looked at
        self._candidates: list[tuple[int, int]] = []  # heap of (end, start)

    @abstractmethod
    def _size(self, head: bytes) -> int | None:
        """Return the size of the frame that begins with these `SIZED_BY` bytes, None if no frame begins like that."""

    @abstractmethod
    def _packet(self, frame: bytes) -> PacketT | None:
        """Return the packet in a frame of that size, None if it is not intact."""

    def _damaged(self, frame: bytes) -> PacketT | None:
        """Return what to report of a frame that is not intact and lies in no other candidate; nothing by default."""
        return None

    def feed(self, data: bytes | bytearray | memoryview) -> list[PacketT]:
        """Take bytes and return the packets that they complete, in order."""
        packets: list[PacketT] = []
        for offset in range(0, len(data), self.FRAME_BYTES_MAX):
            self._buffer += data[offset : offset + self.FRAME_BYTES_MAX]
            self._collect(packets)
        return packets

    def reset(self) -> None:
        """Forget a frame that is not complete, without counting it."""
        self._base = self._scanned = self._base + len(self._buffer)
        self._buffer.clear()
        self._candidates.clear()

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
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
        """Take a packet out, and forget the candidates that it has cut off or that lie inside it."""
        self.corrupt += sum(other < start for _, other in self._candidates)
        self._candidates = [item for item in self._candidates if item[1] >= end]
        heapq.heapify(self._candidates)
        self._discard(start)
        del self._buffer[: end - start]
        self._base = end

    def _scan(self) -> None:
        """Find the headers in the bytes that are new."""
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
            self._scanned += 1  # a header may begin inside another, as FF FF does in FF FF FF

    def _discard(self, place: int) -> None:
        count = place - self._base
        self.discarded += count
        del self._buffer[:count]
        self._base = place
