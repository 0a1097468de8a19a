"""The fields of a logged tick, each declared once: the log's ring, JSON Schema and reader are made from them.

To log one more number: give `TickRecord` the attribute, and add a line to `FIELDS`.
"""

from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.limits import Intervention
from sim2real.runtime.row_layout import RowLayout
from sim2real.runtime.states import Event, State
from sim2real.runtime.verdict import Reason

Axis = Literal["tick", "joint", "imu", "command", "phase", "observation", "action"]


@dataclass(frozen=True, slots=True)
class TickField:
    """One field of a tick."""

    name: str
    """In the log."""
    source: str
    """Attribute of `TickRecord`: `time_ns`, `joints.position`."""
    topic: str
    """Of the log's messages that have it."""
    axis: Axis
    """What it has one value for: each joint, IMU, operator command …; a field of the tick itself is one number."""
    dtype: type[np.generic]
    description: str = ""
    """With the unit first."""
    components: int = 0
    """Length of each value; 0 where it is a single number."""
    signal: str = ""
    """Attribute of `Signals` with the same values, if the contract sees them."""
    one_of: type[Enum] | None = None
    """What the number is one of: the log has its name."""
    bits_of: type[IntFlag] | None = None
    """What its bits are: the log has a list of their names."""
    set_of: type[Enum] | None = None
    """What it is a set of, bit n - 1 for value n: the log has a list of their names."""
    added: bool = False
    """Whether logs of earlier versions lack it."""

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


_INT, _BOOL, _SINGLE, _DOUBLE = np.int64, np.bool_, np.float32, np.float64

STATE, TIMING, JOINTS, MOTORS, IMU = "/state", "/timing", "/joint_states", "/motors", "/imu"
OBSERVATION, ACTION, COMMAND, OPERATOR, VERDICT = "/observation", "/action", "/command", "/operator", "/verdict"

