"""An emulated IMU on its line: sends samples of the plant's motion at its baud rate."""

from collections import deque
from collections.abc import Callable

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.faults import FaultScript
from sim2real.hardware.emulator.line import NEVER, garbled, same_rate
from sim2real.hardware.imu.family import imu_family
from sim2real.hardware.imu.mounting import Mounting
from sim2real.hardware.imu.sample import Motion

_BITS = 10  # start, eight data bits, stop
_KEPT_BYTES_MAX = 4096  # not fetched by the client; size of a serial driver's buffer


class ImuLine:
    """A full-duplex line with one IMU; implements `Port`.

    A sample is skipped if the previous one is still on the wire, as on a line that is too slow for the sample rate.

    Attributes:
        unit: The emulated unit.
        plugged: False while the adapter, which powers the unit, is unplugged.
        dropped: Number of bytes that no client fetched.
    """

    streams = True
    blocked = False

    def __init__(
        self,
        name: str,
        config: ImuConfig,
        motion: Callable[[str], Motion],
        faults: FaultScript,
        seed: int = 0,
        start_ns: int = 0,
    ) -> None:
        """Make the line of a unit that is switched on at `start_ns`.

        Args:
            name: Name of the unit.
            config: Gives protocol, body and mounting.
            motion: Returns the present motion of a body, in the body's frame.
            faults: Faults of samples on the wire.
            seed: Seed of the unit's noise.
            start_ns: Start time, ns.
        """
        self.name = name
        self.plugged = True
        self.dropped = 0
        baudrate = round(config.baudrate)
        self.unit = imu_family(config.protocol).emulated_unit(baudrate, seed)
        self._body = config.body
        self._motion = motion
        self._faults = faults
        self._mounting = Mounting.of(config.mounting)
        self._baudrate = baudrate
        self._heard: deque[tuple[int, bytes, int]] = deque()
        self._sent_ns = 0  # end of the client's last byte
        self._busy_ns = 0  # end of the unit's last byte
        self._adapter: deque[tuple[int, bytes]] = deque()
        self._last_ns = 0  # delivery time of the adapter's last bytes: bytes stay in order
        self._kept = 0
        self._period_ns: int | None = None
        self._sample_ns = NEVER
        self._schedule_samples(start_ns)

    @property
    def next_ns(self) -> int:
        """Time of the next sample or command, ns."""
        if not self.plugged:
            return NEVER
        return min(self._sample_ns, self._heard[0][0]) if self._heard else self._sample_ns

    @property
    def instruction_next(self) -> bool:
        """Whether the next event is a sample, for which the plant must be up to date."""
        return self._sample_ns <= self.next_ns < NEVER

    @property
    def delivery_ns(self) -> int:
        """Time at which the adapter delivers the next bytes, ns."""
        return self._adapter[0][0] if self._adapter else NEVER

    def process(self, now_ns: int) -> None:
        """Process a command or send a sample; the plant is up to date."""
        if self._heard and self._heard[0][0] <= now_ns:
            _, data, baudrate = self._heard.popleft()
            if same_rate(self.unit.baudrate, baudrate):
                speed = self.unit.baudrate  # a reply to a command that changes the baud rate has the old one
                self._transmit(max(now_ns, self._busy_ns), self.unit.receive(data, now_ns), speed)
                if self.unit.period_ns != self._period_ns:
                    self._schedule_samples(now_ns)
        elif self._sample_ns <= now_ns and self._period_ns is not None:
            if self._sample_ns >= self._busy_ns:
                body, mounting = self._motion(self._body), self._mounting
                motion = Motion(
                    mounting.unit_orientation(body.orientation),
                    mounting.to_unit(body.angular_velocity),
                    mounting.to_unit(body.linear_acceleration),
                )
                self._transmit(self._sample_ns, self.unit.sample(motion, self._sample_ns), self.unit.baudrate)
            self._sample_ns += self._period_ns

    def set_baudrate(self, baudrate: int) -> None:
        """Change the client's baud rate; an incomplete command is lost, and so is what is on the wire."""
        if baudrate != self._baudrate:
            if not same_rate(baudrate, self._baudrate):
                self._adapter = deque((time_ns, garbled(data)) for time_ns, data in self._adapter)
            self._baudrate = baudrate
            self.unit.interrupt()

    def send(self, now_ns: int, data: bytes) -> int:
        """Send the client's bytes, after any bytes it is still sending; return the end of the last byte, ns."""
        self._sent_ns = max(now_ns, self._sent_ns) + _wire_ns(len(data), self._baudrate)
        self._heard.append((self._sent_ns, data, self._baudrate))
        return self._sent_ns

    def take(self, now_ns: int) -> bytes:
        """Return the next bytes that the adapter delivers by `now_ns`; empty if there are none."""
        if self.delivery_ns > now_ns:
            return b""
        _, data = self._adapter.popleft()
        self._kept -= len(data)
        return data

    def hang_up(self) -> None:
        """Discard bytes that no client has fetched."""
        self._adapter.clear()
        self._kept = 0

    def plug(self, plugged: bool) -> None:
        """Unplug the adapter, which cuts the unit's power, or plug it in again."""
        self.hang_up()
        self._heard.clear()
        if plugged and not self.plugged:
            self.unit.boot()
        self.plugged = plugged

    def _schedule_samples(self, now_ns: int) -> None:
        """Schedule the next sample from the unit's present period."""
        self._period_ns = self.unit.period_ns
        self._sample_ns = NEVER if self._period_ns is None else now_ns + self._period_ns

    def _transmit(self, start_ns: int, data: bytes, baudrate: int) -> None:
        if not data:
            return
        self._busy_ns = start_ns + _wire_ns(len(data), baudrate)
        heard = data if same_rate(baudrate, self._baudrate) else garbled(data)
        for delivery in self._faults.deliver(self.name, heard, self._busy_ns):
            if self._kept + len(delivery.data) > _KEPT_BYTES_MAX:
                self.dropped += len(delivery.data)
                continue
            self._kept += len(delivery.data)
            self._last_ns = max(self._last_ns, self._busy_ns + delivery.delay_ns)
            self._adapter.append((self._last_ns, delivery.data))


def _wire_ns(count: int, baudrate: int) -> int:
    """Return the time of `count` bytes on the wire, ns."""
    return -(-count * _BITS * NS_PER_S // baudrate)
