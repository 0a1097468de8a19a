"""Reads the state of all motors of a bus with one request, and tells which motors answered.

Protocol 2.0 has no sequence numbers, so a late reply looks like the reply to the next request of the same kind. Bytes
that arrived before a request are therefore discarded, and after an imperfect exchange the next request reads a block of
another length. A late reply then has the wrong length and is counted as unexpected.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sim2real.hardware.bus.timed_exchange import TimedExchange
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.dynamixel.frame import ALERT, BROADCAST, FRAME_BYTES_MAX, HEADER, Decoder, Packet, fast_replies
from sim2real.hardware.dynamixel.layout import ReplyLayout
from sim2real.hardware.dynamixel.registers import ControlTable, Register
from sim2real.hardware.types import BoolArray, BusCounters

_HEALTH = {
    "velocity": "present_velocity",
    "position": "present_position",
    "voltage": "present_input_voltage",
    "temperature": "present_temperature",
}
_MOTION = ("effort", "velocity", "position")

# The motion registers take 10 bytes; the bytes after them, trajectories, are ignored. A length is reused only after ten
# failed exchanges. The health block is longer than any of them; it begins with the motor's clock.
_MOTION_BYTES = tuple(range(10, 21))
_HEALTH_BYTES = 27
_READS_MAX = 1024  # per exchange: a line that never goes quiet must not block the tick


def reading_registers(table: ControlTable) -> dict[str, Register]:
    """Return the registers of a motor's readings, by address; their addresses are the same in every model.

    Effort is Present Current, or Present Load if the model measures no current.
    """
    effort = table["present_current" if "present_current" in table else "present_load"]
    return {"effort": effort} | {name: table[register] for name, register in _HEALTH.items()}


class StateReader(TimedExchange):
    """One sync or fast sync read per tick.

    Attributes:
        answered: (N,) whether each motor answered the last request.
        errors: (N,) error bytes of the motors that answered.
        columns: (N,) each, the readings of the motors that answered: effort, velocity, position; after a health read
            also voltage, temperature and clock (ms, wraps at 32768).
    """

    def __init__(
        self,
        ids: Sequence[int],
        table: ControlTable,
        transport: Transport,
        clock: Clock,
        baudrate: int,
        margin_s: float,
        *,
        fast: bool,
        counters: BusCounters,
    ) -> None:
        self._ids = tuple(ids)
        self._index = {motor: index for index, motor in enumerate(ids)}
        self._counters = counters
        self._fast = fast
        self._decoder = Decoder()
        longest = len(self._ids) * (_HEALTH_BYTES + 11)
        super().__init__(transport, clock, 2 * longest, len(self._ids), baudrate, margin_s)
        memory = bytearray(2 * longest + FRAME_BYTES_MAX)
        self._buffer = memoryview(memory)
        fields = reading_registers(table)
        motion = {name: fields[name] for name in _MOTION}
        fields = {"clock": table["realtime_tick"]} | fields
        self._motion = [ReplyLayout(memory, ids, motion, length, fast) for length in _MOTION_BYTES]
        self._health = ReplyLayout(memory, ids, fields, _HEALTH_BYTES, fast)
        self._layout = self._motion[0]
        self._variant = 0
        self._suspect = False
        self._fast_seen = False
        self._all = np.ones(len(self._ids), np.bool_)
        self._some = np.zeros(len(self._ids), np.bool_)
        self._salvaged_errors = np.zeros(len(self._ids), np.uint8)
        self._salvaged = {layout.length: np.zeros(len(self._ids), layout.data_dtype) for layout in self._layouts()}
        self._salvaging = self._salvaged[_HEALTH_BYTES]
        self.answered: BoolArray = self._some
        self.errors: npt.NDArray[np.uint8] = self._salvaged_errors
        self.columns: Mapping[str, npt.NDArray[np.integer[npt.NBitBase]]] = {}

    def read(self, health: bool) -> bool:
        """Ask, and collect the replies. Raises PortLostError."""
        self.ask(health)
        return self.collect()

    def ask(self, health: bool) -> int:
        """Ask all motors for effort, velocity and position; with `health` also for voltage, temperature and clock.

        Returns:
            Time of the request, ns; `asked_ns` keeps it.

        Raises:
            PortLostError: The port vanished.
        """
        if self._suspect:
            self._collect_late()
        self._layout = layout = self._health if health else self._motion[self._variant]
        return self._ask(layout.request)

    def collect(self) -> bool:
        """Collect the replies to `ask`.

        Returns:
            True if all motors answered and none reports an error; otherwise see `answered` and `errors`.

        Raises:
            PortLostError: The port vanished.
        """
        layout = self._layout
        received = self._collect(self._buffer, layout.reply_bytes)
        if layout.intact(received):
            self.answered, self.errors, self.columns = self._all, layout.errors, layout.columns
            self._suspect = False
            return layout.faultless() or self._exclude_refused()
        self._variant = (self._variant + 1) % len(_MOTION_BYTES)
        self._suspect = True
        self._salvage(layout, received, self._deadline_ns)
        return self._exclude_refused()

    def _layouts(self) -> tuple[ReplyLayout, ...]:
        return (*self._motion, self._health)

    def _collect_late(self) -> None:
        """Count replies that arrived after the last deadline; they are too late to be used."""
        self._decoder.reset()
        count = self._transport.read_into(self._buffer, self._clock.now_ns())
        self._counters.unexpected += sum(
            packet.error is not None for packet in self._decoder.feed(self._buffer[:count])
        )

    def _exclude_refused(self) -> bool:
        """Exclude motors whose error byte marks the data as invalid; data with only an alert are valid."""
        refused = self.answered & ((self.errors & ~np.uint8(ALERT)) != 0)
        if refused.any():
            self.answered = self.answered & ~refused
            self._counters.corrupt += int(refused.sum())
        return bool(self.answered.all()) and not self.errors.any()

    def _salvage(self, layout: ReplyLayout, received: int, deadline_ns: int) -> None:
        """Find the usable replies when some are lost, late, damaged or stuffed."""
        self._decoder.reset()
        self._fast_seen = False
        self._some[:] = False
        self._salvaged_errors[:] = 0
        self._salvaging = self._salvaged[layout.length]
        self.answered, self.errors = self._some, self._salvaged_errors
        self.columns = {name: self._salvaging[name] for name in layout.columns}
        corrupt_before = self._decoder.corrupt
        fed = 0
        complete = False
        for _ in range(_READS_MAX):
            for packet in self._decoder.feed(self._buffer[fed:received]):
                self._take(layout, packet)
            fed = received
            corrupt = self._decoder.corrupt - corrupt_before
            complete = self._complete(layout, received, corrupt)
            if complete or received == len(self._buffer) or self._clock.now_ns() >= deadline_ns:
                break
            received += self._transport.read_into(self._buffer[received:], deadline_ns)
            if received == fed:
                break
        if self._fast:
            self._take_fast(layout, received)
        self._count_missing(complete, self._decoder.corrupt - corrupt_before)

    def _complete(self, layout: ReplyLayout, received: int, corrupt: int) -> bool:
        """Return whether all replies have arrived, damaged ones included."""
        if self._fast:
            at = bytes(self._buffer[:received]).find(layout.head)
            return 0 <= at <= received - layout.reply_bytes
        return int(self._some.sum()) + corrupt >= len(self._ids)

    def _take(self, layout: ReplyLayout, packet: Packet) -> None:
        """Store the status packet of one motor. Fast ones may be cut off: `_take_fast` finds them in the raw bytes."""
        if packet.error is None:
            return  # echo of the request
        index = self._index.get(packet.id)
        if self._fast:
            asked = packet.id == BROADCAST and len(packet.parameters) + 11 == layout.reply_bytes
            self._counters.unexpected += self._fast_seen or not asked
            self._fast_seen |= asked
        elif index is None or self._some[index] or len(packet.parameters) != layout.length:
            self._counters.unexpected += 1
        else:
            self._store(index, packet.error, packet.parameters)

    def _take_fast(self, layout: ReplyLayout, received: int) -> None:
        data = bytes(self._buffer[:received])
        at = data.find(layout.head)
        while at >= 0 and not self._some.any():
            replies = fast_replies(data[at : at + layout.reply_bytes], layout.length)
            for index, (motor, error, values) in enumerate(replies):
                if motor != self._ids[index]:
                    break
                self._store(index, error, values)
            at = data.find(layout.head, at + len(HEADER))

    def _store(self, index: int, error: int, values: bytes) -> None:
        self._some[index] = True
        self._salvaged_errors[index] = error
        self._salvaging[index] = np.frombuffer(values, self._salvaging.dtype, 1)[0]

    def _count_missing(self, complete: bool, corrupt: int) -> None:
        missing = len(self._ids) - int(self._some.sum())
        damaged = missing if self._fast and complete else min(missing, corrupt)
        self._counters.corrupt += damaged
        self._counters.timeouts += missing - damaged
