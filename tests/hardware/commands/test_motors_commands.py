"""Laws of the `motors` command on emulated motors: in lockstep and behind a pseudo-terminal."""

import json

import pytest
from emulated import robot_of
from served import served
from typer.testing import CliRunner

from sim2real.configs.library import ROOT
from sim2real.configs.load import load_robot
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import MonotonicClock, VirtualClock
from sim2real.hardware.commands.motors import app
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot

SPEED = ("--baudrate", "1000000")


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def emulated():
    robot = robot_of(2)
    return EmulatedRobot(robot, InertiaPlant(robot))


@pytest.fixture
def port(emulated, clock, monkeypatch):
    """Return the path of a port in lockstep with the emulated motors: no command waits in real time."""

    class LockstepPort(LockstepTransport):
        latency_timer_ms = None

        def __init__(self, path, baudrate, clock):
            super().__init__(emulated, emulated.lines["main"], clock)
            self.path = path
            self.set_baudrate(baudrate)

    monkeypatch.setattr("sim2real.hardware.workbench.port.SerialPort", LockstepPort)
    for module in ("workbench.port", "commands.motors_watch"):
        monkeypatch.setattr(f"sim2real.hardware.{module}.MonotonicClock", lambda: clock)
    return "/dev/lockstep"


@pytest.fixture
def served_port():
    """Return the path of a port in real time, paced by its baud rate."""
    with served(2) as server:
        yield server.ports["main"]


def run(*arguments, code=0):
    """Return the document that a command prints; errors are in `reasons`."""
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


@pytest.mark.realtime
def test_scan_lists_the_motors(served_port):
    document = run("scan", "--port", served_port, *SPEED)
    first = {
        "id": 1,
        "protocol": "dynamixel2",
        "baudrate": 1_000_000,
        "model_number": 1020,
        "model": "XM430-W350",
        "firmware": 46,
    }
    assert document["motors"] == [first, first | {"id": 2}]


def test_scan_at_another_baud_rate_is_empty(port):
    assert run("scan", "--port", port, "--baudrate", "57600")["motors"] == []


def test_show_reads_the_whole_table(port):
    document = run("show", "--port", port, "--id", "2", *SPEED)
    registers = document["registers"]
    assert document["model"] == "XM430-W350"
    assert (registers["id"], registers["return_delay_time"], registers["current_limit"]) == (2, 250, 1193)
    assert len(registers) > 40
    decoded = document["decoded"]
    assert decoded["return_delay_time"] == "500 µs"
    assert decoded["current_limit"] == "3.209 A"
    assert decoded["operating_mode"] == "position"
    assert decoded["baud_rate"] == "1000000 baud"
    assert decoded["shutdown"] == "overheating, shock, overload"


def test_show_prints_text_too(port):
    result = CliRunner().invoke(app, ["show", "--port", port, "--id", "1", *SPEED])
    assert result.exit_code == 0
    assert "present_position" in result.stdout


def test_a_missing_motor_is_one_line(port):
    assert "no motor answers to id 9 at 1000000 baud" in failure("show", "--port", port, "--id", "9", *SPEED)


def test_set_id_changes_the_id(port):
    assert run("set-id", "--port", port, "--id", "2", "--to", "7", *SPEED)["id"] == 7
    assert [motor["id"] for motor in run("scan", "--port", port, *SPEED)["motors"]] == [1, 7]


@pytest.mark.parametrize(
    ("to", "reason"), [("1", "id 1 is taken by XM430-W350"), ("2", "already has id 2"), ("253", "valid: 0 to 252")]
)
def test_set_id_refuses_invalid_ids(port, to, reason):
    assert reason in failure("set-id", "--port", port, "--id", "2", "--to", to, *SPEED)


def test_eeprom_is_not_written_while_torque_is_on(port, emulated):
    emulated.motors["joint2"].write(64, b"\x01", emulated.now_ns)
    for command, to in (("set-id", "7"), ("set-baud", "57600")):
        assert "has torque on" in failure(command, "--port", port, "--id", "2", "--to", to, *SPEED)


