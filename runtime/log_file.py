"""The files of a log: MCAP, in chunks that a killed process or a full disk leaves readable; rotated to bound memory.

Numbers are written so that reading gives the same bits. A chunk ends after half a second of the run, so that no more
than that is lost. MCAP's own checksums cover the chunks and the file; the records about the run carry one of their own,
because MCAP has none for them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast
from zlib import crc32

import numpy as np
from mcap.writer import Writer

from sim2real.runtime.log_events import EventFinder, LogEvent
from sim2real.runtime.log_messages import event_message, tick_message
from sim2real.runtime.log_plan import CONTRACT, EVENTS, METADATA, NOTICES, RUN_METADATA, LogPlan

CHUNK_NS: Final = 500_000_000
"""Longest time of the run in one chunk."""

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Largest chunk, for runs at kilohertz."""

CHECK: Final = "crc32"
"""Key of a metadata record's checksum, of its other entries."""

PREVIOUS: Final = "previous"
"""Key of the checksum of the file before, in the metadata of a rotated log."""


@dataclass(frozen=True)
class Rotation:
    """When a log goes on in a new file; the index of a file is kept in memory until it is closed."""

    seconds: float = 1800.0
    """Of the run."""
    megabytes: float = 512.0

    def over(self, elapsed_ns: int, size: int) -> bool:
        """Return whether a file is full."""
        return elapsed_ns >= self.seconds * 1e9 or size >= self.megabytes * 1e6


def part_path(path: Path, part: int) -> Path:
    """Return the path of a part of a log: `run.mcap`, `run.1.mcap`, `run.2.mcap`."""
    return path if part == 0 else path.with_suffix(f".{part}{path.suffix}")


def with_check(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of a metadata record with their checksum."""
    return {**texts, CHECK: f"{crc32(json.dumps(sorted(texts.items())).encode()):08x}"}


class LogFile:
    """Writes the rows of one run.

    Args:
        path: Of the first file; overwritten.
        plan: What is written.
        rotation: When to go on in a new file.

    Raises:
        OSError: The file cannot be opened or written.
    """

    def __init__(self, path: Path, plan: LogPlan, rotation: Rotation) -> None:
        self.ticks = 0
        """Ticks written."""
        self._path = path
        self._plan = plan
        self._rotation = rotation
        names = next((channel.joints for channel in plan.channels if channel.joints), ())
        self._events = EventFinder(names)
        self._part = 0
        self._begun_ns: int | None = None
        self._newest_ns = self._flushed_ns = 0
        self._rows = self._texts = 0
        self._open({})

    def write(self, row: np.void) -> None:
        """Add one tick. Raises OSError."""
        tick = self._plan.layout.plain(row)
        time_ns = tick["time_ns"]
        if self._begun_ns is None:
            self._begun_ns = self._flushed_ns = time_ns
            self._add(self._numbers[CONTRACT], time_ns, self._plan.contract.encode(), 1)
        elif self._rotation.over(time_ns - self._begun_ns, self._file.size):
            self._rotate(time_ns)
        elif time_ns - self._flushed_ns >= CHUNK_NS:
            self.flush()
            self._flushed_ns = time_ns
        self._rows += 1
        for channel, number in self._of_ticks:
            self._add(number, time_ns, tick_message(channel, tick), self._rows)
        self._newest_ns = time_ns
        self.ticks += not tick.get("between", False)
        for event in self._events.of_tick(tick):
            self._say(EVENTS, event)

    def note(self, level: str, about: str, message: str) -> None:
        """Add a notice: what opening the robot changed, what was lost. Raises OSError."""
        self._say(NOTICES, LogEvent(self._newest_ns, level, about, message))

    def skip(self, rows: int) -> None:
        """Say that rows are missing here. Raises OSError."""
        self._rows += rows
        self.note("warning", "log", f"{rows} ticks are missing here: the writer did not keep up")

    def flush(self) -> None:
        """End the chunk and hand all of it to the operating system. Raises OSError."""
        self._writer.flush()  # type: ignore[no-untyped-call]  # mcap's own gap

    def close(self, run: Mapping[str, str]) -> None:
        """Write how the run ended, and the index. Raises OSError."""
        self._say(EVENTS, LogEvent(self._newest_ns, "info", "state", _end(run)))
        self._finish(run)

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        self._file.close()

    def _open(self, extra: Mapping[str, str]) -> None:
        self._file = _CountedFile(part_path(self._path, self._part))
        self._writer = Writer(cast(IO[bytes], self._file), chunk_size=CHUNK_BYTES, enable_data_crcs=True)
        self._writer.start(profile="", library="sim2real")
        self._writer.add_metadata(METADATA, with_check({**self._plan.metadata, **extra}))
        self._numbers: dict[str, int] = {}
        for channel in self._plan.channels:
            schema = self._writer.register_schema(channel.schema_name, "jsonschema", channel.schema.encode())
            self._numbers[channel.topic] = self._writer.register_channel(
                channel.topic, "json", schema, channel.metadata
            )
        self._of_ticks = [(channel, self._numbers[channel.topic]) for channel in self._plan.channels if channel.fields]
        self._begun_ns = None
        self.flush()

    def _rotate(self, time_ns: int) -> None:
        self._finish(None)
        self._part += 1
        self._open({"part": str(self._part), PREVIOUS: f"{self._file.size}:{self._file.checksum:08x}"})
        self._begun_ns = self._flushed_ns = time_ns
        self._add(self._numbers[CONTRACT], time_ns, self._plan.contract.encode(), 1)

    def _finish(self, run: Mapping[str, str] | None) -> None:
        self.flush()
        if run is not None:
            self._writer.add_metadata(RUN_METADATA, with_check(run))
        self._writer.finish()  # type: ignore[no-untyped-call]  # mcap's own gap
        self._file.close()

    def _say(self, topic: str, event: LogEvent) -> None:
        self._texts += 1
        self._add(self._numbers[topic], event.time_ns, event_message(event), self._texts)

    def _add(self, channel: int, time_ns: int, data: bytes, sequence: int) -> None:
        self._writer.add_message(channel, time_ns, data, time_ns, sequence=sequence)


class _CountedFile:
    """A file whose size and checksum are known. What is written is in the operating system's hands at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.size = self.checksum = 0

    def write(self, data: bytes) -> int:
        """Write all of it, as far as there is room."""
        left = memoryview(data)
        while left:
            done = self._file.write(left) or 0
            self.size += done
            self.checksum = crc32(left[:done], self.checksum)
            left = left[done:]
        return len(data)

    def tell(self) -> int:
        """Return the size."""
        return self.size

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._file.close()


def _end(run: Mapping[str, str]) -> str:
    return "run ended: " + ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in run.items())
