"""The fields of a logged tick, each declared once: the log's ring, JSON Schema and reader are made from them.

To log one more number: give `TickRecord` the attribute, and add a line to `FIELDS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.limits import Intervention
from sim2real.runtime.record import TickRecord
from sim2real.runtime.states import State
from sim2real.runtime.verdict import Reason

Axis = Literal["tick", "joint", "imu", "command", "phase", "observation", "action"]


@dataclass(frozen=True, slots=True)
class TickField:
    """One field of a tick."""

    name: str
    """In the log."""
    source: str
    """Attribute of `TickRecord`: `time_ns`, `joints.position`."""
    axis: Axis
    """What it has one value for: each joint, IMU, operator command …; a field of the tick itself is one number."""
    dtype: type[np.generic]
    description: str = ""
    """With the unit first."""
    components: int = 0
    """Length of each value; 0 where it is a single number."""
    signal: str = ""
    """Attribute of `Signals` with the same values, if the contract sees them."""
    text: Callable[[Any], Any] | None = None
    """Converts the number, or the list of numbers, to the names that the log has instead."""
    names: tuple[str, ...] = ()
    """Valid names, if it is one of a few."""

    def shape(self, contract: Contract) -> tuple[int, ...]:
        """Return its shape in one tick of a contract's robot; one with a zero is not logged."""
        if self.axis == "tick":
            return ()
        size = {
            "joint": len(contract.robot.joints),
            "imu": len(contract.robot.imus),
            "command": len(contract.commands),
            "phase": int(contract.phase_frequency is not None),
            "observation": contract.observation_size,
            "action": contract.action_size,
        }[self.axis]
        return (size, self.components) if self.components else (size,)


def _reasons(bits: int) -> list[str]:
    return [reason.name or "" for reason in Reason(bits)]


def _interventions(bits: list[int]) -> list[list[str]]:
    return [[limit.name or "" for limit in Intervention(value)] for value in bits]


_INT, _BOOL, _SINGLE, _DOUBLE = np.int64, np.bool_, np.float32, np.float64

FIELDS: Final = (
    TickField("tick", "tick", "tick", _INT, "number of the tick, from 1"),
    TickField("time_ns", "time_ns", "tick", _INT, "ns, monotonic time when the readings were in"),
    TickField(
        "state",
        "state",
        "tick",
        _INT,
        "state in which the command was made",
        text=lambda value: State(value).name,
        names=tuple(state.name for state in State),
    ),
    TickField("missed", "missed", "tick", _INT, "ticks skipped before this one"),
    TickField("reasons", "reasons", "tick", _INT, "why safety did not let the policy command", text=_reasons),
    TickField("ran", "ran", "tick", _BOOL, "whether the policy ran; if not, its values are of an earlier tick"),
    TickField("reset", "reset", "tick", _BOOL, "whether the contract's pipelines were reset first"),
    TickField("position", "joints.position", "joint", _DOUBLE, "rad, measured", signal="joint_position"),
    TickField("velocity", "joints.velocity", "joint", _DOUBLE, "rad/s, measured", signal="joint_velocity"),
    TickField("effort", "joints.effort", "joint", _DOUBLE, "N·m, measured", signal="joint_effort"),
    TickField("temperature", "joints.temperature", "joint", _DOUBLE, "°C; null while unknown"),
    TickField("voltage", "joints.voltage", "joint", _DOUBLE, "V; null while unknown"),
    TickField("stamp_ns", "joints.stamp_ns", "joint", _INT, "ns, when each reading arrived"),
    TickField("faults", "joints.faults", "joint", _INT, "bits of MotorFault"),
    TickField("fresh", "joints.fresh", "joint", _BOOL, "whether the joint answered in this tick"),
    TickField("observation", "observation", "observation", _SINGLE, "what the policy saw"),
    TickField("action", "action", "action", _SINGLE, "the policy's raw output"),
    TickField("target", "target", "joint", _DOUBLE, "N·m or rad: the contract's target for the action"),
    TickField("command_position", "command.position", "joint", _DOUBLE, "rad, after limits"),
    TickField("command_velocity", "command.velocity", "joint", _DOUBLE, "rad/s, after limits"),
    TickField("command_effort", "command.effort", "joint", _DOUBLE, "N·m, after limits"),
    TickField("stiffness", "command.stiffness", "joint", _DOUBLE, "N·m/rad, after limits"),
    TickField("damping", "command.damping", "joint", _DOUBLE, "N·m·s/rad, after limits"),
    TickField(
        "imu_angular_velocity",
        "imus.angular_velocity",
        "imu",
        _DOUBLE,
        "rad/s in the body's frame, by IMU",
        components=3,
        signal="angular_velocity",
    ),
    TickField(
        "imu_linear_acceleration",
        "imus.linear_acceleration",
        "imu",
        _DOUBLE,
        "m/s², proper, in the body's frame, by IMU",
        components=3,
    ),
    TickField(
        "imu_orientation",
        "imus.orientation",
        "imu",
        _DOUBLE,
        "w x y z of the body, by IMU",
        components=4,
        signal="orientation",
    ),
    TickField("imu_stamp_ns", "imus.stamp_ns", "imu", _INT, "ns, when each IMU's reading arrived"),
    TickField("imu_faults", "imus.faults", "imu", _INT, "bits of ImuFault"),
    TickField("asked", "operator_command", "command", _DOUBLE, "SI units, operator commands", signal="command"),
    TickField("clock", "clock", "phase", _DOUBLE, "s, what the phase is counted from", signal="clock"),
    TickField(
        "interventions",
        "interventions",
        "joint",
        _INT,
        "limits that changed the command, by joint",
        text=_interventions,
    ),
)
"""In the order of the log's messages."""


