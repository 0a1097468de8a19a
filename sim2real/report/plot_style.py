"""How every figure looks: colours that a page can replace, sizes that a phone can show, one way to save."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import matplotlib as mpl

mpl.use("Agg")
from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

INK, DIM, GRID = "#22272e", "#5b6672", "#d9dee4"
COLOURS: Final = ("#2563a8", "#c8571b", "#2e7d4f", "#7c3aa0", "#8a6d1d", "#4b8b9b", "#a13d63", "#6b7682")
"""Of lines, in this order."""
GOOD, BAD = "#2e7d50", "#b3261e"
WIDTH: Final = 7.0
"""inches of a figure; 672 pixels of a page."""
TEXT: Final = 9.0
"""pt, smallest text: 12 pixels of a page."""
_DPI: Final = 120  # of pictures in pixels

_SETTINGS: Final[Any] = {
    "font.size": TEXT,
    "figure.labelsize": TEXT,
    "axes.titlesize": TEXT + 1.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": DIM,
    "xtick.color": DIM,
    "ytick.color": DIM,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text, in the font of the page
}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw in this style, whatever the user's own settings are."""

    @functools.wraps(draw)
    def styled_draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return styled_draw


def save(figure: Figure, path: Path) -> None:
    """Write a figure as what the suffix says: .svg or .png; the same figure gives the same file."""
    vector = path.suffix == ".svg"
    with mpl.rc_context({"svg.hashsalt": path.name}):
        figure.savefig(path, dpi=_DPI, transparent=vector, metadata={"Date": None} if vector else None)
