"""Reads the state of all motors of a bus with one request, and says which motors answered it.

Protocol 2.0 has no sequence numbers: the late reply to one request looks like the reply to the next of the same kind.
So what arrived before a request is thrown away, and after every exchange that was not perfect the next one asks for a
block of another length. A late reply then has the wrong length and is counted as unexpected.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sim2real.hardware.bus.transport import Transport, request_of
from sim2real.hardware.clock import Clock, ns_from_s
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

# The registers end after 10; what follows, trajectories, is not used. Ten exchanges must fail before a length comes
# again.
_MOTION_BYTES = tuple(range(10, 21))
_HEALTH_BYTES = 21
_BITS_PER_BYTE = 10  # 8N1
_NS_PER_MS = 1_000_000
_GAP_S = 0.0001  # silence between two status packets, generously
_READS_MAX = 1024  # of one exchange: a line that never falls silent must not hold the tick


def reading_registers(table: ControlTable) -> dict[str, Register]:
    """Return the registers of a motor's readings, by address; they lie at the same place in every model.

    Effort is Present Current, or Present Load where the model measures no current.
    """
    effort = table["present_current" if "present_current" in table else "present_load"]
    return {"effort": effort} | {name: table[register] for name, register in _HEALTH.items()}


class StateReader:
    """One sync or fast sync read each tick.

    Attributes:
        answered: (N,) whether each motor answered the last request.
        errors: (N,) error bytes of those that did.
        columns: (N,) each, the readings of those that did: effort, velocity, position; after a read with health
            voltage and temperature too.
    """

    def __init__(
        self,
        ids: Sequence[int],
        table: ControlTable,
        transport: Transport,
        clock: Clock,
        baudrate: int,
        fast: bool,
        margin_s: float,
        counters: BusCounters,
    ) -> None:
        self._ids = tuple(ids)
        self._index = {motor: index for index, motor in enumerate(ids)}
        self._transport, self._clock, self._counters = transport, clock, counters
        self._fast = fast
        self._decoder = Decoder()
        longest = len(self._ids) * (_HEALTH_BYTES + 11)
        self._buffer = memoryview(bytearray(2 * longest + FRAME_BYTES_MAX))
        fields = reading_registers(table)
        motion = {name: fields[name] for name in _MOTION}
        self._motion = [ReplyLayout(self._buffer, ids, motion, length, fast) for length in _MOTION_BYTES]
        self._health = ReplyLayout(self._buffer, ids, fields, _HEALTH_BYTES, fast)
        wire_s = 2 * longest * _BITS_PER_BYTE / baudrate + _GAP_S * len(self._ids)
        self._wait_ns = ns_from_s(wire_s + margin_s)
        self._wait_ms = -(-self._wait_ns // _NS_PER_MS)
        self._request = request_of(transport)
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
        """Ask all motors for their motion, and for voltage and temperature too if wanted.

        Returns:
            Whether all motors answered and none reports an error; otherwise see `answered` and `errors`.

        Raises:
            PortLostError: The port vanished.
        """
        if self._suspect:
            self._collect_late()
        layout = self._health if health else self._motion[self._variant]
        deadline_ns = self._clock.now_ns() + self._wait_ns
        received = self._request(layout.request, self._buffer, layout.reply_bytes, deadline_ns, self._wait_ms)
        if layout.perfect(received):
            self.answered, self.errors, self.columns = self._all, layout.errors, layout.columns
            self._suspect = False
            return True
        if layout.intact(received):
            self.answered, self.errors, self.columns = self._all, layout.errors, layout.columns
            self._suspect = False
            return self._sort_out_errors()
        self._variant = (self._variant + 1) % len(_MOTION_BYTES)
        self._suspect = True
        self._salvage(layout, received, deadline_ns)
        return self._sort_out_errors()

    def _layouts(self) -> tuple[ReplyLayout, ...]:
        return (*self._motion, self._health)

    def _collect_late(self) -> None:
        """Count what came after the last deadline: it is too late to be used."""
        self._decoder.reset()
        count = self._transport.read_into(self._buffer, self._clock.now_ns())
        self._counters.unexpected += sum(
            packet.error is not None for packet in self._decoder.feed(self._buffer[:count])
        )

    def _sort_out_errors(self) -> bool:
        """Take out the motors whose error byte says that the data are none; alerts come with good data."""
        refused = self.answered & ((self.errors & ~np.uint8(ALERT)) != 0)
        if refused.any():
            self.answered = self.answered & ~refused
            self._counters.corrupt += int(refused.sum())
        return bool(self.answered.all()) and not self.errors.any()

    def _salvage(self, layout: ReplyLayout, received: int, deadline_ns: int) -> None:
        """Find the replies in a stream that is not as expected: lost, late, damaged or stuffed ones."""
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
        """Tell whether everything has come that will: waiting for a motor whose reply was damaged is in vain."""
        if self._fast:
            at = bytes(self._buffer[:received]).find(layout.head)
            return 0 <= at <= received - layout.reply_bytes
        return int(self._some.sum()) + corrupt >= len(self._ids)

    def _take(self, layout: ReplyLayout, packet: Packet) -> None:
        """Take the status packet of one motor; fast ones are searched for in the raw bytes, as they may be cut off."""
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
            self._keep(index, packet.error, packet.parameters)

    def _take_fast(self, layout: ReplyLayout, received: int) -> None:
        data = bytes(self._buffer[:received])
        at = data.find(layout.head)
        while at >= 0 and not self._some.any():
            replies = fast_replies(data[at : at + layout.reply_bytes], layout.length)
            for index, (motor, error, values) in enumerate(replies):
                if motor != self._ids[index]:
                    break
                self._keep(index, error, values)
            at = data.find(layout.head, at + len(HEADER))

    def _keep(self, index: int, error: int, values: bytes) -> None:
        self._some[index] = True
        self._salvaged_errors[index] = error
        self._salvaging[index] = np.frombuffer(values, self._salvaging.dtype, 1)[0]

    def _count_missing(self, complete: bool, corrupt: int) -> None:
        missing = len(self._ids) - int(self._some.sum())
        damaged = missing if self._fast and complete else min(missing, corrupt)
        self._counters.corrupt += damaged
        self._counters.timeouts += missing - damaged
