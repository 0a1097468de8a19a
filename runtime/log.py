"""Reads the logs of runs, complete or cut off, of one file or of several."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from mcap.records import Channel, McapRecord, Message, Metadata, Statistics

from sim2real.configs.errors import UserError
from sim2real.hardware.types import BoolArray
from sim2real.runtime.contract.manifest import ContractError, from_metadata
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.log_file import CHECK, PREVIOUS, part_path, with_check
from sim2real.runtime.log_plan import EVENTS, METADATA, NOTICES, RUN_METADATA
from sim2real.runtime.log_records import LogRecords
from sim2real.runtime.states import State
from sim2real.runtime.tick_fields import FIELDS, array_of, logged_fields

_EARLIER_METADATA: Final = "sim2real"
_EARLIER_TOPIC: Final = "/tick"
"""Of logs of earlier versions, which had all fields of a tick in one message."""


@dataclass(frozen=True)
class RunLog:
    """The contents of a log."""

    metadata: dict[str, str]
    """The record about the run: contract, robot, policy digest."""
    run: dict[str, str]
    """The record about its end; empty when the log was cut off."""
    ticks: list[dict[str, Any]]
    """Fields of each tick by name, in order; numbers that were not finite are None, or infinite."""
    complete: bool
    """Whether all of it could be read; else the process was killed, the disk was full, or a file is damaged."""
    contract: Contract
    """The policy's."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Messages of `/events`: changes of state, interventions, faults."""
    notices: list[dict[str, Any]] = field(default_factory=list)
    """Messages of `/notices`: what opening the robot changed, what is missing."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The ticks, and what was read and done between them."""
    files: tuple[Path, ...] = ()
    """The parts that were read."""

    @property
    def running(self) -> BoolArray:
        """Whether the policy was in command, (ticks,)."""
        return np.array([tick["state"] == State.RUNNING.name for tick in self.ticks], np.bool_)


def read_log(path: Path) -> RunLog:
    """Read a log, as far as it was written and is not damaged; the parts that follow this file are read too.

    Raises:
        UserError: There is no such file, it is no log of this program, or one of a version with other fields.
    """
    first = _read_part(path)
    parts, files = [first], [path]
    for following in _following(path, first):
        part = _read_part(following) if following.exists() else None
        if part is None or part.metadata.get(PREVIOUS) != f"{parts[-1].size}:{parts[-1].checksum:08x}":
            break  # there is none, or it was left by another run
        parts.append(part)
        files.append(following)
    rows = [row for part in parts for row in part.ticks]
    ticks = [row for row in rows if not row.get("between")]
    contract = _contract(path, first.metadata)
    _check_fields(path, contract, rows)
    run = parts[-1].run
    complete = run is not None and all(part.whole for part in parts)
    texts = [[message for part in parts for message in part.texts[topic]] for topic in (EVENTS, NOTICES)]
    return RunLog(first.metadata, run or {}, ticks, complete, contract, texts[0], texts[1], rows, tuple(files))


