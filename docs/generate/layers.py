"""The layers of the code as a diagram and a table, from the contract that import-linter checks."""

import ast
import tomllib
from pathlib import Path

from generate.svg import Box, Drawing, Point

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""

_WIDTH, _HEIGHT, _STEP = 420, 30, 44
_ON_ROBOT = frozenset({"runtime", "hardware", "configs"})
"""Layers that are installed on a robot."""


def layers() -> list[tuple[str, ...]]:
    """Return the layers from the top down; those beside each other do not import one another."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    found = next(contract for contract in contracts if contract["type"] == "layers")
    return [tuple(name.strip() for name in layer.split(":")) for layer in found["layers"]]


def sentence(layer: str) -> str:
    """Return the first sentence of the docstring of a package or module right below `sim2real`."""
    folder = ROOT / "sim2real" / layer
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if docstring is None:
        raise ValueError(f"{path} has no docstring")
    return " ".join(docstring.split("\n\n")[0].split()).rstrip(".")


def diagram() -> str:
    """Return the diagram as SVG: imports go down, never up."""
    rows = layers()
    drawing = Drawing(_WIDTH + 230, len(rows) * _STEP + 10, "Layers of the code; a layer imports those below it")
    last = len(rows) - 1
    for index, names in enumerate(rows):
        y = 6 + index * _STEP
        share = (_WIDTH - 12 * (len(names) - 1)) / len(names)
        for place, name in enumerate(names):
            box = Box(8 + place * (share + 12), y, share, _HEIGHT)
            drawing.box(box, name, kind="tint" if name in _ON_ROBOT else "")
        if index < last:
            x = 8 + _WIDTH / 2
            drawing.arrow(Point(x, y + _HEIGHT), Point(x, y + _STEP))
    robot = [index for index, names in enumerate(rows) if set(names) & _ON_ROBOT]
    _brace(drawing, 0, robot[0] - 1, "simulation and learning", "the extra “train”: MuJoCo, torch")
    _brace(drawing, robot[0], last, "what runs on the robot", "imports neither of them")
    return drawing.render()


def table() -> str:
    """Return the layers as Markdown, with the first sentence of each."""
    rows = ["| layer | is |", "|---|---|"]
    rows += [f"| `sim2real.{name}` | {sentence(name)} |" for names in layers() for name in names]
    return "\n".join(rows)


def _brace(drawing: Drawing, first: int, last: int, title: str, note: str) -> None:
    top, bottom, x = 6 + first * _STEP, 6 + last * _STEP + _HEIGHT, _WIDTH + 18
    drawing.parts.append(f'<path d="M{x},{top} h8 V{bottom} h-8"/>')
    middle = (top + bottom) / 2
    drawing.text(Point(x + 18, middle - 3), title, "title", "start")
    drawing.text(Point(x + 18, middle + 15), note, "note", "start")
