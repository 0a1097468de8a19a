"""The records of an MCAP file, as far as it is whole: a damaged record is the end, never another value."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Footer, McapRecord, Message, Metadata, Statistics
from mcap.stream_reader import breakup_chunk
from zstandard import ZstdError

from sim2real.configs.regular_file import open_regular

_MAGIC: Final = b"\x89MCAP0\r\n"
_HEAD: Final = struct.Struct("<BQ")  # of a record: opcode, length
_FOOTER_COVERED: Final = 16  # bytes of the footer before its checksum, which covers the index and them
_CHUNK_BYTES_MAX: Final = 1 << 28  # a writer's chunks have some megabytes; more comes from a damaged length

_PASSED_OVER: Final = {
    Opcode.HEADER,
    Opcode.SCHEMA,
    Opcode.MESSAGE_INDEX,
    Opcode.CHUNK_INDEX,
    Opcode.ATTACHMENT,
    Opcode.ATTACHMENT_INDEX,
    Opcode.METADATA_INDEX,
    Opcode.SUMMARY_OFFSET,
}
_READ: Final[dict[int, Callable[[ReadDataStream], McapRecord]]] = {
    Opcode.CHANNEL: Channel.read,
    Opcode.CHUNK: Chunk.read,
    Opcode.METADATA: Metadata.read,
    Opcode.STATISTICS: Statistics.read,
    Opcode.DATA_END: DataEnd.read,
    Opcode.FOOTER: Footer.read,
}
_DAMAGE: Final = (McapError, struct.error, zlib.error, ValueError, EOFError, ZstdError, MemoryError, OverflowError)
"""What the library raises on damaged bytes."""


class LogRecords:
    """Reads one file in order: `for record in LogRecords(path)`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.whole = False
        """After reading: whether the file was finished by its writer and no checksum disagrees."""
        self.checksum = 0
        """After reading: of all bytes, if it is whole."""
        self.size = 0
        """Of the file, bytes."""

    def __iter__(self) -> Iterator[McapRecord]:
        """Yield metadata, channels, messages and statistics up to the end or the first damage. Raises OSError."""
        with open_regular(self._path) as file:  # a pipe would never come to its end
            self.size = os.fstat(file.fileno()).st_size
            try:
                yield from self._records(file)
            except _DAMAGE:
                return

    def _records(self, file: IO[bytes]) -> Iterator[McapRecord]:
        if self._read(file, len(_MAGIC)) != _MAGIC:
            return
        sound, data, index = True, True, 0
        while True:
            before = self.checksum
            head = self._read(file, _HEAD.size)
            opcode, length = _HEAD.unpack(head)
            content = self._read(file, length)
            if not data:
                covered = content if opcode != Opcode.FOOTER else content[:_FOOTER_COVERED]
                index = zlib.crc32(covered, zlib.crc32(head, index))
            if opcode in _PASSED_OVER:
                continue
            record = _parse(opcode, content)
            if isinstance(record, Chunk):
                yield from _of_chunk(record)
            elif isinstance(record, DataEnd):
                sound, data = record.data_section_crc in (before, 0), False  # 0: of a writer that does not compute it
            elif isinstance(record, Footer):
                sound = sound and record.summary_crc in (index, 0)
                self.whole = sound and self._read(file, len(_MAGIC)) == _MAGIC and not file.read(1)
                return
            elif data or isinstance(record, Statistics):  # what the index repeats is not needed
                yield record

    def _read(self, file: IO[bytes], length: int) -> bytes:
        if length > self.size:
            raise EOFError
        data = file.read(length)
        if len(data) < length:
            raise EOFError
        self.checksum = zlib.crc32(data, self.checksum)
        return data


def _parse(opcode: int, content: bytes) -> McapRecord:
    read = _READ.get(opcode)
    if read is None:
        raise ValueError(f"no record of a log has opcode {opcode}")
    stream = ReadDataStream(BytesIO(content))
    record = read(stream)
    if stream.count != len(content):
        raise ValueError("a record is longer than what is in it")
    return record


def _of_chunk(chunk: Chunk) -> list[Any]:
    if chunk.uncompressed_size > _CHUNK_BYTES_MAX:
        raise ValueError("no chunk of a log is so large")
    return [each for each in breakup_chunk(chunk, validate_crc=True) if isinstance(each, Channel | Message)]
