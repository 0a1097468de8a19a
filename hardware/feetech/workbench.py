"""The workbench of Feetech STS motors; implements `Workbench`."""

import math
from collections.abc import Iterator
from functools import cache

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.shared_id import ids_of_several, shared_id, sharing
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.audit import RehearsedClient, audit
from sim2real.hardware.feetech.checkup import examine
from sim2real.hardware.feetech.client import NOBODY, Client, Identity
from sim2real.hardware.feetech.frame import BROADCAST, ID_MAX, Instruction, encode
from sim2real.hardware.feetech.motor import Motor, model_name
from sim2real.hardware.feetech.register_text import register_text
from sim2real.hardware.feetech.schema import FeetechRegisters, registers_of
from sim2real.hardware.feetech.tables import (
    BAUD_CODES,
    BAUDRATES,
    COARSE_STEPS,
    FINE_VELOCITY,
    FULL_ANGLE,
    MODEL_NAMES,
    TORQUE_OFF,
    MemoryTable,
    sts_table,
)
from sim2real.hardware.workbench.interface import Audit, Finding, FoundMotor, MotorReading, RegisterReading, Settled

_QUICK_S = 0.1  # about thirty ids
_ADDRESS = ("id", "baud_rate")  # what the motor is found by
_REBOOT_TRIES = 40  # of 26 ms each
_WRITE_TRIES = 5
_TORQUE_ENABLE = 40