def logged_fields(contract: Contract) -> tuple[TickField, ...]:
    """Return the fields in the log of a contract: IMUs, operator commands and phase only where it has them."""
    return tuple(field for field in FIELDS if 0 not in field.shape(contract))


def row_dtype(contract: Contract) -> np.dtype[np.void]:
    """Return the dtype of one logged tick."""
    return np.dtype([(field.name, field.dtype, field.shape(contract)) for field in logged_fields(contract)])


def record_signals(record: TickRecord) -> dict[str, Float64Array]:
    """Return the arrays of `Signals` that a record holds, by name: views, (1, …), that follow it from tick to tick."""
    return {field.signal: attrgetter(field.source)(record)[None] for field in FIELDS if field.signal}


def tick_schema(contract: Contract) -> dict[str, Any]:
    """Return the JSON Schema of a message on `/tick`.

    Joint arrays are in the order of the channel's metadata `joints`, those of IMUs and commands in the contract's.
    """
    properties = {field.name: _schema(field, contract) for field in logged_fields(contract)}
    return {"title": "sim2real.Tick", "type": "object", "properties": properties}


def _schema(field: TickField, contract: Contract) -> dict[str, Any]:
    kinds: dict[type[np.generic], str] = {_INT: "integer", _BOOL: "boolean", _SINGLE: "number", _DOUBLE: "number"}
    described = {"description": field.description} if field.description else {}
    if field.names:
        return {"type": "string", "enum": list(field.names), **described}
    depth = len(field.shape(contract)) + (field.text is not None)
    kind: dict[str, Any] = {"type": kinds[field.dtype] if field.text is None else "string"}
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind | described


def array_of(field: TickField, values: list[Any]) -> npt.NDArray[Any]:
    """Return a field of some logged ticks as an array, (ticks, …) of its own dtype; what is null is NaN."""
    return np.array(_filled(values), field.dtype)


def _filled(values: list[Any]) -> list[Any]:
    return [_filled(each) if isinstance(each, list) else np.nan if each is None else each for each in values]


FIELD: Final = {field.name: field for field in FIELDS}
"""By name in the log."""
