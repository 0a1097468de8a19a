"""Laws of the package READMEs: a map names what is there, and all that is there is on a map."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READMES = [
    ROOT / name / "README.md" for name in ("configs", "hardware", "runtime", "runtime/flash", "sim2real", "training")
]
"""The package READMEs that have a map."""

_MAP = re.compile(r"^## Map$(.*?)^## ", re.MULTILINE | re.DOTALL)
_FIRST_COLUMN = re.compile(r"^\| ([^|]*) \|", re.MULTILINE)
_MODULES_IN_TEXT = re.compile(r"`(?:\w+/)*\w+\.py`")


def on_map(readme: Path) -> set[str]:
    """Return what the first column of a README's map names: `module.py` and `room/`, below the README's folder."""
    section = _MAP.search(readme.read_text(encoding="utf-8"))
    assert section is not None, f"{readme} has no map"
    columns = _FIRST_COLUMN.findall(section[1])
    return {name for column in columns for name in re.findall(r"`([^`]+)`", column)}


def there(folder: Path) -> set[str]:
    """Return what a map must name: the modules beside the README, and every room below it without a map of its own."""
    modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    mapped = {readme.parent for readme in READMES} - {folder}
    rooms = {path.parent for path in folder.glob("*/**/__init__.py")}
    own = {room for room in rooms if not mapped.intersection(room.parents) and room.resolve() == room}  # not by a link
    data = {path.parent for path in folder.glob("*/*.yaml") if path.resolve() == path}
    return modules | {f"{room.relative_to(folder).as_posix()}/" for room in own | data}


def identity(readme: Path) -> str:
    return readme.parent.relative_to(ROOT).as_posix()


def test_every_package_has_a_map() -> None:
    packages = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    assert packages <= {readme.parent for readme in READMES}


@pytest.mark.parametrize("readme", READMES, ids=identity)
def test_what_a_map_names_is_there(readme: Path) -> None:
    assert [name for name in sorted(on_map(readme)) if not (readme.parent / name).exists()] == []


@pytest.mark.parametrize("readme", READMES, ids=identity)
def test_all_that_is_there_is_on_the_map(readme: Path) -> None:
    assert there(readme.parent) - on_map(readme) == set()


@pytest.mark.parametrize("readme", READMES, ids=identity)
def test_a_module_in_the_text_is_in_the_tree(readme: Path) -> None:
    """Some are named from the top of the repository, some from the package, some within a room that the text names."""
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts}
    named = {name.strip("`") for name in _MODULES_IN_TEXT.findall(readme.read_text(encoding="utf-8"))}
    assert {name for name in named if not any(f"/{module}".endswith(f"/{name}") for module in modules)} == set()
