"""Which files of the repository a file imports, directly or through others."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = (ROOT, ROOT / "tests/rigs", ROOT / "tests/system", ROOT / "docs")  # where imports of tests look


@functools.cache
def reached_files(file: Path) -> frozenset[Path]:
    """Return a file, all those that it imports, those that they import, and so on; symbolic links are resolved."""
    found, left = {file.resolve()}, [file.resolve()]
    while left:  # ends: each file is taken once
        new = _imports(left.pop()) - found
        found |= new
        left += new
    return frozenset(found)


@functools.cache
def _imports(file: Path) -> frozenset[Path]:
    found = (_file_of(name) for name in _names(ast.parse(file.read_text(encoding="utf-8"))))
    return frozenset(path for path in found if path is not None)


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield what may be modules; imports inside functions count as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@functools.cache
def _file_of(module: str) -> Path | None:
    path = module.replace(".", "/")
    for folder in _FOLDERS:
        for file in (folder / f"{path}.py", folder / path / "__init__.py"):
            if file.exists():
                return file.resolve()
    return None
