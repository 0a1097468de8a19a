"""The page "A first real motor", from an unopened box to torque: its own commands, in its order, on every family."""

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from plugged import Plugged
from typer.testing import CliRunner

from sim2real.configs.load import load_motor
from sim2real.hardware.commands.motors import app
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.emulator.motors_only import robot_of_motors

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "tutorials" / "first_motor.md"
ELSEWHERE = ("find", "monitor")
"""Steps at the cable and with the eyes: which port appears, and what turning the horn shows."""
SHAFT = "motor_1"
CENTRE = math.pi
"""rad of the shaft at which the page's joint is in the middle of its range."""


@dataclass(frozen=True)
class Box:
    """A motor as it comes, and what the page's example is for it."""

    motor: str
    factory_baud: int
    baud: int
    example: dict[str, str]
    """What replaces what in the page's `bench_motor.yaml`."""


BOXES = [
    Box("xm430_w350", 57_600, 1_000_000, {}),
    Box(
        "sts3215_7v4",
        1_000_000,
        500_000,
        {
            "dynamixel2": "feetech",
            "1 Mbaud": "500 kbaud",
            "xm430_w350": "sts3215_7v4",
            "mode: current": "mode: position",
            "12 V": "7.4 V",
            "[10 V, 14.8 V]": "[5.5 V, 8 V]",
            "stiffness: 0.5": "stiffness: 8",
            "damping: 0.1": "damping: 0.37",
            "effort_limit: 0.5": "effort_limit: 1",
        },
    ),
    Box(
        "moteus_r4_mj5208",
        1_000_000,
        1_000_000,
        {
            "dynamixel2": "moteus",
            "xm430_w350": "moteus_r4_mj5208",
            "mode: current": "mode: impedance",
            "12 V": "24 V",
            "[10 V, 14.8 V]": "[20 V, 28 V]",
            "stiffness: 0.5": "stiffness: 4",
            "damping: 0.1": "damping: 0.05",
            "effort_limit: 0.5": "effort_limit: 1.5",
        },
    ),
]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield what follows the language in its fence, and the text, of each block of the page."""
    for found in re.finditer(rf"^```{language}([^\n]*)\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        yield found[1], found[2]


def commands() -> list[list[str]]:
    """Return the words after `sim2real motors` of the page's command lines, in order."""
    lines = [line for _, text in blocks("bash") for line in text.splitlines()]
    return [shlex.split(line, comments=True)[2:] for line in lines if line.startswith("sim2real motors ")]


def test_the_page_names_the_steps_that_are_tried_here() -> None:
    steps = [words[0] for words in commands()]
    assert set(ELSEWHERE) <= set(steps)
    order = ["scan", "torque-off", "backup", "set-id", "set-baud", "calibrate", "test", "move"]
    assert [step for step in steps if step in order] == order


@pytest.mark.parametrize("box", BOXES, ids=lambda box: box.motor)
def test_a_motor_gets_from_its_box_to_torque(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = [text for title, text in blocks("yaml") if "bench_motor.yaml" in title]
    for old, new in box.example.items():
        assert old in text
        text = text.replace(old, new)
    Path("bench_motor.yaml").write_text(text)
    plugged = Plugged(monkeypatch, ttyUSB0=(robot_of_motors(load_motor(box.motor), (1,), box.factory_baud), "bus"))
    emulated, places = plugged.emulated["/dev/ttyUSB0"], iter((CENTRE, CENTRE + math.pi / 2, CENTRE - math.pi / 2))

    def turn(angle: float) -> None:
        """Turn the horn, and wait until it is there."""
        emulated.hands.move(SHAFT, angle, 8.0)
        plugged.clock.sleep_until_ns(plugged.clock.now_ns() + 2_000_000_000)
        emulated.advance_to(plugged.clock.now_ns())
        assert emulated.hands.arrived()

    def shaft() -> dict[str, float]:
        return emulated.hands.state()["joints"][SHAFT]

    turn(CENTRE)
    # A person turns the horn to where the instruction says, and presses Enter.
    monkeypatch.setattr(TerminalGuide, "ask", lambda *_: turn(next(places, CENTRE)))
    for words in commands():
        if words[0] in ELSEWHERE or (words[0] == "set-baud" and box.baud == box.factory_baud):
            continue
        told = [_for_this(word, box) for word in words]
        moves = words[0] in ("test", "move")
        if moves:
            turn(shaft()["position"])
            emulated.hands.release(SHAFT)
        done = CliRunner().invoke(app, [*told, "--yes"] if moves else told)
        assert done.exit_code == 0, (told, done.output, done.exception)
        assert not shaft()["torque"]
    assert shaft()["position"] == pytest.approx(CENTRE + math.radians(30.0), abs=0.1)


def _for_this(word: str, box: Box) -> str:
    replaced = {"57600": str(box.factory_baud), "1000000": str(box.baud)}
    return replaced.get(word, word)
