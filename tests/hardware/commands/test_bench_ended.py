"""Laws of bench commands that are ended in the middle, on every family and in lockstep: by hand, by signal, by cable.

Whatever ends one, it says what it has written, it leaves nothing half-written that a signal could have spared, and the
same command, given again, ends as if nothing had happened.
"""

import json
import math
import os
import signal
import subprocess
import sys

import pytest
from rigs.ended_bench import PATH, EndedBench

from sim2real.configs.load import dump, load_robot
from sim2real.hardware.feetech.firmware.motor import StsMotor
from sim2real.hardware.held_signals import signals_held

FAMILIES = ("koch_follower", "so101", "hopper_leg")
USED = {
    "koch_follower": {"homing_offset": 77, "pwm_limit": 500, "drive_mode": 1},
    "so101": {"position_offset": -77, "cw_dead_zone": 3, "max_torque": 500},
    "hopper_leg": {"servo.pid_position.kp": 12.5, "servopos.position_min": -0.4},
}
NEW = {"koch_follower": {"id": 1, "baud_rate": 1}, "so101": {"id": 1}, "hopper_leg": {"id.id": 1}}
HOW = [signal.SIGINT, signal.SIGTERM, "kill", "unplug", "disconnect"]
COMMANDS = ("fix", "restore", "setup", "calibrate")


def two_joints(name):
    """Return the first two joints of a robot's first bus."""
    robot = load_robot(name)
    joints = dict(list(robot.joints.items())[:2])
    return robot.model_copy(update={"joints": joints, "imus": {}, "model": None, "tip": None, "rest": None})


class Desk:
    """A robot file, a backup of its motors, and what a command is to do."""

    def __init__(self, name, command, folder, monkeypatch):
        self.name, self.command, self.monkeypatch, self.folder = name, command, monkeypatch, folder
        self.config = two_joints(name)
        self.robot, self.backup, self.calibrated = folder / "robot.yaml", folder / "kept.yaml", folder / "new.yaml"
        self.robot.write_text(dump(self.config))
        self.settings = NEW[name] if command == "setup" else USED[name]
        if command == "restore":
            assert EndedBench(monkeypatch, self.config, {}).invoke("backup", str(self.backup)).exit_code == 0
        self.words = {
            "fix": ("check", str(self.robot), "--fix"),
            "restore": ("restore", str(self.backup)),
            "setup": ("setup", str(self.robot)),
            "calibrate": ("calibrate", str(self.robot), "--output", str(self.calibrated)),
        }[command]

    def bench(self, at=0, how=signal.SIGINT):
        bench = EndedBench(self.monkeypatch, self.config, self.settings, at, how)
        if self.command == "setup":
            bench.take_apart()
        self.calibrated.unlink(missing_ok=True)
        return bench

    def moments(self, bench):
        """Return writes of a whole run at which to end it: before, within and after something is saved."""
        changes = [
            n + 1
            for n, pair in enumerate(zip(bench.states, bench.states[1:], strict=False))
            if len({repr(one) for one in pair}) == 2
        ]
        chosen = {1, len(bench.states)} | {change + 1 for change in (changes[:1] + changes[-1:])} | set(changes[-1:])
        return sorted(chosen & set(range(1, len(bench.states) + 1)))


def same(one, other):
    return repr(one) == repr(other)


def differing(before, after):
    return {
        (name, key)
        for name, values in after.items()
        for key, value in values.items()
        if value != before[name][key] and not (math.isnan(value) and math.isnan(before[name][key]))
    }


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW, ids=lambda how: getattr(how, "name", how))
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_command_that_is_ended_says_what_it_wrote_and_can_be_repeated(name, command, how, tmp_path, monkeypatch):
    desk = Desk(name, command, tmp_path, monkeypatch)
    whole = desk.bench()
    done = whole.invoke(*desk.words)
    assert done.exit_code == 0, done.output
    whole.power_cycle()
    for at in desk.moments(whole):
        bench = desk.bench(at, how)
        before = bench.saved()
        ended = bench.invoke(*desk.words, "--json")
        written = differing(before, bench.saved())
        if ended is not None:
            assert isinstance(ended.exception, SystemExit | None), ended.exception
            _tells(ended, how, written, command)
        assert not any(bench.torques())
        if isinstance(how, signal.Signals):
            assert _locked(bench)
            assert not [file for file in desk.folder.iterdir() if "part" in file.name]
        bench.mend()
        if command == "setup":
            bench.take_apart()
        again = bench.invoke(*desk.words)
        assert again.exit_code == 0, (at, again.output)
        assert _locked(bench)
        bench.power_cycle()
        assert same(bench.saved(), whole.saved()), f"ended at write {at}"


