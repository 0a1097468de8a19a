"""The picture of the whole at the top of the README: `python docs/generate/architecture.py` writes it."""

from pathlib import Path

from generate.svg import Box, Drawing, Point

FILE = Path(__file__).resolve().parents[1] / "images" / "architecture.svg"
"""Where the picture is kept: a README cannot make one."""


def picture() -> str:
    """Return the picture as an SVG file."""
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
    emulator = drawing.box(Box(400, 254, 230, 58), "emulator", ("firmware models, faults",))
    plant = drawing.box(Box(120, 254, 220, 58), "plant", ("MuJoCo, or inertia alone",))
    for target, x in ((motors, 830.0), (emulator, 630.0 - 20)):
        _both_ways(drawing, Point(x, 190) if target is motors else Point(640, 190), target)
    drawing.text(Point(735, 226), "the same bytes", "note")
    drawing.arrow(Point(emulator.x, 276), Point(plant.x + plant.width, 276), label="torque")
    drawing.arrow(Point(plant.x + plant.width, 294), Point(emulator.x, 294), label="motion", above=False)
    return drawing.render(standalone=True) + "\n"


def _both_ways(drawing: Drawing, top: Point, target: Box) -> None:
    x = min(max(top.x, target.x + 12), target.x + target.width - 22)
    drawing.arrow(Point(x, top.y), Point(x, target.y))
    drawing.arrow(Point(x + 12, target.y), Point(x + 12, top.y))


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
