"""A bus of motors that do only what a test says: memory without rules, replies that it may lose, damage or delay."""

import heapq
from collections.abc import Callable

from fastcrc.crc16 import umts

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.dynamixel.driver import DynamixelBus
from sim2real.hardware.dynamixel.frame import BROADCAST, Decoder, Instruction, encode_fast_status, encode_status
from sim2real.hardware.dynamixel.tables import x_series_table
from sim2real.hardware.emulator.line_supervisor import LineSupervisor
from sim2real.hardware.errors import PortLostError

ROBOT = load_robot("pendulum")
PIVOT = ROBOT.joints["pivot"].model_copy(update={"effort_limit": 0.5})  # N·m, whatever the robot is tuned to
TABLE = x_series_table(PIVOT.motor)
BYTE_NS = 10_000  # 1 Mbaud

Mangle = Callable[[int, bytes], list[tuple[int, bytes]]]


def faithful(_, frame):
    return [(0, frame)]


class ScriptedMotor:
    """Registers of one motor; what is written is there, unless the test refuses it."""

    def __init__(self, motor, **registers):
        self.id = motor
        self.memory = bytearray(700)
        self.refuse: dict[str, int] = {}
        self.ignore: set[str] = set()
        self.alert = False
        self.silent = False
        for register in TABLE:
            self.set(register.name, register.initial)
        self.set("id", motor)
        self.set("baud_rate", 3)
        self.set("present_input_voltage", 120)
        self.set("present_temperature", 30)
        for name, value in registers.items():
            self.set(name, value)

    def get(self, name):
        register = TABLE[name]
        return register.decode(self.memory[register.address : register.end])

    def set(self, name, value):
        register = TABLE[name]
        self.memory[register.address : register.end] = register.encode(value)

    def write(self, address, data):
        for register in TABLE.overlapping(address, len(data)):
            if register.name in self.refuse:
                return self.refuse[register.name]
            if register.name in self.ignore:
                return 0
        self.memory[address : address + len(data)] = data
        return 0


