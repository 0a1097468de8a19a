"""The channels of a log: topics, schemas, and which fields of a tick go into which message.

`/joint_states` has the shape of ROS's `sensor_msgs/JointState`, `/events` and `/notices` that of Foxglove's `Log`, so
that tools which know these names need no configuration.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.log_plan import CONTRACT, EVENTS, LOG_LEVELS, NOTICES, Channel, LogPlan
from sim2real.runtime.tick_fields import JOINTS, OBSERVATION, TIMING, TickField, field_schema, logged_fields, row_layout

_SCHEMA_NAMES: Final = {JOINTS: "sensor_msgs/JointState", EVENTS: "foxglove.Log", NOTICES: "foxglove.Log"}
"""Of the others: `sim2real.` and the topic, as in `sim2real.Command`."""

_TIME: Final = {
    "type": "object",
    "title": "time",
    "properties": {"sec": {"type": "integer", "minimum": 0}, "nsec": {"type": "integer", "minimum": 0}},
}
_NAMES: Final = {"type": "array", "items": {"type": "string"}}


def log_plan(contract: Contract, metadata: Mapping[str, str], *, timed: bool = True) -> LogPlan:
    """Return all that the writer of a log needs to know.

    Args:
        contract: Gives fields, sizes and names.
        metadata: Texts for the record about the run, which is written at the beginning of each file.
        timed: Whether durations are written; a run on a virtual clock is the same each time without them.
    """
    fields: dict[str, list[TickField]] = {}
    for field in logged_fields(contract):
        if timed or field.topic != TIMING:
            fields.setdefault(field.topic, []).append(field)
    channels = [_tick_channel(topic, of_topic, contract) for topic, of_topic in fields.items()]
    channels += [_text_channel(EVENTS), _text_channel(NOTICES), _contract_channel()]
    return LogPlan(row_layout(contract), tuple(channels), dict(metadata), contract.model_dump_json())


def _tick_channel(topic: str, fields: list[TickField], contract: Contract) -> Channel:
    names = list(contract.joint_names)
    properties = {field.name: field_schema(field, contract) for field in fields}
    metadata = {"joints": ",".join(names)}
    if topic == JOINTS:
        header = {"type": "object", "properties": {"stamp": _TIME, "frame_id": {"type": "string"}}}
        properties = {"header": header, "name": _NAMES} | properties
    elif topic == OBSERVATION:
        metadata["terms"] = ",".join(_observation_names(contract))
    return Channel(
        topic=topic,
        schema_name=_name(topic),
        schema=_schema(topic, properties),
        fields=tuple(field.name for field in fields),
        metadata=metadata,
        joints=tuple(names) if topic == JOINTS else (),
    )


def _observation_names(contract: Contract) -> list[str]:
    """Return the name of the term of each part of the observation."""
    return [entry.term for entry in contract.observation]


def _text_channel(topic: str) -> Channel:
    properties = {
        "timestamp": _TIME,
        "level": {"type": "integer", "enum": list(LOG_LEVELS.values()), "description": "2 info, 3 warning, 4 error"},
        "message": {"type": "string"},
        "name": {"type": "string", "description": "what it is about: state, safety, motors, operator, log"},
        "file": {"type": "string"},
        "line": {"type": "integer"},
    }
    return Channel(topic, _name(topic), _schema(topic, properties), (), {}, ())


def _contract_channel() -> Channel:
    schema = {"title": _name(CONTRACT), "type": "object", "description": "what the policy sees and commands"}
    return Channel(CONTRACT, _name(CONTRACT), json.dumps(schema), (), {}, ())


def _schema(topic: str, properties: dict[str, Any]) -> str:
    return json.dumps({"title": _name(topic), "type": "object", "properties": properties})


def _name(topic: str) -> str:
    return _SCHEMA_NAMES.get(topic, f"sim2real.{topic.strip('/').title().replace('_', '')}")
