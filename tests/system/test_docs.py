"""Laws of the documentation: what a page marks as runnable runs, and what is drawn from the code is as the code is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

# A block counts when the line before its fence is `<!-- run -->`, `<!-- file -->`, or `<!-- more -->` for more of a
# file; no reader sees that line.
_BLOCK = re.compile(
    r'^<!-- (?:run -->\n```(?P<language>bash|python)|(?P<kind>file|more) -->\n```\w+ title="(?P<file>[\w./]+)")\n'
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_MARKS = re.compile(r"^<!-- (?:run|file|more) -->$", re.MULTILINE)


SHORTER = {
    "--set environments=128 --set steps=200000": "--set environments=128 --set steps=20000",
    "environments: 128\nsteps: 100000": "environments: 128\nsteps: 20000",
    "--set steps=50000 --set environments=8": "--set steps=5000 --set environments=8",
}
"""What is run in place of what a page says: trainings after which nothing is asked of the policy but to be one."""


def script(page: Path) -> str:
    """Return the marked blocks of a page as one shell script, in order: a page is one session at a terminal."""
    steps = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        code = block["code"]
        if block["language"] == "bash":
            steps.append(code)
        else:  # a script for Python, or a file that the reader saves
            arrow = {"file": ">", "more": ">>"}
            command = f"cat {arrow[block['kind']]} {block['file']}" if block["kind"] else "python -"
            steps.append(f"{command} <<'END_OF_BLOCK'\n{code}END_OF_BLOCK\n")
    whole = "\n".join(steps)
    for said, shorter in SHORTER.items():
        whole = whole.replace(said, shorter)
    return whole


_OF_LIBRARIES = {".cache", ".config"}  # what libraries keep for themselves: fonts, a device's number
RUNNABLE = [page for page in PAGES if script(page)]


def test_the_first_pages_are_among_the_runnable() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in RUNNABLE}
    assert {"README.md", "docs/tutorials/emulator.md", "docs/tutorials/your_robot.md"} <= names


@pytest.mark.parametrize("said", SHORTER)
def test_what_is_run_shorter_is_on_one_page(said: str) -> None:
    assert [said in page.read_text(encoding="utf-8") for page in PAGES].count(True) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_mark_has_its_block(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(_MARKS.findall(text)) == len(_BLOCK.findall(text))


def with_marks(page: Path) -> object:
    """Return a page as a parameter; pages run by themselves, because some emulate ports in real time."""
    return pytest.param(page, marks=pytest.mark.pages, id=page.relative_to(ROOT).as_posix())


@pytest.mark.parametrize("page", [with_marks(page) for page in RUNNABLE])
def test_the_blocks_of_a_page_run_one_after_the_other(
    page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    environment = os.environ | {
        # This interpreter's commands come first, so that the page's `sim2real` and `python` are the tested ones.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "MPLCONFIGDIR": str(tmp_path_factory.getbasetemp() / "matplotlib"),  # its list of fonts takes seconds to make
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,  # a bound, not a claim
    )
    assert done.returncode == 0, f"{page}:\n{done.stdout}\n{done.stderr}"
    assert {path.name for path in tmp_path.iterdir()} == {"work", "home"}, "a page writes outside its folder"
    assert {path.name for path in home.iterdir()} <= _OF_LIBRARIES, "a page writes into the reader's home folder"
