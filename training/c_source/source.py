"""The C99 file of a policy, put together: declarations, network, observation, action."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import INPUT, OUTPUT, STATE_INPUT, STATE_OUTPUT
from sim2real.training.c_source.action import apply_function, gain_macros, reset_lines
from sim2real.training.c_source.graph import Graph, read_graph
from sim2real.training.c_source.literals import comment_text, double, identifier
from sim2real.training.c_source.network import Network
from sim2real.training.c_source.observation import (
    observe_function,
    require_known_terms,
    signal_fields,
    tip_function,
)
from sim2real.training.c_source.operators import OPERATORS
from sim2real.training.c_source.weights import load_function, weights_image

_HEAD: Final = """\
/*
 * {title}
 *
 * C99; needs math.h and no other library, allocates nothing, keeps everything in the {p}_state that it is given.
 * A program that already compiles this file elsewhere includes it for its declarations alone:
 *
 *     #define {P}_DECLARATIONS_ONLY
 *     #include "{p}.c"
 *
 * Once: {p}_reset(&state, NULL). Then {rate} times a second: read the sensors into {p}_signals, call {p}_step, and send
 * the targets to the motors. It has no watchdog, no start ramp, and none of the robot's safety limits but those of
 * position and effort: those are the caller's.
 *
{facts}
 */
#ifndef {P}_DECLARED
#define {P}_DECLARED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define {P}_CONTRACT_SHA256 "{contract}"
#define {P}_POLICY_SHA256 "{digest}"
#define {P}_CONTROL_RATE {rate} /* Hz */
#define {P}_JOINTS {joints}
#define {P}_OBSERVATIONS {observations}
#define {P}_ACTIONS {actions}
/* N m/rad and N m s/rad, per joint: for motors that take them with a target. */
{gains}
{indexes}
/* What the sensors read, and what the operator asks for. */
typedef struct {{
{signals}}} {p}_signals;

/* What the motors are to do: {target}. */
typedef struct {{
    double position[{joints}]; /* rad */
    double effort[{joints}]; /* N m */
}} {p}_targets;

/* Everything that is carried from tick to tick, and room to compute in. */
typedef struct {{
    double target[{joints}]; /* the targets of the tick before */
    float last_action[{actions}]; /* clipped and filtered */
    float observation[{observations}]; /* of this tick, with its history */
    float action[{actions}]; /* of the network, as it is */
{memory}    float work[{work}];
    uint32_t ticks; /* since the reset */
    bool started;
}} {p}_state;

/* Begin an episode. Targets begin at `position`, rad per joint, or at the default pose if it is NULL. */
void {p}_reset({p}_state *state, const double *position);

/* One tick. False, and nothing is written to the targets, if the observation or the action is not finite. */
bool {p}_step({p}_state *state, const {p}_signals *signals, {p}_targets *targets);

{load}/* The network alone: one observation to one action, both as in training; its memory is in the state. */
void {p}_act({p}_state *state, const float *observation, float *action);

#endif

#ifndef {P}_DECLARATIONS_ONLY

#include <math.h>

#ifdef __FAST_MATH__
#error "isfinite does not work with -ffast-math, and a NaN would reach the motors"
#endif

