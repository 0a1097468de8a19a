"""The table of what safety judges, from its reasons."""

import ast
import inspect
import itertools

from generate.text import one_line
from sim2real.runtime import verdict
from sim2real.runtime.verdict import DAMP_REASONS, Reason


def table() -> str:
    """Return a row for each reason: what it leads to, and what it means."""
    said = _attribute_docstrings()
    rows = ["| reason | leads to | means |", "|---|---|---|"]
    for reason in Reason:
        level = "DAMPING" if reason & DAMP_REASONS else "FAULT"
        words = f"{reason.name}".replace("_", " ").capitalize() + "."
        rows.append(f"| `{reason.name}` | {level} | {one_line(said.get(f'{reason.name}', words))} |")
    return "\n".join(rows)


def _attribute_docstrings() -> dict[str, str]:
    """Return the text below each member of the enumeration."""
    module = ast.parse(inspect.getsource(verdict))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Reason")
    found = {}
    for node, after in itertools.pairwise(body):
        if isinstance(node, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[ast.unparse(node.targets[0])] = str(after.value.value)
    return found
