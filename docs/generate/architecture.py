"""The picture of the whole at the top of the README: `python docs/generate/architecture.py` writes it."""

from pathlib import Path

from generate.svg import Box, Drawing, Point

FILE = Path(__file__).resolve().parents[1] / "images" / "architecture.svg"
"""Where the picture is kept: a README cannot make one."""


def picture() -> str:
    """Return the picture as an SVG file with colours of its own."""
    return _drawing().render(standalone=True) + "\n"


def diagram() -> str:
    """Return the picture as an element of a page."""
    return _drawing().render()


def _drawing() -> Drawing:
    drawing = Drawing(
        920, 322, "Train in simulation, flash one file, run it in real time over the motors' own protocol"
    )
    robot = drawing.box(Box(250, 10, 420, 40), "robot, task, motors: YAML with units", kind="tint")
    train = drawing.box(
        Box(20, 98, 250, 92),
        "train",
        ("MuJoCo batch, thousands of robots", "randomised physics, delay, noise", "PPO or SAC"),
    )
    policy = drawing.box(Box(352, 108, 156, 72), "policy.onnx", ("network and contract", "in one file"), "tint")
    runtime = drawing.box(
        Box(610, 98, 290, 92),
        "runtime",
        ("read · observe · infer · act · limit · write", "safety envelope, watchdogs, log", "50 to 200 Hz"),
    )
    drawing.arrow(
        robot.edge("bottom", -130), Point(robot.center.x - 130, 74), Point(train.center.x, 74), train.edge("top")
    )
    drawing.arrow(
        robot.edge("bottom", 130), Point(robot.center.x + 130, 74), Point(runtime.center.x, 74), runtime.edge("top")
    )
    drawing.text(Point(460, 78), "the same contract", "note")
    drawing.arrow(train.edge("right"), policy.edge("left"), label="export")
    drawing.arrow(policy.edge("right"), runtime.edge("left"), label="flash")
    motors = drawing.box(Box(680, 254, 220, 58), "motors and IMUs", ("Dynamixel, Feetech, moteus",))
    emulator = drawing.box(Box(400, 254, 250, 58), "emulator", ("firmware models, faults",))
    plant = drawing.box(Box(120, 254, 220, 58), "plant", ("MuJoCo, or inertia alone",))
    for x, target in ((622, emulator), (824, motors)):  # both ways: instructions down, replies up
        drawing.arrow(Point(x, runtime.y + runtime.height), Point(x, target.y))
        drawing.arrow(Point(x + 12, target.y), Point(x + 12, runtime.y + runtime.height))
    drawing.text(Point(735, 226), "the same bytes", "note")
    drawing.arrow(Point(emulator.x, 276), Point(plant.x + plant.width, 276), label="torque")
    drawing.arrow(Point(plant.x + plant.width, 294), Point(emulator.x, 294), label="motion", above=False)
    return drawing


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