FIELDS: Final = (
    TickField("tick", "tick", STATE, "tick", _INT, "number of the tick, from 1"),
    TickField("time_ns", "time_ns", STATE, "tick", _INT, "ns, monotonic time when the readings were in"),
    TickField("state", "state", STATE, "tick", _INT, "state in which the command was made", one_of=State),
    TickField("missed", "missed", STATE, "tick", _INT, "ticks skipped before this one"),
    TickField("reasons", "reasons", VERDICT, "tick", _INT, "why safety did not let the policy command", bits_of=Reason),
    TickField("ran", "ran", STATE, "tick", _BOOL, "whether the policy ran; if not, its values are of an earlier tick"),
    TickField("reset", "reset", STATE, "tick", _BOOL, "whether the contract's pipelines were reset first"),
    TickField(
        "missed_in_a_row",
        "missed_in_a_row",
        STATE,
        "tick",
        _INT,
        "ticks skipped since the last one that was on time",
        added=True,
    ),
    TickField(
        "operator_alive_ns",
        "operator_alive_ns",
        STATE,
        "tick",
        _INT,
        "ns, last sign of life from the operator's device; -1 while none is in use",
        added=True,
    ),
    TickField(
        "events",
        "events",
        STATE,
        "tick",
        _INT,
        "what changed the state from outside the ticks since the last message",
        set_of=Event,
        added=True,
    ),
    TickField(
        "between", "between", STATE, "tick", _BOOL, "whether this is no tick, but what was done between two", added=True
    ),
    TickField("policy", "policy", STATE, "tick", _INT, "number of the policy in command, from 0", added=True),
    TickField("port_lost", "port_lost", STATE, "tick", _INT, "1: lost when reading, 2: when writing", added=True),
    TickField("lateness_ns", "lateness_ns", TIMING, "tick", _INT, "ns, how late the tick began", added=True),
    TickField("read_ns", "read_ns", TIMING, "tick", _INT, "ns, reading and safety's check", added=True),
    TickField("policy_ns", "policy_ns", TIMING, "tick", _INT, "ns, observation and inference", added=True),
    TickField("work_ns", "work_ns", TIMING, "tick", _INT, "ns, the whole tick", added=True),
    TickField("position", "joints.position", JOINTS, "joint", _DOUBLE, "rad, measured", signal="joint_position"),
    TickField("velocity", "joints.velocity", JOINTS, "joint", _DOUBLE, "rad/s, measured", signal="joint_velocity"),
    TickField("effort", "joints.effort", JOINTS, "joint", _DOUBLE, "N·m, measured", signal="joint_effort"),
    TickField("temperature", "joints.temperature", MOTORS, "joint", _DOUBLE, "°C; null while unknown"),
    TickField("voltage", "joints.voltage", MOTORS, "joint", _DOUBLE, "V; null while unknown"),
    TickField(
        "health_stamp_ns",
        "joints.health_stamp_ns",
        MOTORS,
        "joint",
        _INT,
        "ns, when temperature and voltage arrived; -1 before the first",
        added=True,
    ),
    TickField("stamp_ns", "joints.stamp_ns", MOTORS, "joint", _INT, "ns, when each reading arrived"),
    TickField("faults", "joints.faults", MOTORS, "joint", _INT, "bits of MotorFault"),
    TickField("fresh", "joints.fresh", MOTORS, "joint", _BOOL, "whether the joint answered in this tick"),
    TickField("observation", "observation", OBSERVATION, "observation", _SINGLE, "what the policy saw"),
    TickField("action", "action", ACTION, "action", _SINGLE, "the policy's raw output"),
    TickField("target", "target", ACTION, "joint", _DOUBLE, "N·m or rad: the contract's target for the action"),
    TickField("command_position", "command.position", COMMAND, "joint", _DOUBLE, "rad, after limits"),
    TickField("command_velocity", "command.velocity", COMMAND, "joint", _DOUBLE, "rad/s, after limits"),
    TickField("command_effort", "command.effort", COMMAND, "joint", _DOUBLE, "N·m, after limits"),
    TickField("stiffness", "command.stiffness", COMMAND, "joint", _DOUBLE, "N·m/rad, after limits"),
    TickField("damping", "command.damping", COMMAND, "joint", _DOUBLE, "N·m·s/rad, after limits"),
    TickField(
        "imu_angular_velocity",
        "imus.angular_velocity",
        IMU,
        "imu",
        _DOUBLE,
        "rad/s in the body's frame, by IMU",
        components=3,
        signal="angular_velocity",
    ),
    TickField(
        "imu_linear_acceleration",
        "imus.linear_acceleration",
        IMU,
        "imu",
        _DOUBLE,
        "m/s², proper, in the body's frame, by IMU",
        components=3,
    ),
    TickField(
        "imu_orientation",
        "imus.orientation",
        IMU,
        "imu",
        _DOUBLE,
        "w x y z of the body, by IMU",
        components=4,
        signal="orientation",
    ),
    TickField("imu_stamp_ns", "imus.stamp_ns", IMU, "imu", _INT, "ns, when each IMU's reading arrived"),
    TickField("imu_faults", "imus.faults", IMU, "imu", _INT, "bits of ImuFault"),
    TickField(
        "asked", "operator_command", OPERATOR, "command", _DOUBLE, "SI units, operator commands", signal="command"
    ),
    TickField("clock", "clock", OPERATOR, "phase", _DOUBLE, "s, what the phase is counted from", signal="clock"),
    TickField(
        "interventions",
        "interventions",
        VERDICT,
        "joint",
        _INT,
        "limits that changed the command, by joint",
        bits_of=Intervention,
    ),
)
"""Those of each axis in the order of the log's messages."""


def logged_fields(contract: Contract) -> tuple[TickField, ...]:
    """Return the fields in the log of a contract, numbers of the tick itself first.

    IMUs, operator commands and phase are only there where the contract has them.
    """
    fields = (field for field in FIELDS if 0 not in field.shape(contract))
    return tuple(sorted(fields, key=lambda field: field.axis != "tick"))


def row_layout(contract: Contract) -> RowLayout:
    """Return the layout of one tick's row in memory."""
    fields = logged_fields(contract)
    return RowLayout(
        np.dtype([(field.name, field.dtype, field.shape(contract)) for field in fields], align=True),
        {field.name: {int(each.value): each.name for each in field.one_of} for field in fields if field.one_of},
        {field.name: {int(each.value): each.name or "" for each in field.bits_of} for field in fields if field.bits_of}
        | {field.name: {bit_of(each): each.name for each in field.set_of} for field in fields if field.set_of},
    )


def bit_of(member: Enum) -> int:
    """Return the bit of a member in a set."""
    return 1 << (int(member.value) - 1)


def field_schema(field: TickField, contract: Contract) -> dict[str, Any]:
    """Return the JSON Schema of a field in a message.

    Joint arrays are in the order of the message's `name` or the channel's metadata `joints`, those of IMUs and operator
    commands in the contract's.
    """
    kinds: dict[type[np.generic], str] = {_INT: "integer", _BOOL: "boolean", _SINGLE: "number", _DOUBLE: "number"}
    described = {"description": field.description} if field.description else {}
    if field.one_of:
        return {"type": "string", "enum": [each.name for each in field.one_of], **described}
    listed = field.bits_of is not None or field.set_of is not None
    depth = len(field.shape(contract)) + listed
    kind: dict[str, Any] = {"type": "string" if listed else kinds[field.dtype]}
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
