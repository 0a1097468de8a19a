"""Laws of the serial port, on a pseudo-terminal."""

import os
import pty
import termios
import threading
from contextlib import suppress

import pytest
from scripted_motors import ROBOT

from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.robot_ports import open_serial_ports

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def pair():
    """Return the file descriptor of the master end, and the path of the client end."""
    far, near = pty.openpty()
    path = os.ttyname(near)
    yield far, path, near
    for descriptor in (far, near):
        try:
            os.close(descriptor)
        except OSError:
            continue


@pytest.fixture
def clock():
    return MonotonicClock()


def within(clock, seconds):
    return clock.now_ns() + round(seconds * 1e9)


def read_exactly(descriptor, count):
    data = b""
    while len(data) < count:
        data += os.read(descriptor, count - len(data))
    return data


def test_every_byte_goes_through_both_ways(pair, clock):
    far, path, _ = pair
    port = SerialPort(path, 1_000_000, clock)
    port.write(EVERY_BYTE)
    assert read_exactly(far, 256) == EVERY_BYTE
    os.write(far, EVERY_BYTE)
    buffer, received = memoryview(bytearray(300)), 0
    while received < 256:
        count = port.read_into(buffer[received:], within(clock, 5))
        assert count > 0
        received += count
    assert bytes(buffer[:256]) == EVERY_BYTE
    port.close()


def test_the_baud_rate_is_set_on_the_port(pair, clock):
    far, path, _ = pair
    port = SerialPort(path, 1_000_000, clock)
    assert termios.tcgetattr(far)[4] == termios.B1000000
    port.set_baudrate(57_600)
    assert termios.tcgetattr(far)[4] == termios.B57600
    port.close()


def test_a_port_without_latency_settings_is_accepted(pair, clock):
    port = SerialPort(pair[1], 1_000_000, clock)
    assert port.latency_timer_ms is None
    assert not port.low_latency
    port.close()


def test_waiting_ends_at_the_deadline(pair, clock):
    port = SerialPort(pair[1], 1_000_000, clock)
    deadline_ns = within(clock, 0.01)
    assert port.read_into(memoryview(bytearray(8)), deadline_ns) == 0
    assert clock.now_ns() >= deadline_ns
    assert port.read_into(memoryview(bytearray(8)), deadline_ns) == 0, "a deadline that has passed does not wait"
    port.close()


def test_drain_discards_received_bytes(pair, clock):
    far, path, _ = pair
    port = SerialPort(path, 1_000_000, clock)
    os.write(far, b"stale")
    port.drain()
    os.write(far, b"new")
    buffer = memoryview(bytearray(8))
    assert bytes(buffer[: port.read_into(buffer, within(clock, 5))]) == b"new"
    port.close()


def test_more_than_the_kernel_takes_at_once_is_sent_in_parts(pair, clock):
    far, path, _ = pair
    port = SerialPort(path, 1_000_000, clock)
    data = EVERY_BYTE * 400
    got = []
    reader = threading.Thread(target=lambda: got.append(read_exactly(far, len(data))))
    reader.start()
    port.write(data)
    reader.join(timeout=20)
    assert got == [data]
    port.close()


@pytest.mark.slow
def test_a_port_that_accepts_no_bytes_is_lost(pair, clock):
    port = SerialPort(pair[1], 1_000_000, clock)
    with pytest.raises(PortLostError, match="takes no data"):
        port.write(bytes(20_000))
    port.close()


@pytest.mark.realtime
def test_sending_without_waiting_succeeds_on_a_blocked_port_because_what_it_holds_is_discarded(pair, clock):
    far, path, _ = pair
    port = SerialPort(path, 1_000_000, clock)
    assert port.write_now(b"free")
    assert read_exactly(far, 4) == b"free"
    with pytest.raises(PortLostError, match="takes no data"):
        port.write(b"old" * 10_000)
    assert port.write_now(b"torque off")
    os.set_blocking(far, False)
    got = b""
    with suppress(BlockingIOError):
        while True:
            got += os.read(far, 100_000)
    assert got.endswith(b"torque off")
    port.close()


