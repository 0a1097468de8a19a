"""Boxes, arrows and text as SVG; colours are classes, so that one picture does for a light and a dark page."""

import math
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

LINE_HEIGHT = 18
"""Pixels from one line of text to the next."""
_TIP = 7  # length of an arrow's tip, pixels
_LOOP = 13  # half the width of the loop of an arrow that returns to its box

# For a picture that stands alone, as in a README. On the site, `stylesheets/extra.css` sets the same variables.
STANDALONE_STYLE = """
  svg { --ink: #1f2933; --soft: #52606d; --line: #7b8794; --box: #ffffff; --tint: #e6f4f1; --warn: #fdecea; --edge: #0f766e; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --soft: #9fb0c0; --line: #7d8b99; --box: #161b22; --tint: #12322f; --warn: #3a1d1c; --edge: #2dd4bf; }
  }
"""  # noqa: E501 - a palette reads best as two rows
_STYLE = """
  .diagram text { font-family: system-ui, sans-serif; font-size: 13px; fill: var(--ink); }
  .diagram .title { font-weight: 600; }
  .diagram .note { font-size: 12px; fill: var(--soft); }
  .diagram rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2; rx: 5px; }
  .diagram .tint { fill: var(--tint); stroke: var(--edge); }
  .diagram .warn { fill: var(--warn); stroke: var(--line); }
  .diagram .group { fill: none; stroke: var(--line); stroke-dasharray: 4 4; }
  .diagram path { fill: none; stroke: var(--line); stroke-width: 1.4; }
  .diagram .tip { fill: var(--line); stroke: none; }
"""


class Point(NamedTuple):
    """A place, pixels from the upper left corner."""

    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> Point:
        """The middle."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def edge(self, side: str, shift: float = 0.0) -> Point:
        """Return a point on a side (left, right, top, bottom), moved along it from the middle."""
        x, y = self.center
        places = {
            "left": Point(self.x, y + shift),
            "right": Point(self.x + self.width, y + shift),
            "top": Point(x + shift, self.y),
            "bottom": Point(x + shift, self.y + self.height),
        }
        return places[side]

    def around(self, other: "Box", margin: float = 0.0) -> "Box":
        """Return the smallest box around both, wider by a margin."""
        left, top = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.width, other.x + other.width)
        bottom = max(self.y + self.height, other.y + other.height)
        return Box(left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin)


@dataclass
class Drawing:
    """A picture under construction.

    Args:
        width: Pixels.
        height: Pixels.
        title: What is to be seen, for those who cannot see it.
    """

    width: float
    height: float
    title: str
    parts: list[str] = field(default_factory=list)

    def box(self, box: Box, title: str = "", lines: tuple[str, ...] = (), kind: str = "") -> Box:
        """Draw a rectangle with a title and lines of text, centred; return it."""
        self.parts.append(
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" class="{kind}"/>'
        )
        texts = [(title, "title")] * bool(title) + [(line, "note") for line in lines]
        y = box.center.y - (len(texts) - 1) * LINE_HEIGHT / 2 + 4.5
        for index, (text, style) in enumerate(texts):
            self.text(Point(box.center.x, y + index * LINE_HEIGHT), text, style)
        return box

    def text(self, at: Point, text: str, kind: str = "", anchor: str = "middle") -> None:
        """Write one line of text; `at` is on its base line."""
        self.parts.append(
            f'<text x="{at.x:g}" y="{at.y:g}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'
        )

    def arrow(self, *points: Point, label: str = "", above: bool = True) -> None:
        """Draw a line through points that ends in a tip; the label stands at the middle of its first part."""
        before, end = points[-2], points[-1]
        length = math.dist(before, end)
        step = Point((end.x - before.x) / length, (end.y - before.y) / length)
        neck = Point(end.x - _TIP * step.x, end.y - _TIP * step.y)
        line = " L".join(f"{x:g},{y:g}" for x, y in (*points[:-1], neck))
        side = Point(-step.y * _TIP / 2, step.x * _TIP / 2)
        tip = f"{end.x:g},{end.y:g} {neck.x + side.x:g},{neck.y + side.y:g} {neck.x - side.x:g},{neck.y - side.y:g}"
        self.parts += [f'<path d="M{line}"/>', f'<polygon points="{tip}" class="tip"/>']
        if label:
            self._label(points[0], points[1], label, above)

    def loop(self, box: Box, label: str) -> None:
        """Draw an arrow from a box to itself, below it."""
        start, end = box.edge("bottom", _LOOP), box.edge("bottom", -_LOOP)
        low = start.y + 22
        self.arrow(start, Point(start.x, low), Point(end.x, low), end)
        self.text(Point(box.center.x, low + 15), label, "note")

    def _label(self, start: Point, end: Point, label: str, above: bool) -> None:
        middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
        if start.y == end.y:
            self.text(Point(middle.x, middle.y + (-7 if above else 17)), label, "note")
        else:
            at = Point(middle.x + (-8 if above else 8), middle.y + 4)
            self.text(at, label, "note", "end" if above else "start")

    def render(self, standalone: bool = False) -> str:
        """Return the SVG: an element for a page, or a file of its own with colours for light and dark."""
        style = f"<style>{STANDALONE_STYLE}{_STYLE}</style>" if standalone else ""
        parts = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" role="img" aria-label="{escape(self.title)}">\n'
            f"{style}<title>{escape(self.title)}</title>\n{parts}\n</svg>"
        )


def page_style() -> str:
    """Return the rules of diagrams for a page's style sheet, which sets the colours."""
    return _STYLE
