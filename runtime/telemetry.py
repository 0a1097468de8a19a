"""The log of a run: an MCAP file, written by a thread of its own from a ring that the loop fills.

File: one metadata record `sim2real` (contract, robot, policy digest), channel `/tick` with one JSON message per tick,
and at the end one metadata record `sim2real.run`. Numbers are written so that reading gives the same bits; NaN becomes
null, and infinity 1e999, which JSON readers read as infinity. Chunks are short, so that a killed process loses little.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from mcap.writer import Writer

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.record import TickRecord
from sim2real.runtime.ring import RingReader, SharedRing
from sim2real.runtime.row_layout import json_of
from sim2real.runtime.tick_fields import row_layout, tick_schema

TOPIC = "/tick"
METADATA = "sim2real"
RUN_METADATA = "sim2real.run"

CHUNK_BYTES = 16 * 1024
"""What a crash may cost of a log: some thirty ticks of a small robot."""

_DRAIN_PERIOD_S = 0.1
_SYNCHRONOUS_TICKS = 64


class TelemetryLog:
    """Writes the ticks of one run to a file.

    A full disk ends the log, not the run: `error` then says so, and what was written stays readable.

    Args:
        path: The file; overwritten. Its folder must exist.
        contract: Gives the sizes.
        metadata: Texts for the record `sim2real`.
        synchronous: Write in the calling thread, for runs on a virtual clock.

    Raises:
        UserError: The file cannot be opened or written.
    """

    def __init__(self, path: Path, contract: Contract, metadata: Mapping[str, str], *, synchronous: bool) -> None:
        self.path = path
        self.error = ""
        self.ticks = 0
        """Ticks written."""
        self.summary: dict[str, str] = {}
        """Texts for the record `sim2real.run`, written on closing."""
        self._ring = SharedRing(row_layout(contract))
        self._rows = RingReader(self._ring.fd)
        self._joints = list(contract.joint_names)
        try:
            self._file: IO[bytes] = path.open("wb")
            self._writer = Writer(self._file, chunk_size=CHUNK_BYTES)
            self._writer.start(profile="", library="sim2real")
            self._writer.add_metadata(METADATA, dict(metadata))
            schema = self._writer.register_schema(
                "sim2real.Tick", "jsonschema", json.dumps(tick_schema(contract)).encode()
            )
            self._channel = self._writer.register_channel(TOPIC, "json", schema, {"joints": ",".join(self._joints)})
            self._file.flush()
        except OSError as error:
            raise UserError(f"{path}: the log cannot be written: {error.strerror}") from error
        self._closed = False
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        if not synchronous:
            self._thread = threading.Thread(target=self._drain_until_done, name="telemetry", daemon=True)
            self._thread.start()

    @property
    def dropped(self) -> int:
        """Ticks that were overwritten in the ring before they were written."""
        return self._rows.lost

    def record(self, record: TickRecord) -> None:
        """Add one tick."""
        self._ring.push(record.pack())
        if self._thread is None and self._ring.written - self._rows.next >= _SYNCHRONOUS_TICKS:
            self._drain()

    def close(self) -> None:
        """Write what is left, the summary and the index; closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        self._drain()
        try:
            if not self.error:
                self._writer.add_metadata(RUN_METADATA, self.summary)
                self._writer.finish()  # type: ignore[no-untyped-call]  # mcap's own gap
            self._file.close()
        except OSError as error:
            self._fail(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _drain_until_done(self) -> None:
        while not self._done.wait(_DRAIN_PERIOD_S):
            self._drain()

    def _drain(self) -> None:
        try:
            while (row := self._rows.pop()) is not None:
                if self.error:
                    continue  # the ring is emptied all the same, so that nothing counts as lost
                tick = self._rows.layout.plain(row)
                time_ns = tick["time_ns"]
                self._writer.add_message(self._channel, time_ns, json_of(tick), time_ns, sequence=tick["tick"])
                self.ticks += 1
            if not self.error:
                self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self.error:
            self.error = f"{self.path}: the log ends early, {error.strerror}; what was written before stays readable"
