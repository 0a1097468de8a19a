"""The network of a policy as a C function: constants, a body, its memory and its multiplications."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.training.c_source.graph import Array, Graph, Node
from sim2real.training.c_source.literals import comment_text, floats
from sim2real.training.c_source.work_memory import ALIASES, WorkMemory

DENSE: Final = """\
/* y = W x + b, W by rows. Four sums of floats side by side are nearer to the exact sum than one is. */
static void {prefix}_dense(const float *w, const float *b, const float *x, float *y, int outputs, int inputs)
{{
    for (int o = 0; o < outputs; o++, w += inputs) {{
        float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
        int i = 0;
        for (; i + 4 <= inputs; i += 4) {{
            s0 += w[i] * x[i];
            s1 += w[i + 1] * x[i + 1];
            s2 += w[i + 2] * x[i + 2];
            s3 += w[i + 3] * x[i + 3];
        }}
        for (; i < inputs; i++)
            s0 += w[i] * x[i];
        y[o] = (s0 + s1) + (s2 + s3) + (b ? b[o] : 0.0f);
    }}
}}
"""
SIGMOID: Final = """\
static float {prefix}_sigmoid(float x)
{{
    return 1.0f / (1.0f + expf(-x));
}}
"""


@dataclass
class Network:
    """A network as C source.

    Args:
        graph: Of the policy.
        prefix: Of all its names.
        places: C pointers to the values of the graph's inputs.
    """

    graph: Graph
    prefix: str
    places: dict[str, str]
    constants: list[str] = field(default_factory=list)
    """Definitions of the weights."""
    values: list[Array] = field(default_factory=list)
    """The weights, in the order of their definitions."""
    external: bool = False
    """Whether the weights are given at run time: their definitions are pointers."""
    lines: list[str] = field(default_factory=list)
    """Body of the function."""
    functions: dict[str, str] = field(default_factory=dict)
    """Definitions of functions that it calls."""
    multiplications: int = 0
    """Of one step."""
    weights: int = 0
    """Floats of all constants."""

    def __post_init__(self) -> None:
        self.memory = WorkMemory(self.graph)
        self.number = 0
        self._known: dict[str, str] = {}

    def call(self, name: str, source: str) -> str:
        """Return the name of a function of the file that is defined as needed."""
        self.functions[name] = source.format(prefix=self.prefix)
        return f"{self.prefix}_{name}"

    def constant(self, values: Array, key: str = "") -> str:
        """Return the C name of a constant; one with a key is written once."""
        if key in self._known:
            return self._known[key]
        if values.dtype != np.float32:
            raise UserError(f"a constant of the policy's graph is {values.dtype}; valid: float32")
        if not np.isfinite(values).all():
            raise UserError(f"a constant of the policy's graph is not finite{f': {key}' if key else ''}")
        name = f"{self.prefix}_c{len(self.constants)}"
        self.constants.append(f"static const float *{name};\n" if self.external else floats(name, values))
        self.values.append(values)
        self.weights += values.size
        if key:
            self._known[key] = name
        return name

    def pointer(self, name: str) -> str:
        """Return a C pointer to the values of an input of a node."""
        offset = self.memory.offset(name)
        if offset is not None:
            return f"(work + {offset})"
        root = self.memory.root(name)
        if root in self.places:
            return self.places[root]
        return self.constant(self.graph.constants[root], root)

    def fixed(self, node: Node, index: int) -> Array:
        """Return an input that must be known here. Raises UserError if it is computed from the observation."""
        name = node.inputs[index]
        if name not in self.graph.constants:
            raise UserError(f"operator {node.words} of the policy's graph needs a constant input {index}")
        return self.graph.constants[name]

    def given(self, node: Node, index: int) -> bool:
        """Tell whether a node has an optional input."""
        return len(node.inputs) > index and bool(node.inputs[index])

    def output(self, node: Node, index: int = 0) -> str:
        """Return a C pointer for an output of a node."""
        name = node.outputs[index]
        return f"(work + {self.memory.take(name, prod(self.graph.shape(name)))})"

    def output_in_place(self, node: Node) -> str:
        """Return a C pointer for the output of a node that works element by element: an input's place if it can be."""
        name = node.outputs[0]
        size = prod(self.graph.shape(name))
        return f"(work + {self.memory.take_over(name, size, self.number, node.inputs)})"

    def scratch(self, name: str, size: int) -> str:
        """Return a C pointer to floats that are this node's alone."""
        return f"(work + {self.memory.take(f'{name} of node {self.number}', size)})"

    def each(self, shape: Sequence[int], write: str, reads: dict[str, "Strided"]) -> None:
        """Append loops over a shape: `write`, with the place of every operand filled in by its name in braces."""
        indexes = [f"i{axis}" if size != 1 else "" for axis, size in enumerate(shape)]
        filled = {name: f"{operand.pointer}[{operand.index(indexes)}]" for name, operand in reads.items()}
        depth = 0
        for axis, size in enumerate(shape):
            if size != 1:
                self.lines.append(f"{'    ' * depth}for (int i{axis} = 0; i{axis} < {size}; i{axis}++)")
                depth += 1
        self.lines.append(f"{'    ' * depth}{write.format(**filled)}")

    def build(self, operators: dict[str, Any]) -> None:
        """Append every node.

        Raises:
            UserError: An operator is not among these, or is used in a way that C source is not written for.
        """
        unknown = sorted({node.operator for node in self.graph.nodes} - set(operators) - ALIASES)
        if unknown:
            raise UserError(
                f"the policy's graph has the operator {', '.join(unknown)}, which is not written as C; "
                f"valid: {', '.join(sorted([*operators, *ALIASES]))}"
            )
        for number, node in enumerate(self.graph.nodes):
            self.number = number
            if node.operator not in ALIASES:
                self.lines.append(f"/* {comment_text(node.words)} */")
                operators[node.operator](self, node)
            self.memory.release(self.number)


@dataclass(frozen=True)
class Strided:
    """An operand of a loop: its element for loop indexes i0, i1, … is at offset + Σ stride·i."""

    pointer: str
    strides: tuple[int, ...]
    offset: int = 0

    def index(self, indexes: Sequence[str]) -> str:
        """Return the index as a C expression."""
        parts = [
            name if step == 1 else f"{step} * {name}"
            for name, step in zip(indexes, self.strides, strict=True)
            if step and name
        ]
        if self.offset or not parts:
            parts.append(str(self.offset))
        return " + ".join(parts)


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Return how far apart the elements along each axis are, in a contiguous array; 0 along axes of one element."""
    return tuple(0 if size == 1 else prod(shape[axis + 1 :]) for axis, size in enumerate(shape))
