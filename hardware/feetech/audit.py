"""What opening a robot would change in an STS motor, register by register; nothing is written."""

from collections.abc import Mapping
from typing import Final

from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.rehearsed import RehearsedMemory
from sim2real.hardware.bus.request_line import TRIES
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.feetech.client import Client
from sim2real.hardware.feetech.frame import Instruction, Packet
from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.workbench.interface import Audit
from sim2real.hardware.workbench.register_audit import register_differences

_LOOSE = "a protection acts late or never"
_GAIN = "it is stiffer or softer than the robot YAML says"
_RANGE = "goals are cut off, or positions mean something else"

EFFECTS: Final[Mapping[str, str]] = {
    "return_delay_time": "every reply comes later",
    "response_status_level": "it does not confirm what it is told",
    "operating_mode": "goals mean something else",
    "phase": "positions count the other way, or without turns",
    "angular_resolution": "positions mean other angles",
    "position_offset": "positions are shifted",
    "min_position_limit": _RANGE,
    "max_position_limit": _RANGE,
    "position_p_gain": _GAIN,
    "position_d_gain": _GAIN,
    "position_i_gain": _GAIN,
    "minimum_startup_force": "it does not hold still",
    "cw_dead_zone": "it holds less exactly",
    "ccw_dead_zone": "it holds less exactly",
    "velocity_p_gain": "it moves in another way",
    "velocity_i_gain": "it moves in another way",
    "unloading_condition": _LOOSE,
    "max_temperature_limit": _LOOSE,
    "protection_current": _LOOSE,
    "protective_torque": _LOOSE,
    "protection_time": _LOOSE,
    "overload_torque": _LOOSE,
    "overcurrent_time": _LOOSE,
}
"""What a register does that is not as wanted."""


class RehearsedClient(Client):
    """A client that reads and does not write."""

    def __post_init__(self) -> None:
        """Begin with what the motors have."""
        super().__post_init__()
        self.memory = RehearsedMemory()

    def request(
        self, motor: int, instruction: int, parameters: bytes, reply_bytes: int, tries: int = TRIES
    ) -> Packet | None:
        """Send what reads; note what writes. Raises PortLostError."""
        if instruction == Instruction.WRITE:
            self.memory.write(motor, parameters[0], parameters[1:])
            return Packet(motor, 0, b"")
        reply = super().request(motor, instruction, parameters, reply_bytes, tries)
        if reply is None or instruction != Instruction.READ:
            return reply
        return Packet(reply.id, reply.code, self.memory.read(motor, parameters[0], reply.parameters))


def audit(client: RehearsedClient, real: Client, name: str, joint: JointConfig, safety: SafetyConfig) -> Audit:
    """Compare a motor with the robot YAML. Raises HardwareError if it does not answer."""
    motor = Motor(name, joint, client, client, safety.position_margin)
    identity = client.identify(joint.id)
    if identity is None:
        raise HardwareError(f"{motor.name} does not answer at {client.baudrate} baud")
    refusals: list[str] = []
    try:
        motor.check_model(identity)
        _set_back(motor, client)
        motor.prepare()
        motor.configure()
    except PortLostError:
        raise
    except HardwareError as error:
        refusals.append(str(error))
    compared, differences = register_differences(joint.id, motor.table, client.memory, real.read, EFFECTS)
    remarks = tuple(notice for notice in motor.notices if " set from " not in notice)
    return Audit(compared, differences, tuple(refusals), remarks)


def _set_back(motor: Motor, client: RehearsedClient) -> None:
    """Rehearse writing what the joint's calibration was made with, which `open` refuses to do by itself."""
    stored = {} if motor.config.calibration is None else motor.config.calibration.registers
    found = motor.meaning()
    for name, value in stored.items():
        if name in found and name != "operating_mode" and found[name] != value:
            register = motor.table[name]
            client.memory.write(motor.id, register.address, register.encode(int(value)))
