"""Tables of the terms that a task may name, from their declarations; read without importing MuJoCo."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from generate.layers import ROOT
from generate.text import first_paragraph
from sim2real.configs.schema import command as schema

_FOLDER = ROOT / "sim2real" / "task"


class Declared(NamedTuple):
    """A term as its declaration has it."""

    name: str
    text: str
    """First paragraph of its docstring."""
    needs: tuple[str, ...]
    """Of robot and task; the names of commands are code."""


def table(kind: str) -> str:
    """Return the shipped terms of a kind as Markdown.

    Args:
        kind: Name of the decorator in `sim2real.task`: reward, termination, metric, privileged, command.

    Raises:
        ValueError: No term of this kind is declared.
    """
    rows = [f"| `{term.name}` | {term.text} | {', '.join(term.needs)} |" for term in declared(kind)]
    if not rows:
        raise ValueError(f"no {kind} is declared in {_FOLDER}")
    return "\n".join(["| term | is | needs |", "|---|---|---|", *rows])


def declared(kind: str) -> Iterator[Declared]:
    """Yield what is declared with a decorator, module by module."""
    for path in sorted(_FOLDER.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == kind:
                    yield _of(node, call)


def _of(node: ast.FunctionDef | ast.ClassDef, call: ast.Call) -> Declared:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    named = call.args[0] if call.args else given.get("name")
    name = str(ast.literal_eval(named)) if named is not None else node.name
    needs, commands = (_words(given.get(key)) for key in ("needs", "commands"))
    text = first_paragraph(ast.get_docstring(node))
    return Declared(name, text, (*needs, *(f"`{command}`" for command in commands)))


def _words(value: ast.expr | None) -> tuple[str, ...]:
    """Return the texts of a tuple, written out or by the name that the schema of commands has for it."""
    if value is None:
        return ()
    found = getattr(schema, value.id) if isinstance(value, ast.Name) else ast.literal_eval(value)
    return tuple(found)