"""
_STEP: Final = """\
static bool {p}_finite(const float *values, int count)
{{
    for (int i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}}

bool {p}_step({p}_state *state, const {p}_signals *signals, {p}_targets *targets)
{{
{loaded}    {p}_observe(state, signals);
    state->ticks++;
    if (!{p}_finite(state->observation, {P}_OBSERVATIONS))
        return false;
    {p}_act(state, state->observation, state->action);
    if (!{p}_finite(state->action, {P}_ACTIONS))
        return false;
    {p}_apply(state, state->action, targets);
    return true;
}}

#endif
"""


_LOAD: Final = """\
/* Take the weights, an image that `sim2real export --weights` wrote; it stays where it is, at a multiple of 4. False,
 * and nothing is changed, if they are not of this program. Before the first, {p}_step says no. */
bool {p}_load(const void *image, size_t bytes);

"""
_LOADED: Final = """\
    if ({p}_c0 == NULL)
        return false;
"""


@dataclass(frozen=True)
class CSource:
    """A policy as C."""

    text: str
    prefix: str
    """Of all its names."""
    multiplications: int
    """Of the network, in one tick."""
    weights_bytes: int
    """Constants of the network: read-only memory."""
    state_bytes: int
    """The state, which is all its other memory."""
    weights: bytes = b""
    """The weights as an image of their own."""


def c_source(
    model: bytes,
    contract: Contract,
    digest: str,
    prefix: str,
    provenance: Mapping[str, str],
    *,
    external: bool = False,
) -> CSource:
    """Return the C source of a policy.

    Args:
        model: Content of its ONNX file.
        contract: From its metadata.
        digest: SHA-256 of the file, hex digits.
        prefix: Of all names, a C identifier.
        provenance: Written into the head.
        external: Leave the weights out; the program gives them at run time.

    Raises:
        UserError: The graph has an operator, or the observation a term, that is not written as C; it is named.
    """
    require_known_terms(contract)
    graph = read_graph(model)
    states = [STATE_INPUT.format(number) for number in range(len(contract.recurrent_state))]
    next_states = [STATE_OUTPUT.format(number) for number in range(len(contract.recurrent_state))]
    _check_names(graph, [INPUT, *states], [OUTPUT, *next_states])
    places = {INPUT: "observation"} | {name: f"state->{name}" for name in states}
    network = Network(graph, prefix, places, external=external)
    network.build(OPERATORS)
    if external and not network.values:
        raise UserError("the policy's graph has no weights to keep in a file of their own")
    act = _act_function(network, contract, states, next_states)
    head = _head(contract, network, digest, prefix, provenance)
    parts = [
        *network.constants,
        load_function(prefix, contract.digest(), network.values) if external else "",
        *network.functions.values(),
        act,
        _reset_function(contract, prefix, states),
        tip_function(contract, prefix),
        observe_function(contract, prefix),
        apply_function(contract, prefix),
        _STEP.format(p=prefix, P=prefix.upper(), loaded=_LOADED.format(p=prefix) if external else ""),
    ]
    text = head + "\n".join(part for part in parts if part)
    image = weights_image(contract.digest(), network.values)
    return CSource(text, prefix, network.multiplications, 4 * network.weights, _state_bytes(contract, network), image)


def _check_names(graph: Graph, inputs: list[str], outputs: list[str]) -> None:
    if sorted(graph.inputs) != sorted(inputs) or sorted(graph.outputs) != sorted(outputs):
        raise UserError(
            f"the policy's graph goes from {', '.join(graph.inputs)} to {', '.join(graph.outputs)}; "
            f"its contract wants {', '.join(inputs)} and {', '.join(outputs)}"
        )


def _act_function(network: Network, contract: Contract, states: list[str], next_states: list[str]) -> str:
    """Return the function of the network; outputs are copied at the end: till then a state may be read."""
    lines = [f"    {line}" for line in network.lines]
    sizes = [contract.action_size, *(prod(shape) for shape in contract.recurrent_state)]
    places = ["action", *(f"state->{name}" for name in states)]
    for name, place, size in zip([OUTPUT, *next_states], places, sizes, strict=True):
        lines += [f"    for (int i = 0; i < {size}; i++)", f"        {place}[i] = {network.pointer(name)}[i];"]
    used = "work" if any("work" in line for line in lines) else ""
    head = [
        f"void {network.prefix}_act({network.prefix}_state *state, const float *observation, float *action)",
        "{",
        "    float *const work = state->work;" if used else "    (void)state;",
    ]
    return "\n".join([*head, *lines, "}\n"])


def _reset_function(contract: Contract, prefix: str, states: list[str]) -> str:
    sizes = {name: prod(shape) for name, shape in zip(states, contract.recurrent_state, strict=True)}
    sizes |= {"last_action": contract.action_size, "observation": contract.observation_size}
    lines = [f"void {prefix}_reset({prefix}_state *state, const double *position)", "{"]
    for name, size in sizes.items():
        lines += [f"    for (int i = 0; i < {size}; i++)", f"        state->{name}[i] = 0.0f;"]
    unused = ["    (void)position;"] if contract.action.target == "effort" else []
    return "\n".join(
        [*lines, *unused, *reset_lines(contract), "    state->ticks = 0;", "    state->started = false;", "}\n"]
    )


def _state_bytes(contract: Contract, network: Network) -> int:
    """Return the size of the state on a machine that aligns doubles to eight bytes."""
    floats = 2 * contract.action_size + contract.observation_size + max(network.memory.size, 1)
    floats += sum(prod(shape) for shape in contract.recurrent_state)
    size = 8 * len(contract.joint_names) + 4 * floats + 4 + 1
    return size + -size % 8


def _head(contract: Contract, network: Network, digest: str, prefix: str, provenance: Mapping[str, str]) -> str:
    fields = signal_fields(contract)
    sizes = contract.sizes
    signals = [
        f"    double {field.declaration.format(joints=sizes.joints, imus=sizes.imus, commands=sizes.commands)}; "
        f"/* {field.comment} */\n"
        for field in fields.values()
    ] or ["    double nothing; /* the policy observes no sensor */\n"]
    memory = [
        f"    float {STATE_INPUT.format(number)}[{prod(shape)}]; /* the network's memory */\n"
        for number, shape in enumerate(contract.recurrent_state)
    ]
    return _HEAD.format(
        p=prefix,
        P=prefix.upper(),
        title=comment_text(f"Policy for the task {contract.task} on the robot {contract.robot.name}"),
        rate=double(contract.control_rate),
        facts="\n".join(f" * {comment_text(line)}" for line in _facts(contract, network, provenance)),
        contract=contract.digest(),
        digest=digest,
        joints=sizes.joints,
        observations=contract.observation_size,
        actions=contract.action_size,
        gains=gain_macros(contract, prefix),
        indexes=_indexes(contract, prefix),
        signals="".join(signals),
        target="efforts" if contract.action.target == "effort" else "positions",
        memory="".join(memory),
        work=max(network.memory.size, 1),
        load=_LOAD.format(p=prefix) if network.external else "",
    )


def _facts(contract: Contract, network: Network, provenance: Mapping[str, str]) -> list[str]:
    lines = [
        f"{network.multiplications} multiplications a tick, {4 * network.weights} bytes of weights, "
        f"{_state_bytes(contract, network)} bytes of state.",
        "Observation, oldest first where there is a history:",
    ]
    start = 0
    for term in contract.observation:
        clip = f", clipped to {term.clip:g}" if term.clip is not None else ""
        lines.append(f"  {start}: {term.term}, {term.width} x {term.history} ticks, times {term.scale:g}{clip}")
        start += term.size
    short = {key: value for key, value in provenance.items() if len(value) <= 80 and "\n" not in value}
    return lines + [f"{key}: {value}" for key, value in short.items()]


def _indexes(contract: Contract, prefix: str) -> str:
    """Return enumerations of joints, IMUs and commands, so that no program needs to count them."""
    kinds = {
        "JOINT": contract.joint_names,
        "IMU": tuple(imu.name for imu in contract.robot.imus),
        "COMMAND": tuple(command.name for command in contract.commands),
    }
    lines = []
    for kind, names in kinds.items():
        words = [f"{prefix.upper()}_{kind}_{identifier(name).upper()}" for name in names]
        if len(set(words)) != len(words):  # names that differ in case or in marks alone
            words = [f"{word}_{number}" for number, word in enumerate(words)]
        if words:
            lines.append(f"enum {{ {', '.join(words)} }};")
    return "\n".join(lines)
