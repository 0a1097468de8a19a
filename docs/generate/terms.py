"""Tables of the terms that a task may name, from the code behind them; read without importing MuJoCo."""

import ast
import re
from collections.abc import Iterable

from generate.layers import ROOT
from generate.text import first_paragraph

_FOLDER = ROOT / "sim2real" / "task"

Node = ast.FunctionDef | ast.ClassDef


def rewards() -> str:
    """Return the reward terms as Markdown."""
    return _table(node for node in _functions("rewards", "state") if _returns(node) == "Float64Array")


def terminations() -> str:
    """Return the termination terms as Markdown."""
    return _table(node for node in _functions("rewards", "state") if _returns(node) == "BoolArray")


def metrics() -> str:
    """Return the metrics as Markdown: each is a class that gathers figures over an episode."""
    return _table(
        node
        for node in _public("metrics")
        if isinstance(node, ast.ClassDef) and not any(ast.unparse(base) == "Protocol" for base in node.bases)
    )


def privileged() -> str:
    """Return the privileged terms as Markdown."""
    return _table(_functions("privileged", "seen"))


def _public(module: str) -> list[Node]:
    body = ast.parse((_FOLDER / f"{module}.py").read_text(encoding="utf-8")).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]


def _functions(module: str, first: str) -> list[ast.FunctionDef]:
    """Return the public functions of a module whose first argument is what terms are given."""
    functions = [node for node in _public(module) if isinstance(node, ast.FunctionDef)]
    return [node for node in functions if node.args.args and node.args.args[0].arg == first]


def _returns(node: ast.FunctionDef) -> str:
    return ast.unparse(node.returns) if node.returns is not None else ""


def _table(nodes: Iterable[Node]) -> str:
    rows = [f"| `{_snake_case(node.name)}` | {first_paragraph(ast.get_docstring(node))} |" for node in nodes]
    if not rows:
        raise ValueError(f"no terms found in {_FOLDER}")
    return "\n".join(["| term | is |", "|---|---|", *rows])


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
