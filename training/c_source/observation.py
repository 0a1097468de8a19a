"""The contract's observation as a C function: signals in SI units to the network's input, with scales and histories."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.kinematics import link_terms
from sim2real.runtime.contract.spec import Contract, ObservationTermSpec
from sim2real.training.c_source.literals import double, doubles

_GRAVITY: Final = """\
        for (int k = 0; k < {imus}; k++) {{
            const double w = signals->orientation[k][0], x = signals->orientation[k][1];
            const double y = signals->orientation[k][2], z = signals->orientation[k][3];
            value[3 * k] = (w * y - x * z) * 2.0;
            value[3 * k + 1] = -(y * z + w * x) * 2.0;
            value[3 * k + 2] = (x * x + y * y - 0.5) * 2.0;
        }}
"""
_GYRO: Final = """\
        for (int i = 0; i < {width}; i++)
            value[i] = signals->angular_velocity[i / 3][i % 3];
"""
_PHASE: Final = """\
        const double turns = (double)state->ticks * {period} * {frequency};
        const double part = turns - floor(turns);
        value[0] = sin(part * {turn});
        value[1] = sin((part + 0.25) * {turn});
"""
_TOWARDS: Final = """\
        static const int column[3] = {{{columns}}};
        for (int i = 0; i < 3; i++)
            value[i] = signals->command[column[i]] - {tip}[i];
"""


@dataclass(frozen=True)
class Field:
    """A field of the signals."""

    declaration: str
    comment: str


_SIGNALS: Final = {
    "joint_position": Field("joint_position[{joints}]", "rad"),
    "joint_velocity": Field("joint_velocity[{joints}]", "rad/s"),
    "joint_effort": Field("joint_effort[{joints}]", "N m"),
    "angular_velocity": Field("angular_velocity[{imus}][3]", "rad/s, in the frame of the IMU's body"),
    "orientation": Field("orientation[{imus}][4]", "unit quaternion w x y z, body to world"),
    "command": Field("command[{commands}]", "operator commands, SI units"),
    "tip": Field("tip[3]", "m, in the frame of the base, measured from outside"),
}
"""In the order of the struct."""

_NEEDED: Final = {
    "joint_position": ("joint_position",),
    "joint_position_sin": ("joint_position",),
    "joint_position_cos": ("joint_position",),
    "joint_velocity": ("joint_velocity",),
    "joint_position_error": ("joint_position",),
    "joint_effort": ("joint_effort",),
    "last_action": (),
    "gyro": ("angular_velocity",),
    "projected_gravity": ("orientation",),
    "command": ("command",),
    "phase": (),
    "tip_position": ("joint_position",),
    "tip_error": ("joint_position", "command"),
    "measured_tip_error": ("tip", "command"),
}
"""Signals that each term reads."""


def signal_fields(contract: Contract) -> dict[str, Field]:
    """Return the fields of the signals that a contract's observation reads, in order."""
    needed = {name for term in contract.observation for name in _NEEDED[term.term]}
    return {name: field for name, field in _SIGNALS.items() if name in needed}


def require_known_terms(contract: Contract) -> None:
    """Refuse a contract with a term from outside this project, which is Python. Raises UserError."""
    foreign = [term.term for term in contract.observation if term.provider is not None or term.term not in _NEEDED]
    if foreign:
        raise UserError(f"no C is known of the observation term {foreign[0]!r}; valid: {', '.join(_NEEDED)}")


def observe_function(contract: Contract, prefix: str) -> str:
    """Return the function that writes the observation of a tick into the state."""
    lines = [
        f"static void {prefix}_observe({prefix}_state *state, const {prefix}_signals *signals)\n{{",
        "    float *const observation = state->observation;",
        *(["    (void)signals;"] if not signal_fields(contract) else []),
    ]
    if contract.needs("tip"):
        lines += ["    double tip[3];", f"    {prefix}_tip(signals->joint_position, tip);"]
    start = 0
    for term in contract.observation:
        lines.append(_block(contract, term, start))
        start += term.size
    return "\n".join([*lines, "    state->started = true;", "}\n"])


