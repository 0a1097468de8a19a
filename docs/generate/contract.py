"""The contract's data flow as a diagram, and its observation terms as a table, from the runtime's code."""

import ast
import tomllib
from dataclasses import fields
from typing import get_args

from generate.layers import ROOT
from generate.svg import LINE_HEIGHT, Box, Drawing, Point
from generate.text import first_paragraph
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import ActionSpec

_WIDTH = 800


def diagram() -> str:
    """Return the diagram as SVG: robot and simulation on either side of one piece of code."""
    signals = tuple(entry.name for entry in fields(Signals))
    terms = tuple(observation_terms())
    rows = max(len(signals), (len(terms) + 1) // 2)
    height = 50 + rows * LINE_HEIGHT
    drawing = Drawing(_WIDTH, height + 318, "From readings to joint commands: one contract for robot and simulation")
    top = 66
    robot = drawing.box(Box(8, 8, 236, 44), "robot: motors and IMUs", ("driver, n = 1",))
    world = drawing.box(Box(528, 8, 264, 44), "simulation: MuJoCo batch", ("noisy, delayed sensors; n = thousands",))
    middle = Box(130, top + 14, 160, height)
    observed = Box(350, top + 14, 320, height)
    drawing.box(Box(106, top, 588, height + 166), kind="group")
    drawing.text(Point(686, top + height + 158), "the contract: the same code, the same bits", "note", "end")
    _listing(drawing, middle, "signals", signals, 1)
    _listing(drawing, observed, "observation terms", terms, 2)
    drawing.arrow(robot.edge("bottom", 80), Point(robot.edge("bottom", 80).x, middle.y))
    turn = (robot.y + robot.height + top) / 2 + 1
    x = middle.center.x + 40
    drawing.arrow(world.edge("bottom"), Point(world.center.x, turn), Point(x, turn), Point(x, middle.y))
    drawing.arrow(middle.edge("right"), observed.edge("left"), label="observe")
    return _lower_half(drawing, observed, top + height + 62)


def terms_table() -> str:
    """Return the observation terms as Markdown: name and what it is."""
    rows = ["| term | is |", "|---|---|"]
    rows += [f"| `{name}` | {text} |" for name, text in observation_terms().items()]
    return "\n".join(rows)


def observation_terms() -> dict[str, str]:
    """Return the shipped observation terms, each an entry point, with the first paragraph of its docstring."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    places = settings["project"]["entry-points"]["sim2real.observation_terms"]
    return {name: first_paragraph(_docstring(*place.split(":"))) for name, place in places.items()}


def _docstring(module: str, function: str) -> str | None:
    path = (ROOT / module.replace(".", "/")).with_suffix(".py")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return next(ast.get_docstring(node) for node in body if isinstance(node, ast.FunctionDef) and node.name == function)


def _listing(drawing: Drawing, box: Box, title: str, names: tuple[str, ...], columns: int) -> None:
    drawing.box(box, kind="tint")
    drawing.text(Point(box.center.x, box.y + 22), title, "title")
    rows = -(-len(names) // columns)
    for index, name in enumerate(names):
        column, row = divmod(index, rows)
        x = box.x + 14 + column * box.width / columns
        drawing.text(Point(x, box.y + 46 + row * LINE_HEIGHT), name, "note", "start")


def _lower_half(drawing: Drawing, observed: Box, top: float) -> str:
    targets = " or ".join(get_args(ActionSpec.model_fields["target"].annotation))
    policy = drawing.box(Box(510, top, 160, 64), "policy (ONNX)", ("normalise → network", "→ action"))
    action = drawing.box(
        Box(292, top, 174, 64), "action", ("clip, filter, scale, offset", f"→ {targets} target"), "tint"
    )
    x = policy.center.x
    drawing.arrow(Point(x, observed.y + observed.height), policy.edge("top"), label="scale, clip, history")
    drawing.arrow(policy.edge("left"), action.edge("right"), label="infer")
    row = top + 64 + 76
    safety = drawing.box(Box(240, row, 158, 46), "safety", ("limits, ages, faults",))
    motors = drawing.box(Box(8, row, 150, 46), "driver → motors")
    batch = drawing.box(Box(528, row, 264, 46), "actuators of the batch", ("delayed, with loss and noise",))
    drawing.arrow(action.edge("bottom", safety.center.x - action.center.x), safety.edge("top"))
    drawing.text(Point(safety.center.x - 8, top + 64 + 24), "act", "note", "end")  # clear of the group's edge
    drawing.arrow(safety.edge("left"), motors.edge("right"), label="write")
    start, turn = action.edge("bottom", 40), row - 18
    drawing.arrow(start, Point(start.x, turn), Point(batch.center.x, turn), batch.edge("top"))
    return drawing.render()
