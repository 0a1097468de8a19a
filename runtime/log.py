"""Reads the logs of runs, complete or cut off."""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mcap.exceptions import McapError
from mcap.records import Channel, McapRecord, Message, Metadata, Statistics
from mcap.stream_reader import StreamReader
from zstandard import ZstdError

from sim2real.configs.errors import UserError
from sim2real.hardware.types import BoolArray
from sim2real.runtime.contract.manifest import ContractError, from_metadata
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.states import State
from sim2real.runtime.telemetry import METADATA, RUN_METADATA, TOPIC
from sim2real.runtime.tick_fields import FIELDS, array_of, logged_fields


@dataclass(frozen=True)
class RunLog:
    """The contents of a log."""

    metadata: dict[str, str]
    """The record `sim2real`: contract, robot, policy digest."""
    run: dict[str, str]
    """The record `sim2real.run`; empty when the log was cut off."""
    ticks: list[dict[str, Any]]
    """Messages of `/tick` in order; numbers that were not finite are None, or infinite."""
    complete: bool
    """Whether all of it could be read; else the process was killed, the disk was full, or the file is damaged."""
    contract: Contract
    """The policy's."""

    @property
    def running(self) -> BoolArray:
        """Whether the policy was in command, (ticks,)."""
        return np.array([tick["state"] == State.RUNNING.name for tick in self.ticks], np.bool_)


def read_log(path: Path) -> RunLog:
    """Read a log, as far as it was written and is not damaged.

    Raises:
        UserError: There is no such file, it is no log of this program, or one of a version with other fields.
    """
    metadata: dict[str, dict[str, str]] = {}
    ticks: list[dict[str, Any]] = []
    channels: set[int] = set()
    complete = False
    try:
        with path.open("rb") as file:
            records = _records(StreamReader(file, validate_crcs=True))
            for record in records:
                if isinstance(record, Metadata):
                    metadata[record.name] = record.metadata
                elif isinstance(record, Channel) and record.topic == TOPIC:
                    channels.add(record.id)
                elif isinstance(record, Message) and record.channel_id in channels:
                    ticks.append(json.loads(record.data))
                elif isinstance(
                    record, Statistics
                ):  # of the index: a damaged record before it may have been passed over
                    complete = RUN_METADATA in metadata and record.message_count == len(ticks)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if METADATA not in metadata:
        raise UserError(f"{path}: not a log of `sim2real run`")
    contract = _contract(path, metadata[METADATA])
    _check_fields(path, contract, ticks)
    return RunLog(metadata[METADATA], metadata.get(RUN_METADATA, {}), ticks, complete, contract)


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


def _records(reader: StreamReader) -> Iterator[McapRecord]:
    """Yield records to the end of the file or its first damaged record: a killed writer leaves half of one."""
    records = reader.records
    while True:
        try:
            record = next(records, None)
        except (McapError, struct.error, zlib.error, ValueError, EOFError, ZstdError, MemoryError, OverflowError):
            return
        if record is None:
            return
        yield record
