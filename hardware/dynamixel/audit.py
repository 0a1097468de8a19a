"""What opening a robot would change in a Dynamixel motor, register by register; nothing is written."""

from collections.abc import Mapping
from typing import Final

from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.rehearsed import RehearsedMemory
from sim2real.hardware.bus.request_line import TRIES
from sim2real.hardware.dynamixel.client import Client
from sim2real.hardware.dynamixel.frame import Instruction, Packet
from sim2real.hardware.dynamixel.motor import Motor
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.interface import Audit
from sim2real.hardware.workbench.register_audit import register_differences

EFFECTS: Final[Mapping[str, str]] = {
    "return_delay_time": "every reply comes later",
    "drive_mode": "positions count the other way, or goals are profiles, or a goal switches torque on",
    "operating_mode": "goals mean something else",
    "secondary_id": "it also obeys what is meant for another motor",
    "homing_offset": "positions are shifted",
    "min_position_limit": "goals are refused, or positions mean something else",
    "max_position_limit": "goals are refused, or positions mean something else",
    "pwm_limit": "it pushes harder or weaker than effort_limit says",
    "current_limit": "it pushes harder or weaker than effort_limit says",
    "velocity_limit": "it is faster or slower",
    "startup_configuration": "it may have torque from power-up on",
    "shutdown": "a protection is off",
    "pwm_slope": "it reacts late",
    "temperature_limit": "it gets hotter than its maker allows",
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
        address = int.from_bytes(parameters[:2], "little")
        if instruction == Instruction.WRITE:
            self.memory.write(motor, address, parameters[2:])
            return Packet(motor, Instruction.STATUS, 0, b"", unstuffed=False)
        reply = super().request(motor, instruction, parameters, reply_bytes, tries)
        if reply is None or instruction != Instruction.READ or len(reply.parameters) != reply_bytes:
            return reply
        data = self.memory.read(motor, address, reply.parameters)
        return Packet(reply.id, reply.instruction, reply.error, data, reply.unstuffed)


def audit(client: RehearsedClient, real: Client, name: str, joint: JointConfig, safety: SafetyConfig) -> Audit:
    """Compare a motor with the robot YAML. Raises HardwareError if it does not answer."""
    motor = Motor(name, joint, client, client, safety.voltages_at(joint.supply)[1], safety.position_margin)
    identity = client.ping(joint.id)
    if identity is None:
        raise HardwareError(f"{motor.name} does not answer at {client.baudrate} baud")
    refusals: list[str] = []
    try:
        motor.check_model(identity.model_number)
        motor.check_firmware(identity.firmware)
        _set_back(motor, client)
        motor.drop_secondary_id()
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
    for name, value in stored.items():
        if name in motor.table and name not in ("drive_mode", "operating_mode") and motor.get(name) != value:
            register = motor.table[name]
            client.memory.write(motor.id, register.address, register.encode(int(value)))
