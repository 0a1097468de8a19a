"""Laws of the `motors` command, on emulated motors behind a pseudo-terminal."""

import json
import threading

import pytest
from emulated import robot_of
from typer.testing import CliRunner

from hardware.clock import MonotonicClock
from hardware.commands.motors import app
from hardware.emulator.plant import InertiaPlant
from hardware.emulator.pty import PtyServer
from hardware.emulator.robot import EmulatedRobot
from hardware.serial_port import SerialPort

SPEED = ("--baudrate", "1000000")


@pytest.fixture
def emulated():
    robot = robot_of(2)
    return EmulatedRobot(robot, InertiaPlant(robot), start_ns=MonotonicClock().now_ns())


@pytest.fixture
def port(emulated):
    server = PtyServer(emulated, report=lambda line: None)
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop,))
    thread.start()
    yield server.ports["main"]
    stop.set()
    thread.join(timeout=20)
    server.close()


def run(*arguments, code=0):
    """Return the document that a command prints; its one line of error is in `reasons`."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, (result.output, result.exception)
    lines = result.stdout.splitlines()
    assert len(lines) == 1
    document = json.loads(lines[0])
    assert document["ok"] == (code == 0)
    return document


def failure(*arguments):
    document = run(*arguments, code=1)
    (reason,) = document["reasons"]
    assert "\n" not in reason
    return reason


def test_scan_lists_who_is_there(port):
    document = run("scan", "--port", port, *SPEED)
    first = {
        "id": 1,
        "protocol": "dynamixel2",
        "baudrate": 1_000_000,
        "model_number": 1020,
        "model": "XM430-W350",
        "firmware": 46,
    }
    assert document["motors"] == [first, first | {"id": 2}]


def test_scan_of_a_speed_at_which_nobody_talks_is_empty(port):
    assert run("scan", "--port", port, "--baudrate", "57600")["motors"] == []


def test_show_reads_the_whole_table(port):
    document = run("show", "--port", port, "--id", "2", *SPEED)
    registers = document["registers"]
    assert document["model"] == "XM430-W350"
    assert (registers["id"], registers["return_delay_time"], registers["current_limit"]) == (2, 250, 1193)
    assert len(registers) > 40


def test_show_prints_text_too(port):
    result = CliRunner().invoke(app, ["show", "--port", port, "--id", "1", *SPEED])
    assert result.exit_code == 0
    assert "present_position" in result.stdout


def test_a_motor_that_is_not_there_is_one_line(port):
    assert "no motor answers to id 9 at 1000000 baud" in failure("show", "--port", port, "--id", "9", *SPEED)


def test_set_id_moves_a_motor(port):
    assert run("set-id", "--port", port, "--id", "2", "--to", "7", *SPEED)["id"] == 7
    assert [motor["id"] for motor in run("scan", "--port", port, *SPEED)["motors"]] == [1, 7]


@pytest.mark.parametrize(
    ("to", "reason"), [("1", "id 1 is taken by XM430-W350"), ("2", "has this id already"), ("253", "valid: 0 to 252")]
)
def test_set_id_refuses_what_cannot_be(port, to, reason):
    assert reason in failure("set-id", "--port", port, "--id", "2", "--to", to, *SPEED)


def test_eeprom_is_left_alone_while_torque_is_on(port, emulated):
    emulated.motors["joint2"].write(64, b"\x01", emulated.now_ns)
    for command, to in (("set-id", "7"), ("set-baud", "57600")):
        assert "has torque on" in failure(command, "--port", port, "--id", "2", "--to", to, *SPEED)


def test_set_baud_changes_the_speed_of_one_motor(port):
    assert run("set-baud", "--port", port, "--id", "2", "--to", "57600", *SPEED)["before"] == 1_000_000
    assert [motor["id"] for motor in run("scan", "--port", port, "--baudrate", "57600")["motors"]] == [2]
    assert run("show", "--port", port, "--id", "2")["baudrate"] == 57_600, "without --baudrate every speed is tried"
    assert "valid: 9600" in failure("set-baud", "--port", port, "--id", "1", "--to", "5", *SPEED)


def test_check_of_new_motors_is_well_with_a_note_on_return_delay(port):
    document = run("check", "--port", port, *SPEED)
    assert [motor["id"] for motor in document["motors"]] == [1, 2]
    findings = {finding["what"]: finding for finding in document["motors"][0]["findings"]}
    expected = {"hardware error", "voltage", "temperature", "firmware", "baud rate", "return delay", "shutdown mask"}
    assert set(findings) == expected
    assert findings["return delay"]["advice"] == "opening the robot sets it to 0 and says so"
    assert all(finding["ok"] for finding in findings.values())


def test_check_of_nobody_is_one_line(port):
    assert "check power" in failure("check", "--port", port, "--baudrate", "57600")


def test_reboot_brings_a_motor_back_with_torque_off(port, emulated):
    emulated.motors["pivot"].write(64, b"\x01", emulated.now_ns)
    run("reboot", "--port", port, "--id", "1", *SPEED)
    assert run("show", "--port", port, "--id", "1", *SPEED)["registers"]["torque_enable"] == 0


def test_a_busy_port_is_one_line(port):
    other = SerialPort(port, 1_000_000, MonotonicClock())
    assert failure("scan", "--port", port) == f"port busy: {port} is open in another program"
    other.close()


def test_a_port_is_required():
    result = CliRunner().invoke(app, ["scan"])
    assert result.exit_code == 2
