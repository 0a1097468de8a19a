"""Laws of the house: no import cycles, every room says what it is, tests stand where their package does."""

import ast
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("configs", "hardware", "runtime", "sim2real", "training")
FOLDERS = sorted({file.parent.relative_to(ROOT) for name in PACKAGES for file in ROOT.glob(f"{name}/**/*.py")})
"""Without those behind the links in sim2real/, which are not followed."""
TEST_FOLDERS = sorted({file.parent.relative_to(ROOT / "tests") for file in ROOT.glob("tests/*/**/test_*.py")})


TOP = {
    *PACKAGES,
    *(".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "docs", "examples", "tests"),
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"),
    *("constraints.txt", "mkdocs.yml", "pyproject.toml"),
}
"""What stands at the top of the repository."""


def test_nothing_that_commands_leave_behind_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert {Path(line).parts[0] for line in listed.stdout.splitlines()} == TOP


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("sim2real", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert sum(map(len, imports.values())) > 1000
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_room_says_what_it_is(folder: Path) -> None:
    source = ROOT / folder / "__init__.py"
    assert source.is_file(), "a folder of modules is a package"
    said = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
    assert said is not None
    assert said.splitlines()[0].endswith(".")


@pytest.mark.parametrize("folder", TEST_FOLDERS, ids=str)
def test_tests_stand_where_their_package_does(folder: Path) -> None:
    assert folder.parts == ("system",) or (ROOT / folder / "__init__.py").is_file()


def test_no_test_patches_a_private_name() -> None:
    """Ruff sees private attributes, but not their names in text."""
    private = re.compile(r"""(?:set|get|del)attr\([^\n]*["'](?:[\w.]+\.)?_[A-Za-z]""")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in ROOT.glob("tests/**/*.py")
        for match in private.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
