"""The workbench of Dynamixel motors; implements `Workbench`."""

import math
from collections.abc import Iterator, Mapping
from functools import cache

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.shared_id import ids_of_several, shared_id, sharing
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.dynamixel.audit import RehearsedClient, audit
from sim2real.hardware.dynamixel.checkup import examine
from sim2real.hardware.dynamixel.client import NOBODY, Client, Identity
from sim2real.hardware.dynamixel.frame import BROADCAST, ID_MAX, Instruction, encode
from sim2real.hardware.dynamixel.motor import Motor, model_name
from sim2real.hardware.dynamixel.register_text import register_text
from sim2real.hardware.dynamixel.registers import ControlTable, Register
from sim2real.hardware.dynamixel.schema import DynamixelRegisters
from sim2real.hardware.dynamixel.state_reader import reading_registers
from sim2real.hardware.dynamixel.tables import BAUD_CODES, BAUDRATES, MODEL_NAMES, x_series_table
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.interface import Audit, Finding, FoundMotor, MotorReading, RegisterReading, Settled

_STATUS_RETURN_LEVEL, _TORQUE_ENABLE = 68, 64  # in every X-series model
_LIKELY = (1_000_000, 57_600)  # what most projects set, and the factory's
_QUICK_S = 0.1  # about thirty ids
_ADDRESS = ("id", "baud_rate", "protocol_type")  # what the motor is found by
_REBOOT_TRIES = 40  # of 26 ms each: an X-series motor restarts in about half a second


