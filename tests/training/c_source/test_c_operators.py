"""Laws of operators in C: each gives what onnxruntime gives, in every way it is covered; others are refused by name."""

import numpy as np
import onnxruntime
import pytest
from c_policies import ARM, with_terms, write_graph
from onnx import NodeProto, helper

from sim2real.configs.errors import UserError
from sim2real.training.c_source.export import AGREEMENT_MAX
from sim2real.training.c_source.graph import read_graph
from sim2real.training.c_source.operators import OPERATORS
from sim2real.training.c_source.source import c_source
from sim2real.training.c_source.trial import FLAGS, compare, compiler, prepare, run_source

CONTRACT = with_terms(ARM, ("joint_position", 1.0, None, 2))
"""Twelve values in, six out."""
needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
random = np.random.default_rng(5)
node = helper.make_node


def numbers(*shape):
    return random.normal(0.0, 0.5, shape).astype(np.float32)


def whole(*values):
    return np.array(values, np.int64)


CONSTANTS = {
    "W": numbers(12, 6),
    "V": numbers(6, 12),
    "b": numbers(6),
    "row": numbers(1, 6),
    "one": np.array(0.75, np.float32),
    "low": np.array(-0.3, np.float32),
    "high": np.array(0.4, np.float32),
    "three_by_four": whole(1, 3, 4),
    "flat": whole(1, 12),
    "axis": whole(0),
    "of_four": numbers(4, 1),
    "parts": whole(2, 10),
    "picked": whole(2, -3),
    "columns": whole(3, 0, -2),
    "from": whole(-1),
    "to": whole(-13),
    "last_axis": whole(-1),
    "by": whole(-2),
}
UNARY = [
    node("Abs", ["x"], ["y"]),
    node("Elu", ["x"], ["y"], alpha=0.7),
    node("Elu", ["x"], ["y"]),
    node("Exp", ["x"], ["y"]),
    node("LeakyRelu", ["x"], ["y"], alpha=0.2),
    node("Neg", ["x"], ["y"]),
    node("Relu", ["x"], ["y"]),
    node("Selu", ["x"], ["y"]),
    node("Sigmoid", ["x"], ["y"]),
    node("Softplus", ["x"], ["y"]),
    node("Softsign", ["x"], ["y"]),
    node("Tanh", ["x"], ["y"]),
    node("Clip", ["x", "low", "high"], ["y"]),
    node("Clip", ["x", "", "high"], ["y"]),
    node("Identity", ["x"], ["y"]),
]
BINARY = [
    node(operator, ["x", other], ["y"])
    for operator, others in {
        "Add": ("row", "one", "x"),
        "Sub": ("b",),
        "Mul": ("row", "x"),
        "Div": ("one",),
        "Max": ("b",),
        "Min": ("row",),
    }.items()
    for other in others
]


def side_by_side(entries):
    """Return a graph that applies each of up to six operators to one of six values: fewer programs to compile."""
    parts = [f"x{number}" for number in range(6)]
    nodes = [node("MatMul", ["observation", "W"], ["x"]), node("Split", ["x"], parts, axis=1)]
    results = list(parts)
    for number, entry in enumerate(entries):
        copied = NodeProto()
        copied.CopyFrom(entry)
        copied.input[0], copied.output[0], results[number] = parts[number], f"y{number}", f"y{number}"
        nodes.append(copied)
    return [*nodes, node("Concat", results, ["action"], axis=1)]


