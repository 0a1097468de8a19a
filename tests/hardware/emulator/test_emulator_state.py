"""Laws of the state file: persistent settings survive a restart of the emulator, for every family, or are refused."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial
from emulated import robot_of

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.dynamixel.frame import Decoder, Instruction, encode
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.state import StateFile

ROBOTS = ["pendulum", "so101", "quadruped", "hopper_leg"]


def emulated_robot(robot: RobotConfig) -> EmulatedRobot:
    return EmulatedRobot(robot, InertiaPlant(robot))


def state_of(emulated: EmulatedRobot, path: Path) -> StateFile:
    return StateFile(path, emulated.config, emulated.motors)


@pytest.mark.parametrize("name", ROBOTS)
def test_saved_settings_survive_the_next_run_and_a_power_cycle(name, tmp_path):
    path, robot = tmp_path / "state.json", load_robot(name)
    first = emulated_robot(robot)
    motor = next(iter(first.motors.values()))
    saved = motor.saved()
    key = "id" if "id" in saved else "id.id"
    motor.restore(saved | {key: 77})
    state_of(first, path).save()
    second = emulated_robot(robot)
    state_of(second, path).load(0)
    motor = next(iter(second.motors.values()))
    assert motor.id == 77
    motor.boot(10**9)
    assert motor.id == 77
    assert [m.id for m in second.motors.values()][1:] == [joint.id for joint in robot.joints.values()][1:]
    for one, other in zip(first.motors.values(), second.motors.values(), strict=True):
        assert other.saved() == pytest.approx(one.saved(), nan_ok=True)


def test_a_missing_file_means_factory_settings(tmp_path):
    emulated = emulated_robot(load_robot("pendulum"))
    state_of(emulated, tmp_path / "none.json").load(0)
    assert emulated.motors["pivot"].id == 1


def test_nothing_is_written_when_nothing_has_changed(tmp_path):
    path = tmp_path / "state.json"
    emulated = emulated_robot(load_robot("pendulum"))
    state = state_of(emulated, path)
    state.save()
    path.unlink()
    state.save()
    assert not path.exists()
    emulated.motors["pivot"].restore({"id": 9})
    state.save()
    assert json.loads(path.read_text())["motors"]["pivot"]["settings"]["id"] == 9
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def broken(change: str, text: str) -> str:
    document = json.loads(text)
    entry = document["motors"]["pivot"]
    if change == "format":
        document["format"] = 99
    elif change == "joints":
        document["motors"] = {"knee": entry}
    elif change == "model":
        entry["model"] = "sts3215_7v4"
    elif change == "settings":
        del entry["settings"]
    elif change == "value":
        entry["settings"]["id"] = 4000
    elif change == "type":
        entry["settings"]["id"] = [1]
    elif change == "name":
        entry["settings"]["colour"] = 1
    return "{" if change == "json" else "[]" if change == "list" else json.dumps(document)


@pytest.mark.parametrize("change", ["json", "list", "format", "joints", "model", "settings", "value", "type", "name"])
def test_a_file_of_other_motors_is_refused(change, tmp_path):
    path = tmp_path / "state.json"
    emulated = emulated_robot(load_robot("pendulum"))
    state_of(emulated, path).save()
    path.write_text(broken(change, path.read_text()))
    with pytest.raises(UserError, match=r"state .*state\.json"):
        state_of(emulated, path).load(0)


def test_a_file_of_another_robot_is_refused(tmp_path):
    path = tmp_path / "state.json"
    state_of(emulated_robot(robot_of(2)), path).save()
    with pytest.raises(UserError, match="another robot"):
        state_of(emulated_robot(load_robot("pendulum")), path).load(0)


@pytest.mark.realtime
def test_an_id_set_over_the_port_survives_a_restart_of_the_emulator(tmp_path):
    def run(act) -> list[int]:
        command = [sys.executable, "-m", "sim2real.cli", "emulate", "pendulum", "--json", "--plant", "inertia"]
        with subprocess.Popen(
            [*command, "--state", str(tmp_path / "eeprom.json")], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                port = json.loads(process.stdout.readline())["ports"][0]
                with serial.Serial(port["path"], port["baudrate"], timeout=2.0) as line:
                    act(line)
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 0
        return port["ids"]

    def set_id(line: serial.Serial) -> None:
        line.write(encode(1, Instruction.WRITE, bytes((7, 0, 42))))
        assert len(Decoder().feed(line.read(11))) == 1

    def ping(line: serial.Serial) -> None:
        line.write(encode(42, Instruction.PING))
        assert len(Decoder().feed(line.read(14))) == 1

    assert run(set_id) == [1]
    assert run(ping) == [42]


@pytest.mark.realtime
def test_settings_survive_a_killed_emulator(tmp_path):
    path = tmp_path / "eeprom.json"
    command = [sys.executable, "-m", "sim2real.cli", "emulate", "pendulum", "--json", "--plant", "inertia"]
    with subprocess.Popen([*command, "--state", str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = json.loads(process.stdout.readline())["ports"][0]
            with serial.Serial(port["path"], port["baudrate"], timeout=2.0) as line:
                line.write(encode(1, Instruction.WRITE, bytes((7, 0, 43))))
                assert len(Decoder().feed(line.read(11))) == 1
            deadline = time.monotonic() + 60.0
            while json.loads(path.read_text())["motors"]["pivot"]["settings"]["id"] != 43:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.kill()
