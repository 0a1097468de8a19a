"""Mutations of a module: one small change each, of the kind that a slip of a programmer makes."""

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Mod: ast.Mult,
}
_FUNCTIONS = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "minimum": "maximum",
    "maximum": "minimum",
    "fmin": "fmax",
    "fmax": "fmin",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "less": "less_equal",
    "less_equal": "less",
    "greater": "greater_equal",
    "greater_equal": "greater",
    "equal": "not_equal",
    "logical_and": "logical_or",
    "isfinite": "isnan",
    "isnan": "isfinite",
    "floor": "ceil",
    "ceil": "floor",
}
_MEMBERS = {
    "State": ("FAULT", "LIMP"),
    "Event": ("FAULT", "OPEN"),
    "Level": ("OK", "FAULT"),
    "Reason": ("POSITION", "VELOCITY"),
    "Intervention": ("GAIN", "EFFORT"),
}
"""Of each enumeration, a member to put in place of another, and one to put in its own."""

_REMOVED = ("abs", "copysign", "logical_not")


class Mutant(NamedTuple):
    """One changed module."""

    place: str
    """Class and function."""
    before: str
    after: str
    number: int
    """Of those with the same place and change, which one, from 1."""
    source: str

    @property
    def name(self) -> str:
        """What it is, without line numbers: those would change with every edit."""
        return f"{self.place}: {self.before} -> {self.after}" + (f" #{self.number}" if self.number > 1 else "")


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module's source."""
    tree = ast.parse(source)
    seen: dict[str, int] = {}
    for place, path in _places(tree):
        for before, after, changed in _changes(_at(tree, path)):
            mutated = copy.deepcopy(tree)
            _replace(mutated, path, changed)
            mutant = Mutant(place, before, after, 1, ast.unparse(ast.fix_missing_locations(mutated)))
            seen[mutant.name] = seen.get(mutant.name, 0) + 1
            yield mutant._replace(number=seen[mutant.name])


Path = tuple[tuple[str, int | None], ...]
"""From the module down: the field of each node, and the index where the field is a list."""


def _places(tree: ast.AST, place: str = "", path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Yield every node that runs, with the name of its function: no annotation, docstring or import."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "bases", "type_params"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_text(node) or isinstance(node, ast.Import | ast.ImportFrom):
                continue
            inner = place
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                inner = f"{place}.{node.name}".lstrip(".")
            here = (*path, (field, index))
            yield inner or "module", here
            yield from _places(node, inner, here)


def _is_text(node: ast.AST) -> bool:
    """Tell whether a node is a docstring, or text for people."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for field, index in path:
        value = getattr(tree, field)
        tree = value if index is None else value[index]
    return tree


def _replace(tree: ast.AST, path: Path, node: ast.AST) -> None:
    parent = _at(tree, path[:-1])
    field, index = path[-1]
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _changes(node: ast.AST) -> Iterator[tuple[str, str, ast.AST]]:
    """Yield what a node may become, with both as text."""
    for changed in _variants(node):
        yield _short(node), _short(ast.fix_missing_locations(changed)), changed


def _short(node: ast.AST) -> str:
    """Return a node as one line; of a long one both ends."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:50]} ... {text[-35:]}"


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    yield from _arithmetic(node)
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.Attribute(value=ast.Name(id=name)) if name in _MEMBERS:
            usual, other = _MEMBERS[name]
            yield ast.Attribute(node.value, other if node.attr == usual else usual, ast.Load())
        case ast.Dict() if len(node.keys) > 1:
            for gone in range(len(node.keys)):
                kept = [index for index in range(len(node.keys)) if index != gone]
                yield ast.Dict([node.keys[index] for index in kept], [node.values[index] for index in kept])
        case ast.If() if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Expr(value=ast.Call()) | ast.Continue():
            yield ast.Pass()
        case ast.Call():
            yield from _calls(node)


def _arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
        case ast.AugAssign() if type(node.op) in _OPERATORS:
            yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
            yield ast.Assign([node.target], node.value)
        case ast.BoolOp():
            yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
            for index in range(len(node.values)):
                rest = node.values[:index] + node.values[index + 1 :]
                yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant() if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        case ast.Constant() if isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)


def _comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        operators = list(node.ops)
        operators[index] = _COMPARISONS[type(operator)]()
        yield ast.Compare(node.left, operators, node.comparators)
    if len(node.ops) > 1:  # each half alone
        yield ast.Compare(node.left, node.ops[:1], node.comparators[:1])
        yield ast.Compare(node.comparators[-2], node.ops[-1:], node.comparators[-1:])


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _FUNCTIONS:
        other: ast.expr
        if isinstance(function, ast.Attribute):
            other = ast.Attribute(function.value, _FUNCTIONS[name], ast.Load())
        else:
            other = ast.Name(_FUNCTIONS[name], ast.Load())
        yield ast.Call(other, node.args, node.keywords)
    if name in _REMOVED and node.args:
        yield node.args[0]
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in ("where", "casting"):
            yield ast.Call(function, node.args, node.keywords[:index] + node.keywords[index + 1 :])