GRAPHS = {
    **{f"unary {start}": side_by_side(UNARY[start : start + 6]) for start in range(0, len(UNARY), 6)},
    **{
        f"{entry.op_type} {' '.join(entry.input)}": [
            node("MatMul", ["observation", "W"], ["x"]),
            entry,
            node("Add", ["y", "x"], ["action"]),
        ]
        for entry in BINARY
    },
    "Gemm": [node("Gemm", ["observation", "V", "b"], ["action"], alpha=0.5, beta=2.0, transB=1)],
    "Gemm without bias": [node("Gemm", ["observation", "W"], ["action"])],
    "Sqrt": [
        node("Gemm", ["observation", "W"], ["x"]),
        node("Mul", ["x", "x"], ["square"]),
        node("Sqrt", ["square"], ["action"]),
    ],
    "Reshape, Transpose, broadcast": [
        node("Reshape", ["observation", "three_by_four"], ["grid"]),
        node("Transpose", ["grid"], ["turned"], perm=[0, 2, 1]),
        node("Mul", ["turned", "of_four"], ["scaled"]),
        node("Reshape", ["scaled", "flat"], ["row_again"]),
        node("MatMul", ["row_again", "W"], ["action"]),
    ],
    "Split, Concat": [
        node("Split", ["observation", "parts"], ["first", "rest"], axis=1),
        node("Tanh", ["first"], ["bent"]),
        node("Concat", ["rest", "bent"], ["joined"], axis=-1),
        node("MatMul", ["joined", "W"], ["action"]),
    ],
    "Gather": [
        node("Reshape", ["observation", "three_by_four"], ["grid"]),
        node("Gather", ["grid", "picked"], ["some"], axis=1),
        node("Gather", ["some", "columns"], ["fewer"], axis=-1),
        node("Flatten", ["fewer"], ["action"]),
    ],
    "Slice backwards": [
        node("Slice", ["observation", "from", "to", "last_axis", "by"], ["half"]),
        node("Identity", ["half"], ["action"]),
    ],
    "Unsqueeze, Squeeze, Flatten": [
        node("Unsqueeze", ["observation", "axis"], ["deep"]),
        node("Squeeze", ["deep", "axis"], ["again"]),
        node("Flatten", ["again"], ["flat_row"]),
        node("MatMul", ["flat_row", "W"], ["action"]),
    ],
    "what depends on constants alone is computed before": [
        node("Shape", ["observation"], ["shape"]),
        node("Reshape", ["observation", "shape"], ["same"]),
        node("Mul", ["W", "one"], ["halved"]),
        node("MatMul", ["same", "halved"], ["action"]),
    ],
}


class Session:
    """A policy run by onnxruntime in this process: loading it in a child, as the runtime does, takes a second."""

    def __init__(self, model, contract):
        self.contract, self._session = contract, onnxruntime.InferenceSession(model)
        self.reset()

    def reset(self):
        self._states = {f"state_{n}": np.zeros(s, np.float32) for n, s in enumerate(self.contract.recurrent_state)}

    def act(self, observation):
        action, *following = self._session.run(None, {"observation": observation} | self._states)
        self._states = dict(zip(self._states, following, strict=True))
        return action


def agreement(path, nodes, contract=CONTRACT, constants=CONSTANTS):
    model = write_graph(path, contract, nodes, used(nodes, constants)).read_bytes()
    trial = prepare(Session(model, contract), 40)
    source = c_source(model, contract, "", "policy", {})
    return compare(run_source(source, trial, contract, (compiler(), *FLAGS, "-O0")), trial)


def refused(path, nodes, contract=CONTRACT, constants=CONSTANTS):
    """Return why a policy is not written as C."""
    model = write_graph(path, contract, nodes, used(nodes, constants)).read_bytes()
    with pytest.raises(UserError) as caught:
        c_source(model, contract, "", "policy", {})
    return str(caught.value)


def used(nodes, constants):
    names = {name for entry in nodes for name in entry.input}
    return {name: values for name, values in constants.items() if name in names}


@needs_compiler
def test_operators_give_what_onnxruntime_gives(tmp_path):
    for name, nodes in GRAPHS.items():
        found = agreement(tmp_path / "policy.onnx", nodes)
        assert found.largest <= AGREEMENT_MAX, name


def test_every_operator_is_among_the_tested():
    tested = {entry.op_type for nodes in GRAPHS.values() for entry in nodes} | {"GRU", "LSTM"}
    assert set(OPERATORS) <= tested


H = 5


