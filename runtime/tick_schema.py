"""JSON Schema of the log's messages: what one tick of a robot says."""

from typing import Any

from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.states import State


def tick_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema of a message on `/tick`.

    Joint arrays are in the order of the channel's metadata `joints`, those of IMUs and commands in the contract's.
    """
    properties = dict(_JOINT_PROPERTIES)
    if contract.robot.imus:
        properties |= _IMU_PROPERTIES
    if contract.commands:
        properties["asked"] = {**_array("number"), "description": "commands to the policy, SI units"}
    if contract.phase_frequency is not None:
        properties["clock"] = {**_array("number"), "description": "s, what the phase is counted from"}
    return {"title": "sim2real.Tick", "type": "object", "properties": properties}


def _array(kind: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind}}


_JOINT_PROPERTIES: dict[str, Any] = {
    "tick": {"type": "integer"},
    "time_ns": {"type": "integer", "description": "monotonic time when the readings were in"},
    "state": {"type": "string", "enum": [state.name for state in State]},
    "missed": {"type": "integer", "description": "ticks skipped before this one"},
    "reasons": {**_array("string"), "description": "why safety did not let the policy command"},
    "ran": {"type": "boolean", "description": "whether the policy ran; if not, its values are of an earlier tick"},
    "reset": {"type": "boolean", "description": "whether the contract's pipelines were reset first"},
    "position": {**_array("number"), "description": "rad, measured"},
    "velocity": {**_array("number"), "description": "rad/s, measured"},
    "effort": {**_array("number"), "description": "N·m, measured"},
    "temperature": {**_array("number"), "description": "°C; null while unknown"},
    "voltage": {**_array("number"), "description": "V; null while unknown"},
    "stamp_ns": {**_array("integer"), "description": "when each reading arrived"},
    "faults": {**_array("integer"), "description": "bits of MotorFault"},
    "fresh": {**_array("boolean"), "description": "whether the joint answered in this tick"},
    "interventions": {**_array("array"), "description": "limits that changed the command, by joint"},
    "observation": _array("number"),
    "action": {**_array("number"), "description": "the policy's raw output"},
    "target": {**_array("number"), "description": "N·m or rad: what the contract made of the action"},
    "command_position": {**_array("number"), "description": "rad, after limits"},
    "command_velocity": {**_array("number"), "description": "rad/s, after limits"},
    "command_effort": {**_array("number"), "description": "N·m, after limits"},
    "stiffness": {**_array("number"), "description": "N·m/rad, after limits"},
    "damping": {**_array("number"), "description": "N·m·s/rad, after limits"},
}

_IMU_PROPERTIES: dict[str, Any] = {
    "imu_angular_velocity": {**_array("array"), "description": "rad/s in the body's frame, by IMU"},
    "imu_linear_acceleration": {**_array("array"), "description": "m/s², proper, in the body's frame, by IMU"},
    "imu_orientation": {**_array("array"), "description": "w x y z of the body, by IMU"},
    "imu_stamp_ns": {**_array("integer"), "description": "when each IMU's reading arrived"},
    "imu_faults": {**_array("integer"), "description": "bits of ImuFault"},
}
