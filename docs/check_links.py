"""Checks the links of the documents outside the site: READMEs, CHANGELOG, CONTRIBUTING. MkDocs checks those inside.

`python docs/check_links.py` prints each link to a file or heading that is not there, and then exits with status 1.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_ELSEWHERE = ("http://", "https://", "mailto:")


_FOLDERS = ("configs", "examples", "hardware", "runtime", "sim2real", "tests", "training")


def documents() -> list[Path]:
    """Return the Markdown files of the repository that are not pages of the site."""
    below = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *below])


def broken(document: Path) -> list[str]:
    """Return a line for each link of a document that leads nowhere; links to other machines are not tried."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    found = []
    for link in _LINK.findall(text):
        if link.startswith(_ELSEWHERE):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists():
            found.append(f"{document.relative_to(ROOT)}: {link}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            found.append(f"{document.relative_to(ROOT)}: {link}: no such heading")
    return found


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def main() -> int:
    """Print what is broken; return the exit status."""
    lines = [line for document in documents() for line in broken(document)]
    for line in lines:
        sys.stderr.write(f"error: {line}\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
