"""A serial port opened for bench work: the bench interfaces of one or all families on it, and its own findings."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.families import BENCHES
from sim2real.hardware.workbench.interface import BenchBus, Finding

_OPENING_BAUDRATE = 57_600  # any speed that every port can do; each search sets its own
_LATENCY_TIMER_MS_MAX = 1


@dataclass(frozen=True)
class BenchPort:
    """An open port."""

    serial: SerialPort
    buses: Mapping[str, BenchBus]
    """The bench interfaces, by protocol."""

    def findings(self) -> list[Finding]:
        """Look at the latency timer of a USB adapter; ports without one have nothing to report."""
        timer_ms = self.serial.latency_timer_ms
        if timer_ms is None:
            return []
        ok = timer_ms <= _LATENCY_TIMER_MS_MAX
        advice = "each reply waits so long: write 1 to latency_timer under /sys/bus/usb-serial/devices (udev)"
        return [Finding("latency timer", f"{timer_ms} ms", ok, "" if ok else advice)]


@contextmanager
def open_port(path: str, protocol: str | None = None) -> Iterator[BenchPort]:
    """Open a port for the block.

    Args:
        path: Device path.
        protocol: The one family to talk to; all if there is none.

    Raises:
        HardwareError: The port does not open, or no such protocol.
    """
    if protocol is not None and protocol not in BENCHES:
        raise HardwareError(f"no protocol {protocol!r}; valid: {', '.join(BENCHES)}")
    chosen = {name: make for name, make in BENCHES.items() if protocol in (None, name)}
    clock = MonotonicClock()
    serial = SerialPort(path, _OPENING_BAUDRATE, clock)
    try:
        yield BenchPort(serial, {name: make(serial, clock) for name, make in chosen.items()})
    finally:
        serial.close()
