"""The maker's `moteus_tool`, as a program of its own, on the port of an emulated adapter."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sim2real
from sim2real.configs.load import load_robot
from sim2real.hardware.emulator.hand_orders import HandClient

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

ROBOT = "hopper_leg"
POWER_UP_S = 1.0
Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bench() -> Iterator[tuple[Tool, HandClient]]:
    with sim2real.emulate(ROBOT, plant="inertia") as emulated:

        def tool(*arguments: str, target: int = 1) -> "subprocess.CompletedProcess[str]":
            program = [sys.executable, "-m", "moteus.moteus_tool", "--fdcanusb", emulated.ports["main"]]
            return subprocess.run(
                [*program, "-t", str(target), *arguments], capture_output=True, text=True, timeout=120.0
            )

        yield tool, emulated.hands


def document(done: "subprocess.CompletedProcess[str]") -> dict:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_info_tells_two_controllers_apart(bench: tuple[Tool, HandClient]) -> None:
    tool, _ = bench
    first, second = document(tool("--info")), document(tool("--info", target=2))
    assert first.keys() == {"serial_number", "model", "git_hash", "git_dirty", "git_timestamp", "uuid"}
    assert first["uuid"] != second["uuid"]
    assert first["serial_number"] != second["serial_number"]


def test_read_gives_firmware_git_and_the_state_of_the_servo(bench: tuple[Tool, HandClient]) -> None:
    tool, hands = bench
    assert document(tool("--read", "firmware"))["version"] == 0x000109
    assert len(document(tool("--read", "git"))["hash"]) == 20
    name, joint = next((name, joint) for name, joint in load_robot(ROBOT).joints.items() if joint.id == 1)
    before = document(tool("--read", "servo_stats"))
    assert (before["mode"], before["fault"], before["bus_V"]) == (0, 0, 24.0)
    hands.move(name, hands.state()["joints"][name]["position"] + 1.0, 20.0)
    turned = document(tool("--read", "servo_stats"))["position"] - before["position"]
    assert turned == pytest.approx(joint.direction / 6.283185, abs=2e-3)


def test_a_dumped_configuration_is_restored_and_survives_a_power_cycle(
    bench: tuple[Tool, HandClient], tmp_path: Path
) -> None:
    tool, hands = bench
    dumped = tool("--dump-config").stdout
    gain = next(line for line in dumped.splitlines() if line.startswith("servo.pid_position.kp "))
    file = tmp_path / "moteus.cfg"
    file.write_text(dumped.replace(gain, "servo.pid_position.kp 7"))
    assert tool("--restore-config", str(file)).returncode == 0
    hands.disconnect()
    hands.connect()
    time.sleep(POWER_UP_S)
    assert "servo.pid_position.kp 7" in tool("--dump-config").stdout.splitlines()
    file.write_text(dumped)
    assert tool("--restore-config", str(file)).returncode == 0
    assert tool("--dump-config").stdout == dumped


def test_calibrate_is_refused_and_moves_nothing(bench: tuple[Tool, HandClient]) -> None:
    tool, hands = bench
    before = hands.state()["joints"]
    assert tool("--calibrate").returncode != 0
    assert hands.state()["joints"] == before