class _Part:
    """What is in one file."""

    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        self.run: dict[str, str] | None = None
        self.ticks: list[dict[str, Any]] = []
        self.texts: dict[str, list[dict[str, Any]]] = {EVENTS: [], NOTICES: []}
        self.whole = False
        self.size = self.checksum = 0
        self._topics: dict[int, str] = {}
        self._messages = 0
        self._sound = True
        self._current: dict[str, Any] = {}
        self._current_topics: set[str] = set()
        self._sequence = self._texts_read = -1
        self._explained = True
        self._doubtful: tuple[int, int, int] | None = None

    def read(self, path: Path) -> None:
        """Read the file. Raises OSError."""
        records = LogRecords(path)
        try:
            for record in records:
                self._add(record)
        except (ValueError, RecursionError):
            self._sound = False  # what was read before it counts
        self._end_tick()
        self.whole = records.whole and self._sound
        self.size, self.checksum = records.size, records.checksum
        if not self.whole and self._doubtful is not None:  # a damaged record was passed over there
            ticks, events, notices = self._doubtful
            del self.ticks[ticks:], self.texts[EVENTS][events:], self.texts[NOTICES][notices:]
            self.run = None

    def _add(self, record: McapRecord) -> None:
        """Take one record. Raises ValueError if it is damaged."""
        if isinstance(record, Metadata):
            self._add_metadata(record)
        elif isinstance(record, Channel):
            self._topics[record.id] = record.topic
        elif isinstance(record, Message):
            self._messages += 1
            self._add_message(record)
        elif isinstance(record, Statistics) and record.message_count != self._messages:
            self._sound = False

    def _add_metadata(self, record: Metadata) -> None:
        texts = dict(record.metadata)
        if record.name == _EARLIER_METADATA:
            self.metadata = texts
        elif record.name in (METADATA, RUN_METADATA):
            check = texts.pop(CHECK, "")
            if record.name == RUN_METADATA and not check and self._is_earlier:
                self.run = texts
            elif with_check(texts)[CHECK] != check:
                raise ValueError("damaged metadata")
            elif record.name == METADATA:
                self.metadata = texts
            else:
                self.run = texts

    @property
    def _is_earlier(self) -> bool:
        return _EARLIER_TOPIC in self._topics.values()

    def _add_message(self, record: Message) -> None:
        topic = self._topics.get(record.channel_id, "")
        if topic in self.texts:
            if record.sequence != self._texts_read + 1 and self._texts_read >= 0:
                self._doubt()
            self._texts_read = record.sequence
            self.texts[topic].append(json.loads(record.data))
            self._explained |= topic == NOTICES
        elif topic in _TICK_TOPICS:
            if record.sequence != self._sequence or topic == _EARLIER_TOPIC:
                self._begin_tick(record.sequence)
            self._current |= json.loads(record.data)
            self._current_topics.add(topic)

    def _begin_tick(self, sequence: int) -> None:
        self._end_tick()
        if self._sequence >= 0 and sequence != self._sequence + 1 and not self._explained:
            self._doubt()
        self._sequence, self._explained = sequence, False

    def _doubt(self) -> None:
        """Remember where something is missing: in a file that is not whole, all after it is left out."""
        if self._doubtful is None:
            self._doubtful = (len(self.ticks), len(self.texts[EVENTS]), len(self.texts[NOTICES]))

    def _end_tick(self) -> None:
        """Keep the tick if all its messages are there; at the end of a damaged log they may not be."""
        expected = _TICK_TOPICS.intersection(self._topics.values())
        if self._current and self._current_topics == expected:
            for name in _OF_THE_MESSAGE:
                self._current.pop(name, None)
            self.ticks.append(self._current)
        self._current, self._current_topics = {}, set()


_TICK_TOPICS: Final = {field.topic for field in FIELDS} | {_EARLIER_TOPIC}
_OF_THE_MESSAGE: Final = ("header", "name")
"""What messages have beside the fields of a tick."""


def _read_part(path: Path) -> _Part:
    part = _Part()
    try:
        part.read(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if not part.metadata:
        raise UserError(f"{path}: not a log of `sim2real run`, or its beginning is damaged")
    return part


def _following(path: Path, first: _Part) -> Iterator[Path]:
    """Yield the paths of the parts after one."""
    number = int(first.metadata.get("part", "0"))
    base = path.with_name(re.sub(rf"\.{number}(?=\.[^.]*$)", "", path.name)) if number else path
    while True:
        number += 1
        yield part_path(base, number)


def _contract(path: Path, metadata: dict[str, str]) -> Contract:
    try:
        return from_metadata(metadata)[0]
    except ContractError as error:
        raise UserError(f"{path}: {error}; {_CURE}") from error


def _check_fields(path: Path, contract: Contract, ticks: list[dict[str, Any]]) -> None:
    """Refuse a log that lacks what is read here; one field more does no harm."""
    expected = [field.name for field in logged_fields(contract) if not field.added]
    for tick in ticks[:1]:  # the others are of the same writer
        if missing := [name for name in expected if name not in tick]:
            raise UserError(f"{path}: its ticks have no field {', '.join(map(repr, missing))}; {_CURE}")


_CURE = "read it with the version of sim2real that wrote it, or record the run again"


def signals_of(ticks: Sequence[Mapping[str, Any]]) -> Signals:
    """Return what the contract saw in some ticks of a log, one row a tick; what is null is NaN.

    The tip is NaN, as no robot measures it, and so are the joint targets: those of the tick before, which the replay
    takes from its own pipeline.
    """
    arrays = {
        field.signal: array_of(field, [tick.get(field.name, []) for tick in ticks]) for field in FIELDS if field.signal
    }
    unknown = np.full((len(ticks), 3), np.nan), np.full_like(arrays["joint_position"], np.nan)
    return Signals(**arrays, tip=unknown[0], joint_target=unknown[1])