@pytest.mark.realtime
def test_a_port_that_comes_back_is_opened_again_with_its_baud_rate(tmp_path, clock):
    link = tmp_path / "port"
    first, near = pty.openpty()
    link.symlink_to(os.ttyname(near))
    port = SerialPort(str(link), 1_000_000, clock)
    port.set_baudrate(57_600)
    port.reopen()  # nothing to do
    os.close(near)
    os.close(first)
    link.unlink()
    with pytest.raises(PortLostError, match="does not open again"):
        port.reopen()
    with pytest.raises(PortLostError, match="vanished"):
        port.write(b"x")
    again, near = pty.openpty()
    link.symlink_to(os.ttyname(near))
    port.reopen()
    port.write(b"back")
    assert read_exactly(again, 4) == b"back"
    assert termios.tcgetattr(again)[4] == termios.B57600
    port.close()
    with pytest.raises(PortLostError, match="closed"):
        port.reopen()
    os.close(near)
    os.close(again)


def test_a_vanished_port_is_lost(pair, clock):
    far, path, near = pair
    port = SerialPort(path, 1_000_000, clock)
    os.close(near)
    os.close(far)
    acts = (
        lambda: port.write(b"x"),
        lambda: port.read_into(memoryview(bytearray(8)), within(clock, 0.1)),
        port.drain,
        lambda: port.set_baudrate(57_600),
    )
    for act in acts:
        with pytest.raises(PortLostError, match="vanished"):
            act()
    port.close()
    port.close()


def test_a_closed_port_is_lost(pair, clock):
    port = SerialPort(pair[1], 1_000_000, clock)
    port.close()
    port.close()
    for act in (lambda: port.write(b"x"), port.drain, lambda: port.read_into(memoryview(bytearray(1)), 0)):
        with pytest.raises(PortLostError, match="closed"):
            act()


def test_a_port_that_is_open_elsewhere_is_busy(pair, clock):
    port = SerialPort(pair[1], 1_000_000, clock)
    with pytest.raises(HardwareError, match=f"port busy: {pair[1]} is open in another program"):
        SerialPort(pair[1], 1_000_000, clock)
    port.close()
    SerialPort(pair[1], 1_000_000, clock).close()


def test_a_port_that_does_not_open_is_one_line(tmp_path, clock):
    file = tmp_path / "file"
    file.write_text("")
    for path, reason in (
        (tmp_path / "none", "does not exist"),
        (file, "is not a serial port"),
        (tmp_path, "cannot be opened"),
    ):
        with pytest.raises(HardwareError, match=reason) as raised:
            SerialPort(str(path), 1_000_000, clock)
        assert "\n" not in str(raised.value)


def test_ports_of_a_robot_are_those_of_its_buses(pair, clock):
    ports = open_serial_ports(ROBOT, {"main": pair[1]}, clock)
    assert list(ports) == ["main"]
    ports["main"].close()
    with pytest.raises(HardwareError, match=r"no bus 'arm'; valid: main"):
        open_serial_ports(ROBOT, {"arm": pair[1]}, clock)
    without = ROBOT.model_copy(update={"buses": {"main": ROBOT.buses["main"].model_copy(update={"port": None})}})
    with pytest.raises(HardwareError, match="no port for bus 'main'"):
        open_serial_ports(without, {}, clock)


@pytest.mark.realtime
def test_ports_that_opened_are_closed_when_another_fails(pair, clock):
    buses = {"main": ROBOT.buses["main"], "arm": ROBOT.buses["main"].model_copy(update={"port": "/dev/none"})}
    pivot = ROBOT.joints["pivot"]
    robot = ROBOT.model_copy(
        update={"buses": buses, "joints": {"a": pivot, "b": pivot.model_copy(update={"bus": "arm"})}}
    )
    with pytest.raises(HardwareError, match="/dev/none"):
        open_serial_ports(robot, {"main": pair[1]}, clock)
    SerialPort(pair[1], 1_000_000, clock).close()
