"""An open serial port with the workbenches of one family or of all, and findings about the port itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sim2real.configs.command_line import typed
from sim2real.configs.families import family_speaking
from sim2real.configs.plugins import PluginError
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import Clock, MonotonicClock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import installed_families
from sim2real.hardware.imu.family import imu_workbenches
from sim2real.hardware.imu.workbench_interface import find_imu
from sim2real.hardware.workbench.interface import Finding, Workbench

_OPENING_BAUDRATE = 57_600  # supported by every port; each scan sets its own
_LATENCY_TIMER_MS_MAX = 1
_LISTEN_S = 0.15  # a factory-new IMU sends ten times a second


@dataclass(frozen=True)
class WorkbenchPort:
    """An open port with its workbenches."""

    serial: SerialPort
    buses: Mapping[str, Workbench]
    """The workbenches, by protocol."""
    broken: tuple[PluginError, ...] = ()
    """Errors of families that could not be loaded; their motors are not found."""

    def findings(self) -> list[Finding]:
        """Check the latency timer of a USB adapter; return nothing for ports without one."""
        timer_ms = self.serial.latency_timer_ms
        if timer_ms is None:
            return []
        ok = timer_ms <= _LATENCY_TIMER_MS_MAX
        advice = "it delays every reply: write 1 to latency_timer under /sys/bus/usb-serial/devices (udev)"
        return [Finding("latency timer", f"{timer_ms} ms", ok, "" if ok else advice)]


@contextmanager
def open_port(path: str, protocol: str | None = None) -> Iterator[WorkbenchPort]:
    """Open a port for the duration of the block.

    Args:
        path: Device path.
        protocol: Protocol of the only family to use; all families if None.

    Raises:
        HardwareError: The port does not open, or an IMU is on it: what it sends would be taken for replies.
        ConfigError: No installed family has the protocol.
        PluginError: The family cannot be loaded.
    """
    if protocol is not None:
        family_speaking(protocol)
    families, broken = installed_families()
    chosen = {name: family for name, family in families.items() if protocol in (None, name)}
    clock = MonotonicClock()
    serial = SerialPort(path, _OPENING_BAUDRATE, clock)
    try:
        _refuse_imu(serial, clock)
        buses = {name: family.workbench(serial, clock) for name, family in chosen.items()}
        yield WorkbenchPort(serial, buses, tuple(broken) if protocol is None else ())
    finally:
        serial.close()


def _refuse_imu(serial: SerialPort, clock: Clock) -> None:
    """Raise HardwareError if an IMU is on the port. It sends unasked, which motors do not."""
    serial.drain()
    if serial.read_into(memoryview(bytearray(64)), clock.now_ns() + ns_from_s(_LISTEN_S)) == 0:
        return
    found = find_imu(imu_workbenches(serial, clock))
    if found is not None:
        raise HardwareError(
            f"{serial.path} has no motors but an IMU ({found.protocol} at {found.baudrate} baud): "
            f"`{typed('imu', 'scan', '--port', serial.path)}`"
        )
