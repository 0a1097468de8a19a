"""Reads the logs of runs, whole or cut off."""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mcap.exceptions import McapError
from mcap.records import Channel, McapRecord, Message, Metadata
from mcap.stream_reader import StreamReader

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.telemetry import METADATA, RUN_METADATA, TOPIC


@dataclass(frozen=True)
class RunLog:
    """What a log holds."""

    metadata: dict[str, str]
    """The record `sim2real`: contract, robot, policy digest."""
    run: dict[str, str]
    """The record `sim2real.run`; empty when the log was cut off."""
    ticks: list[dict[str, Any]]
    """Messages of `/tick` in order; numbers that were not finite are None, or infinite."""
    complete: bool
    """Whether the log was closed; else the process was killed or the disk was full."""


def read_log(path: Path) -> RunLog:
    """Read a log as far as it goes.

    Raises:
        UserError: There is no such file, or it is no log of this program.
    """
    metadata: dict[str, dict[str, str]] = {}
    ticks: list[dict[str, Any]] = []
    channels: set[int] = set()
    complete = False
    try:
        with path.open("rb") as file:
            records = _records(StreamReader(file))
            for record in records:
                if isinstance(record, Metadata):
                    metadata[record.name] = record.metadata
                elif isinstance(record, Channel) and record.topic == TOPIC:
                    channels.add(record.id)
                elif isinstance(record, Message) and record.channel_id in channels:
                    ticks.append(json.loads(record.data))
            complete = RUN_METADATA in metadata
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if METADATA not in metadata:
        raise UserError(f"{path}: not a log of `sim2real run`")
    return RunLog(metadata[METADATA], metadata.get(RUN_METADATA, {}), ticks, complete)


_SIGNALS = ("position", "velocity", "effort", "imu_angular_velocity", "imu_orientation", "asked", "clock")
"""Of a logged tick, in the order of the fields of `Signals`; those of IMUs, commands and phase where there are any."""


def signals_of(ticks: Sequence[Mapping[str, Any]]) -> Signals:
    """Return what the contract saw in some ticks of a log, one row a tick; what is null is NaN."""
    columns = ([tick.get(name, []) for tick in ticks] for name in _SIGNALS)
    return Signals(*(array_of(column, np.float64) for column in columns))


def array_of(values: list[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return logged values, nested or not, as an array; what is null is NaN."""
    return np.array(_filled(values), dtype)


def _filled(values: list[Any]) -> list[Any]:
    return [_filled(each) if isinstance(each, list) else np.nan if each is None else each for each in values]


def _records(reader: StreamReader) -> Iterator[McapRecord]:
    """Yield records up to where the file ends or stops to make sense: a killed writer leaves half a record."""
    records = reader.records
    while True:
        try:
            record = next(records, None)
        except (McapError, struct.error, zlib.error, ValueError, EOFError):
            return
        if record is None:
            return
        yield record