def _block(contract: Contract, term: ObservationTermSpec, start: int) -> str:
    """Return a term: its values in SI units, scaled and clipped, behind those of the ticks before, oldest first."""
    width, newest = term.width, start + term.width * (term.history - 1)
    change = "x"
    if term.scale != 1.0:
        change = f"x * {double(term.scale)}"
    lines = [
        f"    {{ /* {term.term}: {width} x {term.history} */",
        f"        double value[{width}];",
        _measure(contract, term).rstrip("\n"),
    ]
    if term.history > 1:
        lines += [
            f"        for (int i = {start}; i < {newest}; i++)",
            f"            observation[i] = observation[i + {width}];",
        ]
    lines += [f"        for (int i = 0; i < {width}; i++) {{", "            double x = value[i];"]
    if change != "x":
        lines.append(f"            x = {change};")
    if term.clip is not None:
        high = double(term.clip)
        lines.append(f"            x = x < -{high} ? -{high} : x > {high} ? {high} : x;")
    lines.append(f"            observation[{newest} + i] = (float)x;")
    if term.history > 1:  # the first tick of an episode fills the whole history
        lines += [
            f"            for (int k = {start} + i; !state->started && k < {newest}; k += {width})",
            "                observation[k] = (float)x;",
        ]
    return "\n".join([*lines, "        }", "    }"])


def _each(expression: str) -> Callable[[Contract, ObservationTermSpec], str]:
    return lambda _, term: f"        for (int i = 0; i < {term.width}; i++)\n            value[i] = {expression};\n"


def _towards(tip: str) -> Callable[[Contract, ObservationTermSpec], str]:
    return lambda contract, _: _TOWARDS.format(columns=", ".join(map(str, contract.tip_columns)), tip=tip)


def _relative(contract: Contract, term: ObservationTermSpec) -> str:
    default = doubles("default_position", (joint.default_position for joint in contract.robot.joints))
    return _indented(default) + _each("signals->joint_position[i] - default_position[i]")(contract, term)


def _phase(contract: Contract, _: ObservationTermSpec) -> str:
    return _PHASE.format(
        period=double(1.0 / contract.control_rate),
        frequency=double(contract.phase_frequency or 0.0),
        turn=double(2.0 * pi),
    )


def _indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.splitlines())


_MEASURES: Final[dict[str, Callable[[Contract, ObservationTermSpec], str]]] = {
    "joint_position": _relative,
    "joint_position_sin": _each("sin(signals->joint_position[i])"),
    "joint_position_cos": _each("cos(signals->joint_position[i])"),
    "joint_velocity": _each("signals->joint_velocity[i]"),
    "joint_position_error": _each("state->target[i] - signals->joint_position[i]"),
    "joint_effort": _each("signals->joint_effort[i]"),
    "last_action": _each("(double)state->last_action[i]"),
    "gyro": lambda _, term: _GYRO.format(width=term.width),
    "projected_gravity": lambda contract, _: _GRAVITY.format(imus=len(contract.robot.imus)),
    "command": _each("signals->command[i]"),
    "phase": _phase,
    "tip_position": _each("tip[i]"),
    "tip_error": _towards("tip"),
    "measured_tip_error": _towards("signals->tip"),
}
"""C of every shipped term: the same sums and products, in the same order, as `observation_terms.py` of the contract."""


def _measure(contract: Contract, term: ObservationTermSpec) -> str:
    return _MEASURES[term.term](contract, term)


def tip_function(contract: Contract, prefix: str) -> str:
    """Return the forward kinematics, link by link; empty if no term needs them."""
    if not contract.needs("tip") or contract.robot.tip is None:
        return ""
    lines = [
        f"/* Position of the tip, m, from the joint positions, rad. */\n"
        f"static void {prefix}_tip(const double *position, double *tip)\n{{",
        "    double x = {}, y = {}, z = {};".format(*map(double, contract.robot.tip.position)),
    ]
    for link in reversed(contract.robot.tip.links):
        column = contract.joint_names.index(link.joint)
        lines += ["    {", f"        const double s = sin(position[{column}]), c = cos(position[{column}]);"]
        for axis, (place, terms) in enumerate(zip(link.position, link_terms(link), strict=True)):
            text = double(place)
            for turn, factors in terms:
                total = " + ".join(f"{'xyz'[component]} * {double(factor)}" for component, factor in factors)
                text += f" + ({total})" + ("", " * c", " * s")[turn]
            lines.append(f"        const double n{'xyz'[axis]} = {text};")
        unused = "" if any("* s" in line for line in lines[-3:]) else "        (void)s;\n"
        unused += "" if any("* c" in line for line in lines[-3:]) else "        (void)c;\n"
        lines.append(f"{unused}        x = nx, y = ny, z = nz;\n    }}")
    return "\n".join([*lines, "    tip[0] = x, tip[1] = y, tip[2] = z;", "}\n"])