def test_set_baud_changes_the_baud_rate_of_one_motor(port):
    assert run("set-baud", "--port", port, "--id", "2", "--to", "57600", *SPEED)["before"] == 1_000_000
    assert [motor["id"] for motor in run("scan", "--port", port, "--baudrate", "57600")["motors"]] == [2]
    assert run("show", "--port", port, "--id", "2")["baudrate"] == 57_600, "without --baudrate every speed is tried"
    assert "valid: 9600" in failure("set-baud", "--port", port, "--id", "1", "--to", "5", *SPEED)


def test_check_of_new_motors_passes_with_a_note_on_return_delay(port):
    document = run("check", "--port", port, *SPEED)
    assert [motor["id"] for motor in document["motors"]] == [1, 2]
    findings = {finding["what"]: finding for finding in document["motors"][0]["findings"]}
    expected = {"hardware error", "voltage", "temperature", "firmware", "baud rate", "return delay", "shutdown mask"}
    assert set(findings) == expected
    assert findings["return delay"]["advice"] == "the driver sets it to 0 and reports the change"
    assert all(finding["ok"] for finding in findings.values())


def test_check_without_motors_is_one_line(port):
    assert "check power" in failure("check", "--port", port, "--baudrate", "57600")


def test_reboot_restarts_a_motor_with_torque_off(port, emulated):
    emulated.motors["pivot"].write(64, b"\x01", emulated.now_ns)
    run("reboot", "--port", port, "--id", "1", *SPEED)
    assert run("show", "--port", port, "--id", "1", *SPEED)["registers"]["torque_enable"] == 0


def test_torque_off_reaches_every_motor_and_each_confirms_it(port, emulated):
    for motor in emulated.motors.values():
        motor.write(64, b"\x01", emulated.now_ns)
    assert all(motor.torque_enabled for motor in emulated.motors.values())
    found = run("torque-off", "--port", port, "--protocol", "dynamixel2")
    assert found["motors"]
    assert all(motor["torque_off"] for motor in found["motors"])
    assert not any(motor.torque_enabled for motor in emulated.motors.values())


def test_torque_off_that_nobody_confirms_is_no_success(port, emulated):
    for motor in emulated.motors.values():
        motor.silent = True
    said = failure("torque-off", "--port", port, "--protocol", "dynamixel2")
    assert f"torque off was sent on {port}, and no motor answers: unless none has power, cut it" in said


def test_scan_of_one_family_finds_motors_at_different_baud_rates(port):
    run("set-baud", "--port", port, "--id", "2", "--to", "57600", *SPEED)
    found = run("scan", "--port", port, "--protocol", "dynamixel2", "--all")["motors"]
    assert [(motor["id"], motor["baudrate"]) for motor in found] == [(1, 1_000_000), (2, 57_600)]
    found = run("scan", "--port", port, "--protocol", "dynamixel2")["motors"]
    assert [motor["id"] for motor in found] == [1], "it ends where motors answer"


def test_set_baud_refuses_a_baud_rate_at_which_the_id_is_taken(port, emulated):
    run("set-baud", "--port", port, "--id", "2", "--to", "57600", *SPEED)
    run("set-id", "--port", port, "--id", "2", "--to", "1", "--baudrate", "57600")
    reason = failure("set-baud", "--port", port, "--id", "1", "--to", "57600", *SPEED)
    assert reason == "id 1 is taken by XM430-W350 at 57600 baud"


def test_an_unknown_family_is_one_line(port):
    assert failure("scan", "--port", port, "--protocol", "canopen").startswith(
        "no protocol named 'canopen'; valid: dynamixel2"
    )


@pytest.mark.realtime
def test_monitor_prints_one_line_per_sample(served_port):
    arguments = ["monitor", "--port", served_port, "--protocol", "dynamixel2", "--id", "1", "--id", "2", *SPEED]
    result = CliRunner().invoke(app, [*arguments, "--count", "3", "--rate", "100", "--json"])
    assert result.exit_code == 0, result.output
    samples = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(samples) == 3
    assert [sample["time"] for sample in samples] == sorted(sample["time"] for sample in samples)
    for sample in samples:
        assert [motor["id"] for motor in sample["motors"]] == [1, 2]
        for motor in sample["motors"]:
            assert motor["voltage"] == pytest.approx(12.0, abs=0.2)
            assert motor["temperature"] == 25
            assert motor["velocity"] == pytest.approx(0.0, abs=0.1)


