"""A self-contained HTML page: verdict, table, embedded pictures and video."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from sim2real.report.plot_style import BAD, COLOURS, DIM, GOOD, GRID, INK

_TYPES = {".png": "image/png", ".mp4": "video/mp4"}
_THEME: Final = {INK: "--ink", DIM: "--dim", GRID: "--line", GOOD: "--ok", BAD: "--bad"} | {
    colour: f"--c{index}" for index, colour in enumerate(COLOURS)
}
"""Property of the page that takes the place of each colour of a figure, so that dark pages have light lines."""
_NATURAL: Final = 4.0 / 3.0  # pixels of a page for each pt of a figure: no text is then smaller than 12 of them

_STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --dim: #5b6672; --paper: #ffffff; --line: #d9dee4; --ok: #2e7d4f; --bad: #b3261e;
--c0: #2563a8; --c1: #c8571b; --c2: #2e7d4f; --c3: #7c3aa0; --c4: #8a6d1d; --c5: #33808f; --c6: #a13d63; --c7: #6b7682; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa5b1; --paper: #171a1e; --line: #343b43; --ok: #5cc08a; --bad: #ff8a80;
--c0: #6cb0f5; --c1: #ff9e64; --c2: #6fcf97; --c3: #cf9bf0; --c4: #e0c060; --c5: #7fd1de; --c6: #f08fb4; --c7: #a5b0bb; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { font-weight: 600; } .ok { color: var(--ok); } .bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td + td { text-align: right; font-variant-numeric: tabular-nums; } td:last-child:not(:nth-child(2)) { color: var(--dim); text-align: left; }
@media (max-width: 40rem) { tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid var(--line); padding: .3rem 0; }
td, td + td { border: 0; padding: 0 .2rem; } td:last-child:not(:nth-child(2)) { grid-column: 1 / -1; } td:empty { display: none; } }
.advice li { margin: .4rem 0; } .advice b { font-weight: 600; } .advice { border-left: 3px solid var(--c1); padding-left: 1rem; }
svg { display: block; width: 100%; height: auto; } svg text { font-family: inherit; }
img, video { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; background: #fff; }
.wide { overflow-x: auto; } @media (max-width: 40rem) { .wide img { width: 52rem; max-width: none; } }
td:last-child { overflow-wrap: anywhere; } * { box-sizing: border-box; }
p, figcaption { color: var(--dim); overflow-wrap: anywhere; } figure { margin: 1rem 0; } code { font-size: .9em; }
"""  # noqa: E501 - one CSS rule per line


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Exhibit:
    """A picture or a video, embedded."""

    title: str
    path: Path
    caption: str = ""


@dataclass(frozen=True)
class Advice:
    """What happened, and what to do about it."""

    what: Mapping[str, str]
    """What to do, by what happened."""


@dataclass(frozen=True)
class Listing:
    """A table of its own."""

    title: str
    rows: Sequence[Row]
    caption: str = ""


def write_page(
    path: Path,
    title: str,
    ok: bool,
    verdict: str,
    rows: Sequence[Row],
    exhibits: Sequence[Exhibit | Listing | Advice],
    footer: str,
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        title: Heading.
        ok: Selects the colour of the verdict.
        verdict: One sentence.
        rows: The table.
        exhibits: Embedded in order; their files must exist.
        footer: Command that reproduces the page.
    """
    path.write_text(
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="verdict {"ok" if ok else "bad"}">{escape(verdict)}</p>'
        f"{_table(rows)}{''.join(map(_exhibit, exhibits))}<p>{escape(footer)}</p></body></html>\n",
        encoding="utf-8",
    )


def _table(rows: Sequence[Row]) -> str:
    cells = "".join(
        f"<tr><td>{escape(row.name)}</td><td>{escape(row.value)}</td><td>{escape(row.note)}</td></tr>" for row in rows
    )
    return f"<table>{cells}</table>"


def _exhibit(exhibit: Exhibit | Listing | Advice) -> str:
    if isinstance(exhibit, Advice):
        items = "".join(f"<li><b>{escape(what)}</b><br>{_code(do)}</li>" for what, do in exhibit.what.items())
        return f'<section class="advice"><h2>What to do</h2><ul>{items}</ul></section>' if items else ""
    if isinstance(exhibit, Listing):
        caption = f"<p>{escape(exhibit.caption)}</p>" if exhibit.caption else ""
        return f"<h2>{escape(exhibit.title)}</h2>{_table(exhibit.rows)}{caption}"
    title = escape(exhibit.title)
    caption = f"<figcaption>{escape(exhibit.caption)}</figcaption>" if exhibit.caption else ""
    return f"<h2>{title}</h2><figure>{_shown(exhibit.path, title)}{caption}</figure>"


def _code(text: str) -> str:
    """Return a text in which what stands in backticks is code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))


def _shown(path: Path, title: str) -> str:
    """Return a picture or a video as part of the page; a drawing takes the page's colours and font."""
    if path.suffix == ".svg":
        return f'<div class="wide">{_inline(path.read_text(encoding="utf-8"), title)}</div>'
    kind = _TYPES[path.suffix]
    source = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    if kind.startswith("video/"):
        return f'<video src="{source}" controls loop muted autoplay playsinline></video>'
    return f'<div class="wide"><img src="{source}" alt="{title}"></div>'


def _inline(drawing: str, title: str) -> str:
    """Return an SVG for the body of a page: without its own head, size and colours, and never smaller than its text."""
    head = re.search(r'<svg\b[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>', drawing)
    if head is None:
        raise ValueError(f"{title}: no drawing as matplotlib writes it")
    body = re.sub(r"<metadata>.*?</metadata>", "", drawing[head.end() :], flags=re.DOTALL)
    for colour, name in _THEME.items():
        body = body.replace(colour, f"var({name})")
    return (
        f'<svg viewBox="0 0 {head[1]} {head[2]}" style="min-width: {float(head[1]) * _NATURAL:.0f}px" role="img" '
        f'aria-label="{title}">{body.replace("xlink:href", "href")}'
    )
