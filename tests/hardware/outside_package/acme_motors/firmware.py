"""The firmware model of one motor, and the device protocol of a line."""

from collections.abc import Mapping, Sequence

from acme_motors.frame import EVERYONE, REPLY, Decoder, Operation, Packet, encode
from acme_motors.registers import STATE, AcmeRegisters, Flag, Register, pack, unpack
from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.firmware.device_protocol import Reply
from sim2real.hardware.firmware.motor import Shaft
from sim2real.hardware.firmware.packet_protocol import PacketProtocol

BOOT_NS = 100_000_000
_EEPROM = (Register.ID, Register.MODEL)


class FirmwareMotor:
    def __init__(self, motor: MotorConfig, motor_id: int, baudrate: int) -> None:
        registers = motor.registers_as(AcmeRegisters)
        self.baudrate, self.shaft, self.silent = baudrate, Shaft(), False
        self.temperature_limit = motor.temperature_max
        self._factory = {Register.STIFFNESS: registers.stiffness, Register.DAMPING: registers.damping}
        self._kept = {Register.ID: float(motor_id), Register.MODEL: float(registers.model_number)}
        self._constant = motor.nominal.voltage / motor.nominal.no_load_speed  # N·m/A, V·s/rad
        self._stuck: float | None = None
        self.boot(0, 0)

    @property
    def id(self) -> int:
        return int(self.values[Register.ID])

    @property
    def torque_enabled(self) -> bool:
        return bool(self.values[Register.TORQUE])

    @property
    def driven(self) -> bool:
        return self.torque_enabled

    @property
    def watchdog_tripped(self) -> bool:
        return bool(self._flags & Flag.WATCHDOG)

    @property
    def faults(self) -> int:
        return int(self._flags)

    def boot(self, now_ns: int, boot_ns: int = BOOT_NS) -> None:
        self.values = dict.fromkeys(Register, 0.0) | self._factory | self._kept
        self._flags = Flag(0)
        self._awake_ns = now_ns + boot_ns
        self._heard_ns = now_ns

    def saved(self) -> dict[str, float]:
        return {register.name.lower(): self.values[register] for register in _EEPROM}

    def restore(self, saved: Mapping[str, float]) -> None:
        for name, value in saved.items():
            if name.upper() not in Register.__members__ or Register[name.upper()] not in _EEPROM:
                raise ValueError(f"no setting {name!r}")
            self._kept[Register[name.upper()]] = value

    def listens(self, now_ns: int) -> bool:
        return not self.silent and now_ns >= self._awake_ns

    def feed_watchdog(self, now_ns: int) -> None:
        self._heard_ns = now_ns

    def set(self, register: Register, value: float) -> None:
        if register == Register.TORQUE and value:
            self._flags &= ~Flag.WATCHDOG
            value = float(not self._flags)
        self.values[register] = value
        if register in _EEPROM:
            self._kept[register] = value

    def step(self, now_ns: int, angle: float, velocity: float, resistance: float, supply: float, dt: float) -> float:
        values = self.values
        if values[Register.WATCHDOG] and now_ns - self._heard_ns > ns_from_s(values[Register.WATCHDOG]):
            self._trip(Flag.WATCHDOG)
            return 0.0
        torque = values[Register.STIFFNESS] * (values[Register.GOAL] - angle) - values[Register.DAMPING] * velocity
        voltage = torque / self._constant * resistance + self._constant * velocity
        return min(max(voltage / supply, -1.0), 1.0)

    def check_health(self, elapsed_s: float) -> None:
        if self.shaft.temperature > self.temperature_limit:
            self._trip(Flag.OVERHEATED)

    def overload(self) -> None:
        self._trip(Flag.OVERLOADED)

    def freeze_encoder(self) -> None:
        self._stuck = self.shaft.angle

    def release_encoder(self) -> None:
        self._stuck = None

    def report(self, now_ns: int) -> dict[str, int | float]:
        return {register.name.lower(): value for register, value in self.values.items()}

    def state(self) -> bytes:
        shaft = self.shaft
        flags = self._flags | (Flag.TORQUE if self.torque_enabled else Flag(0))
        position = shaft.angle if self._stuck is None else self._stuck
        return STATE.pack(position, shaft.velocity, shaft.torque, shaft.voltage, shaft.temperature, int(flags))

    def _trip(self, flag: Flag) -> None:
        self._flags |= flag
        self.values[Register.TORQUE] = 0.0


class LineProtocol(PacketProtocol[Packet]):
    def __init__(self) -> None:
        super().__init__(Decoder())

    def replies_to(self, instruction: Packet, motors: Sequence[FirmwareMotor], now_ns: int) -> list[Reply]:
        by_id = {motor.id: motor for motor in motors}
        for motor in motors:
            if instruction.id in (EVERYONE, motor.id):
                motor.feed_watchdog(now_ns)
        if instruction.operation == Operation.STATE:
            asked = [by_id[motor] for motor in instruction.payload if motor in by_id]
            return [self._reply(motor, instruction, motor.state()) for motor in asked]
        if instruction.operation == Operation.SET and instruction.id == EVERYONE:
            for motor in motors:
                motor.set(Register(instruction.payload[0]), unpack(instruction.payload))
            return []
        if instruction.operation == Operation.GOALS:
            for at in range(0, len(instruction.payload), 5):
                piece = instruction.payload[at : at + 5]
                if piece[0] in by_id:
                    by_id[piece[0]].set(Register.GOAL, unpack(piece))
            return []
        motor = by_id.get(instruction.id)
        answer = None if motor is None else self._execute(motor, instruction, now_ns)
        return [] if motor is None or answer is None else [self._reply(motor, instruction, answer)]

    def _execute(self, motor: FirmwareMotor, instruction: Packet, now_ns: int) -> bytes | None:
        payload = instruction.payload
        if instruction.operation == Operation.PING:
            return int(motor.values[Register.MODEL]).to_bytes(2, "little")
        if instruction.operation == Operation.REBOOT:
            motor.boot(now_ns)
            return None
        register = Register(payload[0])
        if instruction.operation == Operation.SET:
            motor.set(register, unpack(payload))
        return pack(register, motor.values[register])

    def _reply(self, motor: FirmwareMotor, to: Packet, payload: bytes) -> Reply:
        frame = encode(Packet(motor.id, to.operation | REPLY, to.number, payload))
        return Reply(20_000, motor.baudrate, frame)