class DynamixelWorkbench:
    """Single Dynamixel motors on a port."""

    protocol = "dynamixel2"
    baudrates = tuple(sorted(BAUDRATES.values(), key=lambda baudrate: (baudrate not in _LIKELY, -baudrate)))
    """The most likely ones first."""
    ids = range(ID_MAX + 1)

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._client = Client(transport, clock, self.baudrates[0])
        self.shared: list[int] = []
        """Ids that several motors share, at the baud rate of the last scan."""
        self._known: dict[int, tuple[Identity, MotorConfig, ControlTable]] = {}

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises HardwareError if the port does not support it."""
        if baudrate != self._client.baudrate:
            self._known.clear()
        self._client.set_baudrate(baudrate)

    def hears(self, baudrate: int) -> bool:
        """Return whether anything answers a broadcast at once: motors with low ids do. Raises PortLostError."""
        self.set_baudrate(baudrate)
        return bool(self._client.ping_all(_QUICK_S)) or bool(self._client.garbled)

    def scan(self, baudrate: int) -> list[FoundMotor]:
        """Return every motor that answers at a baud rate, by id; takes about 1 s. Raises PortLostError."""
        self.set_baudrate(baudrate)
        found = [self._found(identity) for identity in self._client.ping_all()]
        damaged = self._client.garbled
        self.shared = sharing(self._client, [motor.id for motor in found])
        if damaged:
            silent = [motor for motor in self.ids if motor not in {one.id for one in found}]
            self.shared += ids_of_several(self._client, self._client.ping, NOBODY, silent)
        return [motor for motor in found if motor.id not in self.shared]

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        """Return the motor that answers to an id at a baud rate; None if none does. Raises PortLostError."""
        self.set_baudrate(baudrate)
        identity = self._client.ping(motor)
        if identity is None and self._client.several():
            raise HardwareError(shared_id(motor))
        return None if identity is None else self._found(identity)

    def registers(self, motor: int) -> list[RegisterReading]:
        """Return the registers of a motor, without the indirect ones. Raises HardwareError."""
        _, config, table = self._motor(motor)
        readings = []
        for run in _runs(table):
            start = run[0].address
            data = self._client.read(motor, start, run[-1].end - start)
            for register in run:
                value = register.decode(data[register.address - start : register.end - start])
                text = register_text(config, register, value)
                readings.append(RegisterReading(register.address, register.area, register.name, value, text))
        return readings

    def reading(self, motor: int) -> MotorReading:
        """Return the present measurements of a motor, read with one instruction. Raises HardwareError."""
        _, config, table = self._motor(motor)
        fields = reading_registers(table)
        start, end = fields["effort"].address, fields["temperature"].end
        block = self._client.read(motor, start, end - start)

        def value(name: str) -> int:
            register = fields[name]
            return register.decode(block[register.address - start : register.end - start])

        return MotorReading(
            position=value("position") * math.tau / config.counts_per_revolution,
            velocity=value("velocity") * config.velocity_unit,
            effort=value("effort") * config.effort_unit,
            temperature=float(value("temperature")),
            voltage=value("voltage") / 10,
        )

    def power_up_position(self, motor: int) -> float:
        """Return the motor angle without the turns counted since power-up, rad. Raises HardwareError."""
        _, config, table = self._motor(motor)
        counts, offset = self._get(motor, table["present_position"]), self._get(motor, table["homing_offset"])
        turn = config.counts_per_revolution
        return ((counts - offset) % turn + offset) * math.tau / turn

    def settle(self, name: str, joint: JointConfig, position_margin: float) -> Settled:
        """Write drive mode and operating mode as the driver does, where they differ. Raises HardwareError."""
        identity, config, _ = self._motor(joint.id)
        motor = Motor(name, joint, self._client, self._client, config.voltage_range[1], position_margin)
        motor.check_model(identity.model_number)
        try:
            motor.settle()
        except HardwareError as error:
            if not motor.notices:
                raise
            raise type(error)(f"{error}; before that: {'; '.join(motor.notices)}") from error
        return Settled(identity.model_number, str(identity.firmware), motor.meaning(), tuple(motor.notices))

    def audit(self, name: str, joint: JointConfig, safety: SafetyConfig) -> Audit:
        """Compare a motor with the robot YAML; write nothing. Raises HardwareError if it does not answer."""
        rehearsed = RehearsedClient(self._client.transport, self._client.clock, self._client.baudrate)
        return audit(rehearsed, self._client, name, joint, safety)

    def alone(self, motor: int) -> bool:
        """Return whether one motor alone answers to an id. Raises PortLostError."""
        return self._client.alone(motor)

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id, not even damaged. Raises PortLostError."""
        return self._client.silent(motor)

    def settings(self, motor: int) -> dict[str, float]:
        """Return the writable registers of EEPROM. Raises HardwareError."""
        table = self._motor(motor)[2]
        return {
            reading.name: reading.value
            for reading in self.registers(motor)
            if reading.area == "eeprom" and table[reading.name].access == "rw" and reading.name not in _ADDRESS
        }

    def write_setting(self, motor: int, name: str, value: float) -> None:
        """Write a register of EEPROM and read it back. Raises HardwareError."""
        table = self._motor(motor)[2]
        if name not in table or table[name].area != "eeprom" or name in _ADDRESS:
            raise HardwareError(f"motor {motor} has no setting {name!r}")
        self._write(motor, name, int(value))
        found = self._get(motor, table[name])
        if found != value:
            raise HardwareError(f"motor {motor}: {name} is {found} after writing {value:g}")

    def torque_off(self, motor: int | None = None) -> None:
        """Write 0 to Torque Enable (64) of one motor, or of all. Raises PortLostError."""
        parameters = _TORQUE_ENABLE.to_bytes(2, "little") + b"\0"
        self._client.send(encode(BROADCAST if motor is None else motor, Instruction.WRITE, parameters))

    def torque_enabled(self, motor: int) -> bool:
        """Return whether Torque Enable (64) is set. Raises HardwareError."""
        return bool(self._get(motor, self._motor(motor)[2]["torque_enable"]))

    def write_id(self, motor: int, new: int) -> None:
        """Write ID (7). Raises HardwareError if the motor refuses."""
        self._write(motor, "id", new)

    def write_baudrate(self, motor: int, new: int) -> None:
        """Write Baud Rate (8). Raises HardwareError if the motor refuses; the 330 series refuses 4.5 Mbaud."""
        self._write(motor, "baud_rate", BAUD_CODES[new])

    def reboot(self, motor: int) -> None:
        """Restart a motor, which clears latched hardware errors. Raises HardwareError if one persists."""
        self._client.request(motor, Instruction.REBOOT, b"", reply_bytes=0, tries=1)
        if self._client.ping(motor, tries=_REBOOT_TRIES) is None:
            raise HardwareError(f"motor {motor} does not answer after a reboot")
        status = self._get(motor, self._motor(motor)[2]["hardware_error_status"])
        if status:
            raise HardwareError(f"motor {motor}: hardware error 0x{status:02x} persists: remove its cause")

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        """Yield the findings about a motor. Raises HardwareError."""
        identity, config, _ = self._motor(motor.id)
        values = {register.name: int(register.value) for register in self.registers(motor.id)}
        yield from examine(identity, self._client.baudrate, config, values)

    def _motor(self, motor: int) -> tuple[Identity, MotorConfig, ControlTable]:
        """Return identity, type and table of the motor with this id; cached."""
        known = self._known.get(motor)
        if known is None:
            identity = self._client.ping(motor)
            if identity is None:
                raise HardwareError(f"motor {motor} does not answer at {self._client.baudrate} baud")
            config = motor_type(identity.model_number)
            self._enable_replies(motor)
            known = self._known[motor] = (identity, config, x_series_table(config, identity.firmware))
        return known

    def _enable_replies(self, motor: int) -> None:
        """Make a motor that answers only pings answer everything; see Status Return Level (68)."""
        address, size = _STATUS_RETURN_LEVEL.to_bytes(2, "little"), (1).to_bytes(2, "little")
        if self._client.request(motor, Instruction.READ, address + size, reply_bytes=1) is None:
            self._client.request(motor, Instruction.WRITE, address + b"\2", reply_bytes=0, tries=2)

    def _found(self, identity: Identity) -> FoundMotor:
        self._known.pop(identity.id, None)
        return FoundMotor(
            identity.id,
            self.protocol,
            self._client.baudrate,
            identity.model_number,
            MODEL_NAMES.get(identity.model_number),
            identity.firmware,
        )

    def _get(self, motor: int, register: Register) -> int:
        return register.decode(self._client.read(motor, register.address, register.size))

    def _write(self, motor: int, name: str, value: int) -> None:
        """Write a register whose reply may already have the new id or baud rate."""
        register = self._motor(motor)[2][name]
        if not register.minimum <= value <= register.maximum:
            raise HardwareError(f"motor {motor} ({self._motor(motor)[1].name}) does not support {name} = {value}")
        parameters = register.address.to_bytes(2, "little") + register.encode(value)
        reply = self._client.request(motor, Instruction.WRITE, parameters, reply_bytes=0, tries=1)
        if reply is not None and reply.error:
            raise HardwareError(f"motor {motor} refused {name} = {value} (error {reply.error})")


def _runs(table: ControlTable) -> list[list[Register]]:
    """Return contiguous runs of registers, without the indirect ones: the motor may refuse to read a gap (e-Manual)."""
    runs: list[list[Register]] = []
    for register in table:
        if register.name.startswith("indirect"):
            continue
        if runs and runs[-1][-1].end == register.address:
            runs[-1].append(register)
        else:
            runs.append([register])
    return runs


def motor_type(model_number: int) -> MotorConfig:
    """Return the shipped motor type with this model number. Raises HardwareError, which lists the known ones."""
    known = _shipped_types()
    if model_number not in known:
        names = ", ".join(model_name(number) for number in sorted(known))
        raise HardwareError(f"no control table for {model_name(model_number)}; known: {names}")
    return known[model_number]


@cache  # the shipped files do not change, and reading them takes longer than a scan
def _shipped_types() -> Mapping[int, MotorConfig]:
    """Return the shipped motor types of the family, by model number."""
    types = map(load_motor, shipped("motors"))
    return {one.registers.model_number: one for one in types if isinstance(one.registers, DynamixelRegisters)}