def gated(operator, gates, **attributes):
    """A network whose memory sees the observation, and whose action sees the memory."""
    states = ["state_0", "state_1"][: 1 if operator == "GRU" else 2]
    cells = [f"{name}_cell" for name in states]
    nexts = [f"next_{name}_cell" for name in states]
    nodes = [
        node("Unsqueeze", ["observation", "axis"], ["sequence"]),
        *(node("Unsqueeze", [name, "axis"], [cell]) for name, cell in zip(states, cells, strict=True)),
        node(operator, ["sequence", "wx", "wh", "wb", "", *cells], ["all", *nexts], hidden_size=H, **attributes),
        *(node("Squeeze", [cell, "axis"], [f"next_{name}"]) for name, cell in zip(states, nexts, strict=True)),
        node("Squeeze", ["all", "both"], ["seen"]),
        node("MatMul", ["seen", "head"], ["action"]),
    ]
    constants = {
        "axis": whole(0),
        "both": whole(0, 1),
        "wx": numbers(1, gates * H, 12),
        "wh": numbers(1, gates * H, H),
        "wb": numbers(1, 2 * gates * H),
        "head": numbers(H, 6),
    }
    shapes = ((1, H),) * len(states)
    return nodes, constants, CONTRACT.model_copy(update={"recurrent_state": shapes})


@needs_compiler
@pytest.mark.parametrize(
    ("operator", "gates", "attributes"),
    [("GRU", 3, {"linear_before_reset": 1}), ("GRU", 3, {}), ("LSTM", 4, {})],
    ids=["GRU of torch", "GRU", "LSTM"],
)
def test_memory_in_c_goes_from_tick_to_tick_as_in_onnxruntime(operator, gates, attributes, tmp_path):
    nodes, constants, contract = gated(operator, gates, **attributes)
    found = agreement(tmp_path / "policy.onnx", nodes, contract, constants)
    assert found.largest <= AGREEMENT_MAX


@pytest.mark.parametrize(
    ("attributes", "what"),
    [({"clip": 1.0}, "has a clip"), ({"activations": ["Relu", "Tanh"]}, "has activations Relu, Tanh")],
)
def test_a_memory_of_another_kind_is_refused(attributes, what, tmp_path):
    nodes, constants, contract = gated("GRU", 3, **attributes)
    assert what in refused(tmp_path / "policy.onnx", nodes, contract, constants)


def test_an_unknown_operator_is_refused_by_name(tmp_path):
    nodes = [
        node("MatMul", ["observation", "W"], ["x"]),
        node("Softmax", ["x"], ["y"]),
        node("Erf", ["y"], ["action"]),
    ]
    assert "the policy's graph has the operator Erf, Softmax, which is not" in refused(
        tmp_path / "policy.onnx", nodes, CONTRACT, CONSTANTS
    )


def test_a_matrix_that_is_computed_is_refused(tmp_path):
    nodes = [
        node("Mul", ["observation", "observation"], ["square"]),
        node("Reshape", ["square", "flat"], ["column"]),
        node("Transpose", ["column"], ["turned"]),
        node("MatMul", ["turned", "observation"], ["grid"]),
        node("MatMul", ["observation", "grid"], ["again"]),
        node("MatMul", ["again", "W"], ["action"]),
    ]
    assert "operator MatMul (grid) of the policy's graph needs a constant input 1" in refused(
        tmp_path / "policy.onnx", nodes, CONTRACT, CONSTANTS
    )


def test_a_weight_that_is_not_finite_is_refused(tmp_path):
    nodes, constants = [node("Gemm", ["observation", "W"], ["action"])], {"W": CONSTANTS["W"].copy()}
    constants["W"][3, 2] = np.nan
    assert "a constant of the policy's graph is not finite" in refused(
        tmp_path / "policy.onnx", nodes, CONTRACT, constants
    )


def test_an_operator_set_with_other_meanings_is_refused(tmp_path):
    path = write_graph(tmp_path / "policy.onnx", CONTRACT, GRAPHS["Gemm without bias"], {"W": CONSTANTS["W"]}, opset=11)
    with pytest.raises(UserError, match="is of ONNX operator set 11; valid: 13 and later"):
        read_graph(path.read_bytes())