def _tells(ended, how, written, command):
    document = json.loads(ended.stdout)
    if ended.exit_code == 0:
        assert document["ok"]
        return
    assert ended.exit_code == (130 if how is signal.SIGINT else 1)
    assert not document["ok"]
    (reason, *_) = document["reasons"]
    assert reason.startswith({signal.SIGINT: "interrupted; ", signal.SIGTERM: "ended by SIGTERM; "}.get(how, ""))
    assert "share id" not in reason, "a cable was pulled"
    if command != "calibrate":  # which says what each motor was set to as it goes
        told = document.get("written") or [
            line for joint in document.get("joints", {}).values() for line in joint["written"]
        ]
        assert len(told) >= len(written)


def _locked(bench):
    return all(motor.memory.get("lock") == 1 for motor in bench.robot.motors.values() if isinstance(motor, StsMotor))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_motor_that_is_gone_is_not_called_two(name, tmp_path, monkeypatch):
    desk = Desk(name, "fix", tmp_path, monkeypatch)
    whole = desk.bench()
    whole.invoke(*desk.words)
    for at in range(2, len(whole.states), max(1, len(whole.states) // 12)):
        assert "share id" not in desk.bench(at, "disconnect").invoke(*desk.words).output


@pytest.mark.parametrize("name", FAMILIES)
def test_a_box_of_new_motors_with_one_id_becomes_the_robot_in_one_command(name, tmp_path, monkeypatch):
    """Connected one at a time: also the second one has the id that the first one has kept."""
    desk = Desk(name, "setup", tmp_path, monkeypatch)
    bench = desk.bench()
    assert bench.invoke(*desk.words).exit_code == 0
    bench.power_cycle()
    assert {n: motor.id for n, motor in bench.robot.motors.items()} == {n: j.id for n, j in desk.config.joints.items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_new_motor_is_adopted_though_its_id_is_another_joint_s(name, tmp_path, monkeypatch):
    desk = Desk(name, "setup", tmp_path, monkeypatch)
    bench = desk.bench()
    first, second = desk.config.joints
    done = bench.invoke("adopt", str(desk.robot), "--joint", second)
    assert done.exit_code == 0, done.output
    bench.power_cycle()
    assert bench.robot.motors[second].id == desk.config.joints[second].id
    assert bench.robot.motors[first].id == 1


def test_the_end_of_input_is_said_and_standard_output_has_the_document_alone(tmp_path):
    robot = tmp_path / "robot.yaml"
    robot.write_text(dump(two_joints("so101")))
    command = [sys.executable, "-m", "sim2real.cli", "motors", "setup", str(robot), "--json", "--port"]
    master, slave = os.openpty()
    try:
        ended = subprocess.run([*command, os.ttyname(slave)], input="", capture_output=True, text=True, check=False)
    finally:
        os.close(master)
        os.close(slave)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["reasons"] == ["nobody answers: standard input has ended"]
    assert ended.stdout.startswith("{")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_a_write_is_whole(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append(number))
    try:
        with signals_held():
            signal.raise_signal(number)
            signal.raise_signal(number)
            assert not heard
        assert heard == [number]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", FAMILIES)
def test_torque_off_that_is_interrupted_does_not_sound_like_done(name, number, tmp_path, monkeypatch):
    config = two_joints(name)
    whole = EndedBench(monkeypatch, config, {})
    assert whole.invoke("torque-off").exit_code == 0
    for at in (1, len(whole.states) // 2):
        ended = EndedBench(monkeypatch, config, {}, at, number).invoke("torque-off", "--json")
        assert ended.exit_code == (130 if number is signal.SIGINT else 1)
        (reason,) = json.loads(ended.stdout)["reasons"]
        assert "torque may still be ON" in reason
        assert PATH in reason


@pytest.mark.parametrize("name", FAMILIES)
def test_a_backup_that_is_ended_leaves_no_file(name, tmp_path, monkeypatch):
    config, file = two_joints(name), tmp_path / "kept.yaml"
    whole = EndedBench(monkeypatch, config, {})
    assert whole.invoke("backup", str(file)).exit_code == 0
    text = file.read_text()
    file.unlink()
    for how in (signal.SIGINT, "kill", "unplug"):
        bench = EndedBench(monkeypatch, config, {}, len(whole.states), how)
        ended = bench.invoke("backup", str(file))
        assert ended is None or ended.exit_code != 0
        assert not list(tmp_path.iterdir())
        bench.mend()
        assert bench.invoke("backup", str(file)).exit_code == 0
        assert file.read_text() == text
        file.unlink()


def test_a_calibration_that_cannot_be_written_is_refused_before_joints_are_moved(tmp_path, monkeypatch):
    robot = tmp_path / "robot.yaml"
    robot.write_text(dump(two_joints("so101")))
    bench = EndedBench(monkeypatch, two_joints("so101"), {})
    done = bench.invoke("calibrate", str(robot), "--output", str(tmp_path / "nowhere" / "new.yaml"))
    assert done.exit_code == 1
    assert "there is no folder" in done.output
    assert bench.writes == 0