def test_monitor_without_ids_watches_all_that_answer(port, emulated):
    arguments = ["monitor", "--port", port, "--protocol", "dynamixel2", *SPEED, "--count", "1", "--json"]
    both = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert [motor["id"] for motor in both["motors"]] == [1, 2]
    result = CliRunner().invoke(app, [*arguments, "--id", "9"])
    assert result.exit_code == 1
    assert "no motor answers to id 9" in json.loads(result.stdout)["reasons"][0]


def test_monitor_prints_a_table_too(port):
    arguments = ["monitor", "--port", port, "--protocol", "dynamixel2", "--id", "1", *SPEED, "--count", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "position" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("monitor", "--id", "1"), 0),
        (("monitor", "--id", "1", "--count", "1000"), 130),  # it was asked for more
        (("show", "--id", "1", "--live"), 0),
    ],
)
def test_ctrl_c_is_the_normal_end_of_what_has_no_end_of_its_own(port, monkeypatch, arguments, status):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sim2real.hardware.commands.motors_watch.time.sleep", interrupted)
    monkeypatch.setattr("rich.live.Live.update", interrupted)
    command, *rest = arguments
    result = CliRunner().invoke(app, [command, "--port", port, "--protocol", "dynamixel2", *SPEED, *rest])
    assert result.exit_code == status, result.output


def test_calibrate_writes_a_copy_of_a_shipped_robot(port, emulated, clock, monkeypatch, tmp_path):
    moves = iter([0.0, 1.6, -3.2])

    def ask(self, what):
        target = emulated.plant.position[0] + next(moves)
        emulated.plant.position[0] = target
        emulated.plant.velocity[0] = 0.0
        clock.sleep_until_ns(clock.now_ns() + 50_000_000)  # the motor sees it after the next step of the plant

    monkeypatch.setattr(TerminalGuide, "ask", ask)
    (tmp_path / "pendulum.xml").write_bytes((ROOT / "robots" / "pendulum.xml").read_bytes())
    to = tmp_path / "mine.yaml"
    document = run("calibrate", "pendulum", "--port", port, "--output", str(to))
    assert document["joints"]["pivot"]["direction"] == 1
    assert document["path"] == str(to)
    assert document["backup"] is None
    assert load_robot(str(to)).joints["pivot"].zero == pytest.approx(document["joints"]["pivot"]["zero"], abs=1e-4)


@pytest.mark.realtime
def test_a_busy_port_is_one_line(served_port):
    other = SerialPort(served_port, 1_000_000, MonotonicClock())
    assert failure("scan", "--port", served_port) == f"port busy: {served_port} is open in another program"
    other.close()


def test_a_port_is_required():
    result = CliRunner().invoke(app, ["scan"])
    assert result.exit_code == 2


def test_an_id_that_no_family_has_is_one_line(port):
    # The option accepts any number; the family defines the valid ids.
    reason = failure("show", "--port", port, "--id", "300")
    assert "id 300 is not valid (dynamixel2); valid: 0 to 252" in reason


def test_an_id_given_twice_is_one_motor_and_a_taken_name_is_refused_before_any_is_asked(port, emulated, tmp_path):
    kept = str(tmp_path / "kept.yaml")
    assert run("backup", kept, "--port", port, *SPEED, "--id", "1", "--id", "1", "--id", "2")["ids"] == [1, 2]
    assert run("restore", kept, "--port", port, "--id", "1", "--id", "1")["changes"] == []
    asked = []
    emulated.observer = asked.append
    for name, said in ((kept, "never overwritten"), (str(tmp_path / "none" / "kept.yaml"), "there is no folder")):
        assert said in failure("backup", name, "--port", port, *SPEED)
    assert asked == []
