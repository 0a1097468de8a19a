"""A command that moves motors leaves none with torque, on every family, whatever ends it in the middle of a motion."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sim2real
from sim2real.configs.load import dump, load_robot
from sim2real.hardware.emulator.hand_orders import HandClient

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

FAMILIES = ("quadruped", "so101", "hopper_leg")
CALM = ("safety.watchdog=2 s", "safety.communication_loss=5 s", "safety.reading_age_max=5 s")
"""A busy machine may pause a command for a while; that would end it before the test does."""
ORDERLY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 60.0
MOVED = math.radians(1.0)


def torque(hands: HandClient) -> set[str]:
    return {name for name, joint in hands.state()["joints"].items() if joint["torque"]}


def moved(hands: HandClient, start: dict[str, float]) -> bool:
    state = hands.state()["joints"]
    return any(abs(state[name]["position"] - angle) > MOVED for name, angle in start.items())


# One handler has all signals that end a command in order: one family for each of them will do where `move` has had all.
CASES = [
    *((name, "move", how) for name in FAMILIES for how in (*ORDERLY, signal.SIGKILL)),
    *((name, "test", how) for name, how in zip(FAMILIES, ORDERLY, strict=True)),
    *((name, "test", signal.SIGKILL) for name in FAMILIES),
]


@pytest.mark.parametrize(("name", "command", "how"), CASES, ids=[f"{n}-{c}-{h.name}" for n, c, h in CASES])
def test_no_motor_keeps_torque(name: str, command: str, how: signal.Signals, tmp_path: Path) -> None:
    robot = load_robot(name, CALM)
    file = tmp_path / "robot.yaml"
    file.write_text(dump(robot))
    joint, config = next(iter(robot.joints.items()))
    target = config.default_position + math.copysign(0.5, -config.default_position or 1.0)
    what = [f"{joint}={math.degrees(target):.3f}deg", "--hold", "60"] if command == "move" else []
    with sim2real.emulate(robot, plant="inertia") as emulated:
        hands = emulated.hands
        start = {each: state["position"] for each, state in hands.state()["joints"].items()}
        ports = [word for bus in robot.buses for word in ("--port", f"{bus}={emulated.ports[bus]}")]
        process = subprocess.Popen(
            [sys.executable, "-m", "sim2real.cli", "motors", command, str(file), *what, *ports, "--yes"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            deadline = time.monotonic() + PATIENCE_S
            try:
                while not moved(hands, start) or torque(hands) != set(robot.joints):
                    assert time.monotonic() < deadline
                    assert process.poll() is None, process.communicate()[0].decode()
                    time.sleep(0.005)
                process.send_signal(how)
                said = process.communicate(timeout=PATIENCE_S)[0].decode()
            finally:
                process.kill()
        if how in ORDERLY:  # it has confirmed it before it ended
            assert not torque(hands)
            assert process.returncode not in (0, -how)
            assert "Traceback" not in said
        else:  # its supervisor does it
            assert process.returncode == -how
            while left := torque(hands):
                assert time.monotonic() < deadline + PATIENCE_S, left
                time.sleep(0.01)
