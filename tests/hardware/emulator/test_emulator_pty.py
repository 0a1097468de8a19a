"""Laws of the emulator's pseudo-terminals: clients open and close ports, adapters are unplugged and replugged."""

import fcntl
import os
import select
import stat
import termios
import time
from pathlib import Path

import pytest
import serial
from pydantic import TypeAdapter
from served import served

from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.dynamixel.frame import Decoder, Instruction, encode
from sim2real.hardware.errors import PortLostError

pytestmark = pytest.mark.realtime

PING = encode(1, Instruction.PING)
PATIENCE_S = 30.0  # upper bound of waits; nothing is measured with it


def answers(path: str, request: bytes = PING, baudrate: int = 1_000_000) -> int:
    """Return the number of packets that a new client receives."""
    with serial.Serial(path, baudrate, timeout=0.3) as port:
        port.write(request)
        decoder, packets = Decoder(), 0
        while heard := port.read(max(1, port.in_waiting)):
            packets += len(decoder.feed(heard))
            port.timeout = 0.05  # the bytes of a reply arrive without a pause
        return packets


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_port_is_a_link_in_a_private_folder():
    with served() as server:
        path = Path(server.ports["main"])
        assert path.is_symlink()
        assert path.is_char_device()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


def test_clients_open_and_close_the_port():
    with served() as server:
        assert [answers(server.ports["main"]) for _ in range(5)] == [1] * 5


def test_half_a_frame_before_close_does_not_disturb_the_next_client():
    with served() as server:
        path = server.ports["main"]
        with serial.Serial(path, 1_000_000) as port:
            port.write(PING[:6])
        time.sleep(0.05)
        assert answers(path) == 1


def test_instructions_sent_before_close_reach_the_motor():
    with served() as server:
        motor = server.emulated.motors["pivot"]  # read only
        with serial.Serial(server.ports["main"], 1_000_000) as port:
            port.write(encode(1, Instruction.WRITE, b"\x41\x00\x01"))
        until(lambda: motor.memory.get("led") == 1)


def test_unread_bytes_are_discarded_for_the_next_client():
    with served() as server:
        path = server.ports["main"]
        with serial.Serial(path, 1_000_000) as port:
            port.write(PING)
            until(lambda: port.in_waiting == 14)
        time.sleep(0.05)
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            ready, _, _ = select.select([descriptor], [], [], 0.05)
            assert not ready
        finally:
            os.close(descriptor)


@pytest.mark.parametrize("baudrate", [9_600, 57_600, 4_000_000, 4_500_000])
def test_every_baud_rate_of_the_motors_works(baudrate):
    with served() as server:
        codes = {9_600: 0, 57_600: 1, 4_000_000: 6, 4_500_000: 7}
        path = server.ports["main"]
        assert answers(path, encode(1, Instruction.WRITE, bytes((8, 0, codes[baudrate])))) == 1
        assert answers(path) == 0
        assert answers(path, baudrate=baudrate) == 1


def test_a_port_opened_exclusively_works_for_the_next_client():
    with served() as server:
        for _ in range(3):
            descriptor = os.open(server.ports["main"], os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(descriptor, termios.TIOCEXCL)
            os.close(descriptor)
            assert answers(server.ports["main"]) == 1


def test_an_unplugged_port_vanishes_and_returns_at_the_same_path():
    entry = {"kind": "unplug", "bus": "main", "start": "50 ms", "duration": "300 ms"}
    faults = TypeAdapter(FaultsConfig).validate_python({"name": "unplug", "faults": [entry]})
    with served(faults=faults) as server:
        path = Path(server.ports["main"])
        port = SerialPort(str(path), 1_000_000, MonotonicClock())
        port.write(encode(1, Instruction.WRITE, bytes((98, 0, 5))) + encode(1, Instruction.WRITE, bytes((64, 0, 1))))

        def read_until_lost() -> None:
            while True:
                port.read_into(memoryview(bytearray(64)), time.monotonic_ns() + 20_000_000)

        with pytest.raises(PortLostError):
            read_until_lost()
        port.close()
        assert server.emulated.faults.injected == {"unplug": 1}
        until(path.exists)
        assert answers(str(path)) == 1
        assert server.emulated.motors["pivot"].watchdog_tripped


def test_close_twice_does_nothing():
    with served() as server:
        pass
    server.close()
