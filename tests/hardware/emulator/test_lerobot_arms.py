"""LeRobot's own classes drive the bench robots: connect, calibrate by hand, move, disconnect, connect again."""

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lerobot_arm
import pytest

import sim2real
from sim2real.configs.load import load_robot
from sim2real.hardware.emulator.hand_orders import HandClient

pytest.importorskip("lerobot", reason="LeRobot is not installed: pip install --no-deps -r tests/lerobot.txt")

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

COUNT = math.tau / 4096
MIDDLE, REACH, SPEED = 0.15, 0.9, 8.0
PATIENCE_S = 60.0
POWER_UP_S = 2.0
"""Motors do not answer while they boot."""
BY_HAND = ("so101", "so101_leader", "koch_follower", "koch_leader")
"""Kits that LeRobot calibrates by hand; the others come calibrated."""
FOLLOWERS = ("so101", "koch_follower", "omx_follower")
STEP = 8.0
"""Degrees, or hundredths of half or of all of the range."""


class Client:
    """The program beside the test, and what it prints."""

    def __init__(self, kit: str, port: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", lerobot_arm.__file__, kit, port, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.printed = ""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while text := os.read(self.process.stdout.fileno(), 1 << 16):
            self.printed += text.decode()

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.printed.count(text) < times:
            self._check(deadline)
            time.sleep(0.02)

    def _check(self, deadline: float) -> None:
        assert time.monotonic() < deadline, self.printed[-3000:]
        assert self.process.poll() is None, self.printed[-3000:]

    def enter(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def answer(self, number: int) -> Any:
        """Return the answer with this number, from 0."""
        deadline = time.monotonic() + PATIENCE_S
        while len(answers := self._answers()) <= number:
            self._check(deadline)
            time.sleep(0.01)
        return answers[number]

    def ask(self, command: object) -> Any:
        number = len(self._answers())
        self.enter(json.dumps(command))
        return self.answer(number)

    def _answers(self) -> list[Any]:
        whole = self.printed.rpartition("\n")[0].splitlines()
        return [json.loads(line.removeprefix(lerobot_arm.MARK)) for line in whole if line.startswith(lerobot_arm.MARK)]


@contextmanager
def client(kit: str, port: str, folder: Path) -> Iterator[Client]:
    found = Client(kit, port, folder)
    with found.process:  # closes its pipes
        try:
            yield found
        finally:
            found.process.kill()
            found.reader.join()


def calibrate(beside: Client, hands: HandClient) -> None:
    """Do what LeRobot asks its user for."""
    beside.wait_for("to the middle of its range of motion and press ENTER")
    hands.move("all", MIDDLE, SPEED)
    beside.enter()
    beside.wait_for("Press ENTER to stop...")
    for target in (MIDDLE - REACH, MIDDLE + REACH):
        hands.move("all", target, SPEED)
        beside.wait_for("NAME ", beside.printed.count("NAME ") + 3)  # of the table that it prints for each reading
    hands.move("all", MIDDLE, SPEED)
    beside.enter()


def torque(hands: HandClient) -> dict[str, bool]:
    return {name: joint["torque"] for name, joint in hands.state()["joints"].items()}


def positions(hands: HandClient) -> dict[str, float]:
    return {name: joint["position"] for name, joint in hands.state()["joints"].items()}


def unit(kit: str, joint: str, calibration: dict[str, int]) -> float:
    """Return what one unit of an action is at the shaft, rad."""
    if kit.startswith("so101") and joint != "gripper":
        return math.radians(1.0) * 4096 / 4095
    share = 100.0 if joint == "gripper" else 200.0
    reverse = -1.0 if calibration["drive_mode"] else 1.0
    return reverse * (calibration["range_max"] - calibration["range_min"]) / share * COUNT


@pytest.mark.parametrize("kit", lerobot_arm.KITS)
def test_lerobots_own_class_connects_calibrates_moves_and_disconnects(kit: str, tmp_path: Path) -> None:
    with sim2real.emulate(kit, plant="inertia") as emulated:
        hands, port = emulated.hands, emulated.ports["main"]
        hands.hold()
        with client(kit, port, tmp_path) as beside:
            if kit in BY_HAND:
                calibrate(beside, hands)
            calibration = beside.answer(0)
            hands.release()
            check_calibration(kit, calibration)
            check = check_following if kit in FOLLOWERS else check_leading
            check(kit, calibration, beside, hands)
            assert beside.ask("disconnect") == "disconnected"
            assert not any(torque(hands).values())
            asked = beside.printed.count("ENTER")
            hands.disconnect()
            hands.connect()
            time.sleep(POWER_UP_S)
            assert beside.ask("connect") == calibration  # the motors remember it
            assert beside.printed.count("ENTER") == asked
            check(kit, calibration, beside, hands)
            assert beside.ask("disconnect") == "disconnected"
            assert not any(torque(hands).values())


def check_calibration(kit: str, calibration: dict[str, dict[str, int]]) -> None:
    """What the hand did is what LeRobot wrote."""
    assert [each["id"] for each in calibration.values()] == [joint.id for joint in load_robot(kit).joints.values()]
    for name, each in calibration.items():
        span, whole = each["range_max"] - each["range_min"], (each["range_min"], each["range_max"]) == (0, 4095)
        if kit not in BY_HAND or whole:
            assert whole
        else:
            assert span * COUNT == pytest.approx(2.0 * REACH, abs=4 * COUNT), name
    if kit in BY_HAND:
        assert sum((each["range_min"], each["range_max"]) == (0, 4095) for each in calibration.values()) <= 2


def check_following(kit: str, calibration: dict[str, Any], beside: Client, hands: HandClient) -> None:
    """Every joint of a follower goes where the action says; the true shaft as far as its reading."""
    assert all(torque(hands).values())
    start, seen = positions(hands), beside.ask("read")
    goal = {name: value + STEP for name, value in seen.items()}
    deadline = time.monotonic() + PATIENCE_S
    reached = beside.ask(goal)
    before: dict[str, float] = {}
    while reached != before or any(abs(reached[name] - value) > 2.0 for name, value in goal.items()):
        assert time.monotonic() < deadline, (goal, reached)
        time.sleep(0.1)
        before, reached = reached, beside.ask("read")
    for name, angle in positions(hands).items():
        moved = (reached[f"{name}.pos"] - seen[f"{name}.pos"]) * unit(kit, name, calibration[name])
        assert angle - start[name] == pytest.approx(moved, abs=3 * COUNT), name


def check_leading(kit: str, calibration: dict[str, Any], beside: Client, hands: HandClient) -> None:
    """An action of a leader is where the hand holds it; only a trigger has torque."""
    assert {name for name, on in torque(hands).items() if on} <= {"gripper"}
    hands.move("all", MIDDLE, SPEED)
    start, seen = positions(hands), beside.ask("read")
    hands.move("all", MIDDLE - 0.2, SPEED)
    moved, now = positions(hands), beside.ask("read")
    for name, angle in moved.items():
        turned = (now[f"{name}.pos"] - seen[f"{name}.pos"]) * unit(kit, name, calibration[name])
        assert turned == pytest.approx(angle - start[name], abs=3 * COUNT), name
    hands.release()