class ScriptedBus:
    """A transport with motors behind it, on a virtual clock.

    `mangle(count, frame)` says what becomes of each status frame: pairs of extra delay in ns and bytes.
    """

    def __init__(self, motors, clock):
        self.motors = {motor.id: motor for motor in motors}
        self.clock = clock
        self.mangle: Mangle = faithful
        self.baudrate = self.motors_baudrate = 1_000_000
        self.written: list[bytes] = []
        self.lost = False
        self.closed = False
        self._decoder = Decoder()
        self.coming: list[tuple[int, int, bytes]] = []
        self._count = 0

    def write(self, data):
        self._check()
        self.written.append(bytes(data))
        self.clock.sleep_until_ns(self.clock.now_ns() + len(data) * BYTE_NS)
        if self.baudrate != self.motors_baudrate:
            return
        for packet in self._decoder.feed(bytes(data)):
            at_ns = self.clock.now_ns()
            for frame in self._answers(packet):
                at_ns += len(frame) * BYTE_NS
                for delay_ns, piece in self.mangle(self._count, frame):
                    heapq.heappush(self.coming, (at_ns + delay_ns, self._count, piece))
                self._count += 1

    def read_into(self, buffer, deadline_ns):
        self._check()
        if not self.coming or self.coming[0][0] > max(deadline_ns, self.clock.now_ns()):
            self.clock.sleep_until_ns(deadline_ns)
            return 0
        due_ns, count, piece = heapq.heappop(self.coming)
        self.clock.sleep_until_ns(due_ns)
        taken = piece[: len(buffer)]
        buffer[: len(taken)] = taken
        if len(taken) < len(piece):
            heapq.heappush(self.coming, (due_ns, count, piece[len(taken) :]))
        return len(taken)

    def drain(self):
        self._check()
        while self.coming and self.coming[0][0] <= self.clock.now_ns():
            heapq.heappop(self.coming)

    def set_baudrate(self, baudrate):
        self._check()
        self.baudrate = baudrate

    def start_supervisor(self, ports, limit_ns):
        return LineSupervisor(self.clock, [], limit_ns)

    def close(self):
        self.closed = True

    def _check(self):
        if self.lost:
            raise PortLostError("port vanished")

    def _answers(self, packet):
        data, answers = packet.parameters, []
        address, length = int.from_bytes(data[0:2], "little"), int.from_bytes(data[2:4], "little")
        asked = [self.motors[i] for i in data[4:] if i in self.motors and not self.motors[i].silent]
        match packet.instruction:
            case Instruction.SYNC_READ:
                answers = [self._status(m, 0, bytes(m.memory[address : address + length])) for m in asked]
            case Instruction.FAST_SYNC_READ:
                group = [(m.id, 0x80 * m.alert, bytes(m.memory[address : address + length])) for m in asked]
                frame = encode_fast_status(group)
                full = encode_fast_status([(i, 0, bytes(length)) for i in data[4:]])
                heard = 0
                while heard < len(asked) and asked[heard].id == data[4 + heard]:
                    heard += 1
                # LEN is that of all who were asked; those behind a silent one wait for it in vain.
                answers = [frame] if len(frame) == len(full) else [full_length(group[:heard], full)]
            case Instruction.SYNC_WRITE:
                for at in range(4, len(data), 1 + length):
                    self._write(data[at], address, data[at + 1 : at + 1 + length])
            case Instruction.BULK_WRITE:
                while data:
                    length = int.from_bytes(data[3:5], "little")
                    self._write(data[0], int.from_bytes(data[1:3], "little"), data[5 : 5 + length])
                    data = data[5 + length :]
            case _:
                everybody = packet.id == BROADCAST
                for motor in self.motors.values():
                    if (everybody or motor.id == packet.id) and not motor.silent:
                        answers += self._alone(motor, packet, address, length)
        return answers

    def _alone(self, motor, packet, address, length):
        if packet.instruction == Instruction.PING:
            return [self._status(motor, 0, bytes(motor.memory[0:2]) + bytes(motor.memory[6:7]))]
        if packet.instruction == Instruction.READ:
            return [self._status(motor, 0, bytes(motor.memory[address : address + length]))]
        if packet.instruction == Instruction.WRITE:
            return [self._status(motor, motor.write(address, packet.parameters[2:]), b"")]
        if packet.instruction == Instruction.REBOOT:
            motor.set("torque_enable", 0)
            motor.set("hardware_error_status", 0)
            motor.alert = False
            return [self._status(motor, 0, b"")]
        return []

    def _write(self, motor, address, data):
        if motor in self.motors and not self.motors[motor].silent:
            self.motors[motor].write(address, data)

    def _status(self, motor, error, data):
        return encode_status(motor.id, error | 0x80 * motor.alert, data)


def full_length(heard, full):
    """Return the start of a fast status packet that breaks off, with the LEN that the whole would have had."""
    frame = bytearray(full[:8])
    for motor, error, data in heard:
        frame += bytes((error, motor)) + data
        frame += umts(bytes(frame)).to_bytes(2, "little")
    return bytes(frame)


def joints(count, **changes):
    """Return joints a, b, c … like the pendulum's, with ids 1, 2, 3 …"""
    return {
        chr(ord("a") + index): PIVOT.model_copy(update={"id": index + 1, "zero": 0.0} | changes)
        for index in range(count)
    }


class Bench:
    """Motors, their bus and a driver for them."""

    def __init__(self, configs, firmware=46, **options):
        self.clock = VirtualClock()
        self.motors = [ScriptedMotor(config.id, firmware_version=firmware) for config in configs.values()]
        self.bus = ScriptedBus(self.motors, self.clock)
        self.driver = DynamixelBus(ROBOT.buses["main"], configs, ROBOT.safety, self.bus, self.clock, **options)

    def opened(self):
        self.driver.open()
        return self
