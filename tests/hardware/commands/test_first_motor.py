"""The page "A first real motor", from an unopened box to torque: its own commands, in its order, on every family."""

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.hardware.commands.motors import app
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.emulator.motors_only import emulate_motors

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

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


CALM = {"watchdog: 100 ms": "watchdog: 2 s", "communication_loss: 200 ms": "communication_loss: 5 s"}
"""A busy machine may pause."""
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
    for old, new in (box.example | CALM).items():
        assert old in text
        text = text.replace(old, new)
    Path("bench_motor.yaml").write_text(text)
    with emulate_motors(box.motor, [1], baudrate=box.factory_baud) as emulated:
        hands = emulated.hands
        hands.move(SHAFT, CENTRE, 8.0)
        places = iter((CENTRE, CENTRE + math.pi / 2, CENTRE - math.pi / 2))
        # A person turns the horn to where the instruction says, and presses Enter.
        monkeypatch.setattr(TerminalGuide, "ask", lambda *_: hands.move(SHAFT, next(places, CENTRE), 8.0))
        for words in commands():
            if words[0] in ELSEWHERE or (words[0] == "set-baud" and box.baud == box.factory_baud):
                continue
            told = [_for_this(word, box, emulated.port) for word in words]
            moves = words[0] in ("test", "move")
            if moves:
                hands.move(SHAFT, hands.state()["joints"][SHAFT]["position"], 8.0)
                hands.release()
            done = CliRunner().invoke(app, [*told, "--yes"] if moves else told)
            assert done.exit_code == 0, (told, done.output, done.exception)
            assert not hands.state()["joints"][SHAFT]["torque"]
        assert hands.state()["joints"][SHAFT]["position"] == pytest.approx(CENTRE + math.radians(30.0), abs=0.1)


def _for_this(word: str, box: Box, port: str) -> str:
    replaced = {"/dev/ttyUSB0": port, "57600": str(box.factory_baud), "1000000": str(box.baud)}
    return replaced.get(word, word)
