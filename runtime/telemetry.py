"""The log of a run: a ring that the loop fills and another thread drains into an MCAP file.

File: one metadata record `sim2real` (contract, robot, policy digest), channel `/tick` with one JSON message per tick,
and at the end one metadata record `sim2real.run`. Numbers are written so that reading gives the same bits; NaN becomes
null, and infinity 1e999, which JSON readers read as infinity. Chunks are short, so that a killed process loses little.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from mcap.writer import Writer

from sim2real.configs.errors import UserError
from sim2real.hardware.types import ImuState
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.limits import Intervention
from sim2real.runtime.record import TickRecord
from sim2real.runtime.states import State
from sim2real.runtime.tick_schema import tick_schema
from sim2real.runtime.verdict import Reason

TOPIC = "/tick"
METADATA = "sim2real"
RUN_METADATA = "sim2real.run"

CHUNK_BYTES = 16 * 1024
"""What a crash may cost of a log: some thirty ticks of a small robot."""

_RING_TICKS = 4096  # 40 s at 100 Hz: longer than a disk stalls
_DRAIN_PERIOD_S = 0.1
_SYNCHRONOUS_TICKS = 64

_JOINT_ARRAYS = ("position", "velocity", "effort", "temperature", "voltage")


class Ring:
    """Ticks between one writer and one reader; fixed memory. When it is full new ticks are dropped, and counted."""

    def __init__(self, contract: Contract, capacity: int = _RING_TICKS) -> None:
        joints = len(contract.robot.joints)
        row = np.dtype(
            [
                *((name, np.int64) for name in ("tick", "time_ns", "state", "missed", "reasons")),
                *((name, np.bool_) for name in ("ran", "reset")),
                *((name, np.float64, (joints,)) for name in _JOINT_ARRAYS),
                *((name, np.int64, (joints,)) for name in ("stamp_ns", "faults", "bits")),
                ("fresh", np.bool_, (joints,)),
                ("observation", np.float32, (contract.observation_size,)),
                ("action", np.float32, (contract.action_size,)),
                *((name, np.float64, (joints,)) for name in ("target", "command_position", "command_velocity")),
                *((name, np.float64, (joints,)) for name in ("command_effort", "stiffness", "damping")),
                *_extra_columns(contract),
            ]
        )
        self._rows = np.zeros(capacity, row)
        self._column = {name: self._rows[name] for name in row.names or ()}
        self._has_imus = bool(contract.robot.imus)
        self._has_commands = bool(contract.commands)
        self._has_clock = contract.phase_frequency is not None
        self._capacity = capacity
        # Each is written by one side only, so no lock is needed: the reader never sees a row before it is whole.
        self._written = 0
        self._read = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._written - self._read

    def push(self, record: TickRecord) -> None:
        """Copy one tick into the ring."""
        if self._written - self._read >= self._capacity:
            self.dropped += 1
            return
        at, column = self._written % self._capacity, self._column
        column["tick"][at] = record.tick
        column["time_ns"][at] = record.time_ns
        column["state"][at] = record.state
        column["missed"][at] = record.missed
        column["reasons"][at] = record.reasons
        column["ran"][at] = record.ran
        column["reset"][at] = record.reset
        joints, command = record.joints, record.command
        column["position"][at] = joints.position
        column["velocity"][at] = joints.velocity
        column["effort"][at] = joints.effort
        column["temperature"][at] = joints.temperature
        column["voltage"][at] = joints.voltage
        column["stamp_ns"][at] = joints.stamp_ns
        column["faults"][at] = joints.faults
        column["fresh"][at] = joints.fresh
        column["bits"][at] = record.bits
        column["observation"][at] = record.observation
        column["action"][at] = record.action
        column["target"][at] = record.target
        column["command_position"][at] = command.position
        column["command_velocity"][at] = command.velocity
        column["command_effort"][at] = command.effort
        column["stiffness"][at] = command.stiffness
        column["damping"][at] = command.damping
        if self._has_imus:
            self._push_imus(record.imus, at)
        if self._has_commands:
            column["asked"][at] = record.asked
        if self._has_clock:
            column["clock"][at] = record.clock
        self._written += 1

    def _push_imus(self, imus: ImuState, at: int) -> None:
        column = self._column
        column["imu_angular_velocity"][at] = imus.angular_velocity
        column["imu_linear_acceleration"][at] = imus.linear_acceleration
        column["imu_orientation"][at] = imus.orientation
        column["imu_stamp_ns"][at] = imus.stamp_ns
        column["imu_faults"][at] = imus.faults

    def pop(self) -> dict[str, Any] | None:
        """Take the oldest tick as plain data; None when there is none."""
        if self._read == self._written:
            return None
        row = self._rows[self._read % self._capacity]
        tick = {name: row[name].tolist() for name in self._column}
        self._read += 1
        return tick


def _extra_columns(contract: Contract) -> list[tuple[str, type, tuple[int, ...]]]:
    """Return the columns that only some robots and tasks have."""
    imus, commands = len(contract.robot.imus), len(contract.commands)
    columns: list[tuple[str, type, tuple[int, ...]]] = []
    if imus:
        columns += [
            ("imu_angular_velocity", np.float64, (imus, 3)),
            ("imu_linear_acceleration", np.float64, (imus, 3)),
            ("imu_orientation", np.float64, (imus, 4)),
            ("imu_stamp_ns", np.int64, (imus,)),
            ("imu_faults", np.int64, (imus,)),
        ]
    if commands:
        columns.append(("asked", np.float64, (commands,)))
    if contract.phase_frequency is not None:
        columns.append(("clock", np.float64, (1,)))
    return columns


class TelemetryLog:
    """Writes the ticks of one run to a file.

    A disk that fills up ends the log, not the run: `error` then says so, and what was written stays readable.

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
        self._ring = Ring(contract)
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
        """Ticks that found the ring full and are not in the file."""
        return self._ring.dropped

    def record(self, record: TickRecord) -> None:
        """Note one tick."""
        self._ring.push(record)
        if self._thread is None and len(self._ring) >= _SYNCHRONOUS_TICKS:
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
            while (tick := self._ring.pop()) is not None:
                if self.error:
                    continue  # the ring is emptied all the same, so that the loop sees no difference
                time_ns = tick["time_ns"]
                self._writer.add_message(self._channel, time_ns, encode(tick), time_ns, sequence=tick["tick"])
                self.ticks += 1
            if not self.error:
                self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self.error:
            self.error = f"{self.path}: the log ends early, {error.strerror}; what was written before stays readable"


def encode(tick: Mapping[str, Any]) -> bytes:
    """Return the JSON of one tick; state and reasons by name."""
    message = dict(tick)
    message["state"] = State(tick["state"]).name
    message["reasons"] = [reason.name for reason in Reason(tick["reasons"])]
    message["interventions"] = [[limit.name for limit in Intervention(bits)] for bits in message.pop("bits")]
    text = json.dumps(message, separators=(",", ":"))
    if "NaN" in text or "Infinity" in text:  # no name in a message contains either word
        text = text.replace("NaN", "null").replace("Infinity", "1e999")
    return text.encode()
