"""Laws of `sim2real imu`, and of what other commands say about an IMU with another baud rate than wanted."""

import json
import shlex
import signal
import subprocess
import sys
import time

import pytest
from command_lines import Session
from emulated import robot_of
from plugged import Plugged
from served import serving

from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.emulator.imu import ImuLine
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.witmotion.driver import WitMotionImu
from sim2real.hardware.witmotion.frame import BAUD_CODES, Register

PORT = "/dev/ttyUSB2"


def robot(baudrate: int):
    unit = ImuConfig(protocol="witmotion", baudrate=f"{baudrate} baud", rate="100 Hz", body="trunk", port=PORT)
    return robot_of().model_copy(update={"imus": {"trunk": unit}})


class Desk:
    """An IMU that was at 9600 baud when it was plugged in, and whose robot wants another baud rate."""

    def __init__(self, monkeypatch, wanted: int = 115_200) -> None:
        self.config = robot(wanted)
        plugged = Plugged(monkeypatch, ttyUSB2=(self.config, "trunk"))
        self.line: ImuLine = plugged.emulated[PORT].imus["trunk"]
        self.line.unit.restore({f"{Register.BAUD:#x}": BAUD_CODES[9600]})
        self.session = Session(monkeypatch)

    def type(self, line: str, status: int = 0) -> dict:
        return json.loads(self.session.type(f"{line} --json", status=status).splitlines()[0])

    def open(self) -> WitMotionImu:
        port = open_serial_ports(self.config.model_copy(update={"joints": {}}), {}, MonotonicClock())["trunk"]
        unit = WitMotionImu("trunk", self.config.imus["trunk"], port, MonotonicClock())
        unit.open()
        return unit


@pytest.fixture
def desk(monkeypatch) -> Desk:
    return Desk(monkeypatch)


def test_who_opens_a_robot_with_a_new_imu_is_told_its_baud_rate_and_one_command_that_sets_it(desk: Desk) -> None:
    with pytest.raises(HardwareError) as refused:
        desk.open()
    said = str(refused.value)
    assert "no answer from IMU 'trunk' at 115200 baud: it is at 9600" in said
    assert desk.line.unit.baudrate == 9600, "opening a robot changes no baud rate"
    (command,) = (words for words in said.split("`") if words.startswith("sim2real"))
    assert desk.type(command) == {"ok": True, "reasons": [], "baudrate": 115_200, "before": 9600, "written": True}
    desk.open().close()


def test_scan_tells_what_is_on_the_port_and_writes_nothing(desk: Desk) -> None:
    before = desk.line.unit.saved()
    (found,) = desk.type(f"sim2real imu scan --port {PORT}")["imus"]
    assert found == {
        "protocol": "witmotion",
        "baudrate": 9600,
        "rate": 10.0,
        "content": ["acceleration", "angular velocity", "angle", "magnetic field"],
    }
    assert desk.line.unit.saved() == before


def test_set_baud_twice_writes_once(desk: Desk) -> None:
    line = f"sim2real imu set-baud --port {PORT} --to 230400"
    assert desk.type(line)["written"]
    assert desk.type(line) == {"ok": True, "reasons": [], "baudrate": 230_400, "before": 230_400, "written": False}


@pytest.mark.parametrize("words", ["scan", "check", "show --id 1", "set-id --id 1 --to 2", "backup kept.yaml"])
def test_who_looks_for_motors_on_the_port_of_an_imu_is_told_what_it_is(desk: Desk, words: str, tmp_path) -> None:
    (reason,) = desk.type(f"sim2real motors {words.replace('kept', str(tmp_path / 'kept'))} --port {PORT}", 1)[
        "reasons"
    ]
    assert reason == f"{PORT} has no motors but an IMU (witmotion at 9600 baud): `sim2real imu scan --port {PORT}`"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("scan --port /dev/ttyUSB2 --baudrate 115200", "no IMU answers on /dev/ttyUSB2 at 115200 baud"),
        ("set-baud --port /dev/ttyUSB2 --to 250000", "250000 baud is not valid; valid: 4800, 9600"),
        ("set-baud --port /dev/ttyUSB2 --baudrate 57600 --to 9600", "no IMU answers on /dev/ttyUSB2 at 57600 baud"),
        ("set-baud --port /dev/ttyUSB7 --to 9600", "no such port"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(desk: Desk, words: str, said: str) -> None:
    (reason,) = desk.type(f"sim2real imu {words}", status=1)["reasons"]
    assert said in reason
    assert desk.line.unit.baudrate == 9600


@pytest.mark.realtime
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_ended_between_the_change_and_its_saving_the_unit_is_found(how: signal.Signals) -> None:
    with serving(robot(9600)) as server:
        unit, path = server.emulated.imus["trunk"].unit, server.ports["trunk"]
        words = [sys.executable, "-m", "sim2real.cli", "imu"]
        change = [*words, *shlex.split(f"set-baud --port {path} --baudrate 9600 --to 115200")]
        with subprocess.Popen(change, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            while unit.baudrate == 9600:
                assert process.poll() is None
                time.sleep(0.001)
            process.send_signal(how)
            errors = process.communicate()[1]
        assert process.returncode == (-how if how == signal.SIGKILL else 130)
        assert "Traceback" not in errors
        assert subprocess.run([*words, "scan", "--port", path], check=False).returncode == 0
        assert subprocess.run([*change[:-4], "--to", "115200"], check=False).returncode == 0
        unit.boot()
        assert unit.baudrate == 115_200
