"""A self-contained HTML page: verdict, table, embedded pictures and video."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_TYPES = {".png": "image/png", ".mp4": "video/mp4"}

_STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --dim: #5b6672; --paper: #ffffff; --line: #d9dee4; --ok: #2e7d4f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa5b1; --paper: #171a1e; --line: #343b43; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { font-weight: 600; } .ok { color: var(--ok); } .bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td + td { text-align: right; font-variant-numeric: tabular-nums; } td:last-child:not(:nth-child(2)) { color: var(--dim); text-align: left; }
img, video { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; background: #fff; }
.wide { overflow-x: auto; } @media (max-width: 40rem) { .wide img { width: 44rem; max-width: none; } }
td:last-child { overflow-wrap: anywhere; } * { box-sizing: border-box; }
p, figcaption { color: var(--dim); } figure { margin: 1rem 0; } code { font-size: .9em; }
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
    exhibits: Sequence[Exhibit | Listing],
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


def _exhibit(exhibit: Exhibit | Listing) -> str:
    if isinstance(exhibit, Listing):
        caption = f"<p>{escape(exhibit.caption)}</p>" if exhibit.caption else ""
        return f"<h2>{escape(exhibit.title)}</h2>{_table(exhibit.rows)}{caption}"
    kind = _TYPES[exhibit.path.suffix]
    source = f"data:{kind};base64,{base64.b64encode(exhibit.path.read_bytes()).decode()}"
    title = escape(exhibit.title)
    if kind.startswith("video/"):
        shown = f'<video src="{source}" controls loop muted autoplay playsinline></video>'
    else:
        shown = f'<div class="wide"><img src="{source}" alt="{title}"></div>'
    return f"<h2>{title}</h2><figure>{shown}<figcaption>{escape(exhibit.caption)}</figcaption></figure>"
