"""The driver of an ACME bus."""

import math
import struct
from collections.abc import Mapping

from acme_motors.client import Client
from acme_motors.frame import EVERYONE, Operation, Packet, encode
from acme_motors.registers import STATE, AcmeRegisters, Flag, Register, State, pack
from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
from sim2real.hardware.bus.set_up import set_up
from sim2real.hardware.bus.transport import Transport, write_now
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import BusCounters, JointCommand, JointState, MotorFault

BAUDRATES = (1_000_000, 115_200)
_FAULTS = {
    Flag.OVERHEATED: MotorFault.OVERHEATING,
    Flag.OVERLOADED: MotorFault.OVERLOAD,
    Flag.WATCHDOG: MotorFault.WATCHDOG,
}


class AcmeMotor:
    def __init__(self, joint: str, config: JointConfig, client: Client) -> None:
        self.joint, self.config, self.client = joint, config, client
        self.id = config.id

    def set(self, register: Register, value: float) -> None:
        try:
            self.client.set(self.id, register, value)
        except HardwareError as error:
            raise type(error)(f"joint {self.joint!r}: {error}") from error

    def disable(self) -> None:
        self.set(Register.TORQUE, 0.0)


def for_all(register: Register, value: float) -> bytes:
    return encode(Packet(EVERYONE, Operation.SET, 0, pack(register, value)))


OFF = for_all(Register.TORQUE, 0.0)
UNWATCHED = for_all(Register.WATCHDOG, 0.0)
DEATH: dict[DeathState, bytes] = {
    "off": OFF,
    "damp": UNWATCHED + for_all(Register.STIFFNESS, 0.0),
    "hold": UNWATCHED,
}


class AcmeBus:
    off_clears_faults = False

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self.joint_names = tuple(joints)
        self.counters = BusCounters(by_joint=dict.fromkeys(joints, 0))
        self.notices: list[str] = []
        self._transport, self._clock = transport, clock
        self._baudrate, self._watchdog = round(bus.baudrate), safety.watchdog
        self._set_up = Client(transport, clock, self._baudrate, BusCounters())
        self._run = Client(transport, clock, self._baudrate, self.counters)
        self._motors = [AcmeMotor(name, joint, self._set_up) for name, joint in joints.items()]
        self._finite = FiniteCheck(len(joints))
        self._opened = self._enabled = self._closed = False
        self._waiting: set[int] = set()
        self._asked_ns = 0

    def open(self, between: Between = nothing) -> None:
        with set_up(self._set_up, between, self.send_off):
            self._set_up.set_baudrate(self._baudrate)
            models = find_motors(self._motors, self._set_up.ping, self._set_up, BAUDRATES)
            for motor, model in zip(self._motors, models, strict=True):
                expected = motor.config.motor.registers_as(AcmeRegisters).model_number
                if model != expected:
                    raise HardwareError(f"joint {motor.joint!r}: model {model} answers, configured is {expected}")
                motor.disable()
        self._opened = True

    def begin_read(self) -> None:
        if not self._opened:
            raise HardwareError("bus is not open")
        ids = bytes(motor.id for motor in self._motors)
        self._asked_ns = self._clock.now_ns()
        self._run.send(EVERYONE, Operation.STATE, ids, len(ids), STATE.size)

    def end_read(self, state: JointState) -> None:
        state.fresh.fill(False)
        answers = self._run.replies(Operation.STATE, len(self._motors), STATE.size)
        now_ns = self._asked_ns  # a reading is not older than its question
        self.counters.reads += 1
        for place, motor in enumerate(self._motors):
            if motor.id in answers:
                self._take(state, place, motor.config, State.of(answers[motor.id].payload), now_ns)
            else:
                self.counters.by_joint[motor.joint] += 1

    def _take(self, state: JointState, place: int, joint: JointConfig, reading: State, now_ns: int) -> None:
        state.position[place] = joint.direction * (reading.position - joint.zero)
        state.velocity[place] = joint.direction * reading.velocity
        state.effort[place] = joint.direction * reading.effort
        state.voltage[place], state.temperature[place] = reading.voltage, reading.temperature
        faults = MotorFault(0)
        for flag, fault in _FAULTS.items():
            if reading.flags & flag:
                faults |= fault
        if self._enabled and not reading.flags & Flag.TORQUE and not faults:
            faults |= MotorFault.RESTARTED
        state.faults[place] = int(faults)
        state.stamp_ns[place] = state.health_stamp_ns[place] = now_ns
        state.fresh[place] = True

    def write(self, command: JointCommand) -> None:
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if not self._opened:
            raise HardwareError("bus is not open")
        if not self._enabled:
            return
        goals = b"".join(
            struct.pack("<Bf", motor.id, motor.config.direction * command.position[place] + motor.config.zero)
            for place, motor in enumerate(self._motors)
        )
        self._transport.write(encode(Packet(EVERYONE, Operation.GOALS, 0, goals)))
        self.counters.writes += 1

    def enable(self, between: Between = nothing) -> None:
        if not self._opened:
            raise HardwareError("bus is not open")
        state = JointState.empty(len(self._motors))
        with set_up(self._set_up, between, self.send_off):
            for _ in range(6):
                between()
                self.begin_read()
                self.end_read(state)
                if not any(math.isnan(position) for position in state.position):
                    break
            for place, motor in enumerate(self._motors):
                if math.isnan(state.position[place]):
                    raise HardwareError(f"joint {motor.joint!r}: motor {motor.id} does not answer")
                joint = motor.config
                motor.set(Register.GOAL, joint.direction * state.position[place] + joint.zero)
                if joint.stiffness:
                    motor.set(Register.STIFFNESS, joint.stiffness)
                    motor.set(Register.DAMPING, joint.damping)
                motor.set(Register.WATCHDOG, self._watchdog)
                motor.set(Register.TORQUE, 1.0)
        self._enabled = True

    def keep_alive(self) -> None:
        self._transport.write(for_all(Register.WATCHDOG, self._watchdog))

    def stop_frames(self, state: DeathState) -> bytes:
        return DEATH[state]

    def send_off(self) -> None:
        self._enabled = False
        self._waiting = {motor.id for motor in self._motors}
        write_now(self._transport, OFF)

    def confirm_off(self) -> tuple[str, ...]:
        waiting = sorted(self._waiting)
        try:
            write_now(self._transport, OFF)
            answers = self._set_up.ask(EVERYONE, Operation.STATE, bytes(waiting), len(waiting), STATE.size)
        except PortLostError:
            answers = {}
        for motor, packet in answers.items():
            if not State.of(packet.payload).flags & Flag.TORQUE:
                self._waiting.discard(motor)
        return tuple(motor.joint for motor in self._motors if motor.id in self._waiting)

    def recover(self, between: Between = nothing) -> None:
        with set_up(self._set_up, between, self.send_off):
            for motor in self._motors:
                if int(self._set_up.flags(motor.id)) & ~Flag.TORQUE:
                    self._set_up.restart(motor.id)
                motor.disable()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.send_off()
        self._opened = False
        self._transport.close()