class FeetechWorkbench:
    """Single Feetech motors on a port."""

    protocol = "feetech"
    baudrates = tuple(BAUDRATES.values())
    ids = range(ID_MAX + 1)

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._client = Client(transport, clock, self.baudrates[0])
        self.shared: list[int] = []
        """Ids that several motors share, at the baud rate of the last scan."""
        self._types: dict[int, MotorConfig] = {}

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises HardwareError if the port does not support it."""
        if baudrate != self._client.baudrate:
            self._types.clear()
        self._client.set_baudrate(baudrate)

    def hears(self, baudrate: int) -> bool:
        """Return whether anything answers a broadcast at once: motors with low ids do. Raises PortLostError."""
        self.set_baudrate(baudrate)
        return bool(self._client.ping_all(_QUICK_S)) or bool(self._client.garbled)

    def scan(self, baudrate: int) -> list[FoundMotor]:
        """Return every motor that answers at a baud rate, by id; takes about 1 s. Raises PortLostError."""
        self.set_baudrate(baudrate)
        answering = self._client.ping_all()
        damaged = self._client.garbled
        identities = [self._client.identify(motor) for motor in answering]
        found = [self._found(identity) for identity in identities if identity is not None]
        self.shared = sharing(self._client, [motor.id for motor in found])
        if damaged:
            silent = [motor for motor in self.ids if motor not in {one.id for one in found}]
            self.shared += ids_of_several(self._client, self._client.identify, NOBODY, silent)
        return [motor for motor in found if motor.id not in self.shared]

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        """Return the motor that answers to an id at a baud rate; None if none does. Raises PortLostError."""
        self.set_baudrate(baudrate)
        identity = self._client.identify(motor)
        if identity is None and self._client.several():
            raise HardwareError(shared_id(motor))
        return None if identity is None else self._found(identity)

    def registers(self, motor: int) -> list[RegisterReading]:
        """Return the registers of a motor. Raises HardwareError."""
        config = self._type(motor)
        table = sts_table(config)
        block = self._client.read(motor, 0, table.end)
        values = {register.name: register.decode(block[register.address : register.end]) for register in table}
        phase = values["phase"]
        return [
            RegisterReading(
                register.address,
                register.area,
                register.name,
                values[register.name],
                register_text(config, register, values[register.name], phase),
            )
            for register in table
        ]

    def reading(self, motor: int) -> MotorReading:
        """Return the present measurements of a motor, read with one instruction. Raises HardwareError."""
        config = self._type(motor)
        table = sts_table(config)
        start, end = table["phase"].address, table["present_current"].end
        block = self._client.read(motor, start, end - start)

        def value(name: str) -> int:
            register = table[name]
            return register.decode(block[register.address - start : register.end - start])

        step = math.tau / config.counts_per_revolution
        return MotorReading(
            position=value("present_position") * step,
            velocity=value("present_velocity") * step * (1 if value("phase") & FINE_VELOCITY else COARSE_STEPS),
            effort=value("present_current") * config.effort_unit,
            temperature=float(value("present_temperature")),
            voltage=value("present_voltage") / 10,
        )

    def power_up_position(self, motor: int) -> float:
        """Return the motor angle without the turns counted since power-up, rad. Raises HardwareError."""
        config = self._type(motor)
        table, turn = sts_table(config), config.counts_per_revolution
        position, offset = self._get(motor, table, "present_position"), self._get(motor, table, "position_offset")
        if self._get(motor, table, "phase") & FULL_ANGLE:
            return ((position + offset) % turn - offset) * math.tau / turn
        return position % turn * math.tau / turn

    def settle(self, name: str, joint: JointConfig, position_margin: float) -> Settled:
        """Write phase, mode and limits as the driver does, where they differ. Raises HardwareError."""
        identity = self._client.identify(joint.id)
        if identity is None:
            raise HardwareError(f"motor {joint.id} does not answer at {self._client.baudrate} baud")
        motor = Motor(name, joint, self._client, self._client, position_margin)
        motor.check_model(identity)
        try:
            motor.settle()
        except HardwareError as error:
            if not motor.notices:
                raise
            raise type(error)(f"{error}; before that: {'; '.join(motor.notices)}") from error
        firmware = "{}.{}".format(*identity.firmware)
        return Settled(identity.model_number, firmware, motor.meaning(), tuple(motor.notices))

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
        table = sts_table(self._type(motor))
        return {
            reading.name: reading.value
            for reading in self.registers(motor)
            if reading.area == "eeprom" and table[reading.name].access == "rw" and reading.name not in _ADDRESS
        }

    def write_setting(self, motor: int, name: str, value: float) -> None:
        """Unlock EEPROM, write a register, lock it, and read it back. Raises HardwareError."""
        table = sts_table(self._type(motor))
        if name not in table or table[name].area != "eeprom" or name in _ADDRESS:
            raise HardwareError(f"motor {motor} has no setting {name!r}")
        try:
            self._write_unlocked(motor, name, int(value))
        except OverflowError as error:
            raise HardwareError(str(error)) from error
        finally:
            self._lock(motor)
        found = self._get(motor, table, name)
        if found != value:
            raise HardwareError(f"motor {motor}: {name} is {found} after writing {value:g}")

    def recall(self, motor: int) -> None:
        """Lock EEPROM if a program was cut off before it did. Raises HardwareError."""
        table = sts_table(self._type(motor))
        for _ in range(_WRITE_TRIES):
            if self._get(motor, table, "lock"):
                return
            self._lock(motor)
        raise HardwareError(f"motor {motor} does not lock its EEPROM")

    def torque_off(self, motor: int | None = None) -> None:
        """Write 0 to Torque Enable (40) of one motor, or of all. Raises PortLostError."""
        parameters = bytes((_TORQUE_ENABLE, TORQUE_OFF))
        self._client.send(encode(BROADCAST if motor is None else motor, Instruction.WRITE, parameters))

    def torque_enabled(self, motor: int) -> bool:
        """Return whether Torque Enable (40) is not 0. Raises HardwareError."""
        return bool(self._get(motor, sts_table(self._type(motor)), "torque_enable"))

    def write_id(self, motor: int, new: int) -> None:
        """Unlock EEPROM, write ID (5), and lock it at the new id. Raises HardwareError."""
        self._write_unlocked(motor, "id", new)
        self._lock(new)

    def write_baudrate(self, motor: int, new: int) -> None:
        """Unlock EEPROM, write Baud Rate (6), and lock it at the new baud rate; restore the line's own baud rate."""
        if new not in BAUD_CODES:
            raise HardwareError(f"{new} baud is not valid; valid: {', '.join(map(str, BAUD_CODES))}")
        before = self._client.baudrate
        self._write_unlocked(motor, "baud_rate", BAUD_CODES[new])
        try:
            self._client.set_baudrate(new)
            self._lock(motor)
        finally:
            self._client.set_baudrate(before)

    def reboot(self, motor: int) -> None:
        """Restart a motor, which clears latched alarms. Raises HardwareError if an alarm persists."""
        table = sts_table(self._type(motor))
        self._client.request(motor, Instruction.REBOOT, b"", reply_bytes=0, tries=1)
        if self._client.identify(motor, tries=_REBOOT_TRIES) is None:
            raise HardwareError(f"motor {motor} does not answer after a reboot")
        status = self._get(motor, table, "status")
        if status:
            raise HardwareError(f"motor {motor}: alarm 0x{status:02x} persists: remove its cause")

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        """Yield the findings about a motor. Raises HardwareError."""
        values = {register.name: int(register.value) for register in self.registers(motor.id)}
        yield from examine(motor.id, self._client.baudrate, self._type(motor.id), values)

    def _type(self, motor: int) -> MotorConfig:
        """Return the type of a motor; cached."""
        if motor not in self._types:
            identity = self._client.identify(motor)
            if identity is None:
                raise HardwareError(f"motor {motor} does not answer at {self._client.baudrate} baud")
            candidates = motor_types(identity.model_number)
            register = sts_table(candidates[0])["max_voltage_limit"]
            volts = register.decode(self._client.read(motor, register.address, register.size)) / 10
            # Versions for different supply voltages share a model number; their voltage limit distinguishes them.
            self._types[motor] = min(candidates, key=lambda config: abs(config.voltage_range[1] - volts))
        return self._types[motor]

    def _found(self, identity: Identity) -> FoundMotor:
        self._types.pop(identity.id, None)
        return FoundMotor(
            identity.id,
            self.protocol,
            self._client.baudrate,
            identity.model_number,
            MODEL_NAMES.get(identity.model_number),
            "{}.{}".format(*identity.firmware),
        )

    def _get(self, motor: int, table: MemoryTable, name: str) -> int:
        register = table[name]
        return register.decode(self._client.read(motor, register.address, register.size))

    def _write_unlocked(self, motor: int, name: str, value: int) -> None:
        """Unlock EEPROM and write a register; the reply may already have the new id or baud rate."""
        table = sts_table(self._type(motor))
        lock, register = table["lock"], table[name]
        for _ in range(_WRITE_TRIES):
            self._client.write(motor, lock.address, lock.encode(0))
            if self._get(motor, table, "lock") == 0:
                break
        else:
            raise HardwareError(f"motor {motor} does not unlock its EEPROM")
        parameters = bytes((register.address,)) + register.encode(value)
        self._client.request(motor, Instruction.WRITE, parameters, reply_bytes=0, tries=1)

    def _lock(self, motor: int) -> None:
        """Lock EEPROM. The motor may not answer; the caller checks afterwards."""
        lock = sts_table(_feetech_types()[0])["lock"]
        self._client.write(motor, lock.address, lock.encode(1))


def motor_types(model_number: int) -> list[MotorConfig]:
    """Return the shipped motor types with this model number. Raises HardwareError, with the known ones."""
    known = _feetech_types()
    fitting = [config for config in known if registers_of(config).model_number == model_number]
    if not fitting:
        names = ", ".join(sorted({model_name(registers_of(config).model_number) for config in known}))
        raise HardwareError(f"no memory table for {model_name(model_number)}; known: {names}")
    return fitting


@cache  # the shipped files do not change, and reading them takes longer than a scan
def _feetech_types() -> tuple[MotorConfig, ...]:
    """Return the shipped motor types of the family."""
    return tuple(one for one in map(load_motor, shipped("motors")) if isinstance(one.registers, FeetechRegisters))
