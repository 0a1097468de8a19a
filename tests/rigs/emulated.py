"""A bench for tests: an emulated robot in lockstep, and a client that speaks bare packets to it."""

from dataclasses import dataclass

import numpy as np

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.dynamixel.frame import BROADCAST, Decoder, Instruction, Packet, encode
from sim2real.hardware.dynamixel.tables import x_series_table
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant, Plant
from sim2real.hardware.emulator.robot import EmulatedRobot

MS = 1_000_000
TIMEOUT_NS = 20 * MS


def robot_of(joints: int = 1, **updates: object) -> RobotConfig:
    """The pendulum's motor so many times on one bus, ids from 1; updates go to each joint."""
    base = load_robot("pendulum")
    pivot = base.joints["pivot"]
    names = ["pivot", *(f"joint{number}" for number in range(2, joints + 1))]
    return base.model_copy(
        update={"joints": {name: pivot.model_copy(update={"id": i, **updates}) for i, name in enumerate(names, 1)}}
    )


class HeldPlant:
    """A shaft in a vice: it turns as it is told, whatever torque is on it."""

    timestep_ns = MS

    def __init__(self, robot: RobotConfig) -> None:
        self.position = np.zeros(len(robot.joints))
        self.velocity = np.zeros(len(robot.joints))

    def step(self, effort) -> None:
        self.position += self.velocity * 1e-3


@dataclass
class Reply:
    id: int
    error: int
    data: bytes
    arrived_ns: int

    @property
    def value(self) -> int:
        return int.from_bytes(self.data, "little", signed=True)


class Bench:
    """One bus of an emulated robot, and its client."""

    def __init__(self, joints: int = 1, plant: type[Plant] = InertiaPlant, faults: FaultsConfig | None = None, seed=0):
        self.config = robot_of(joints)
        self.emulated = EmulatedRobot(self.config, plant(self.config), faults, seed)
        self.clock = VirtualClock()
        self.transport = lockstep_transports(self.emulated, self.clock)["main"]
        self.motor = self.emulated.motors["pivot"]
        self.table = x_series_table(self.config.joints["pivot"].motor)
        self.heard = bytearray()

    def listen(self, timeout_ns: int = TIMEOUT_NS) -> list[Reply]:
        """Everything that arrives until nothing has for the timeout."""
        decoder, buffer, replies = Decoder(), bytearray(4096), []
        while count := self.transport.read_into(memoryview(buffer), self.clock.now_ns() + timeout_ns):
            self.heard += buffer[:count]
            replies += [_reply(packet, self.clock.now_ns()) for packet in decoder.feed(bytes(buffer[:count]))]
        return replies

    def send(self, instruction: int, parameters: bytes = b"", to: int = 1) -> None:
        self.transport.write(encode(to, instruction, parameters))

    def ask(self, instruction: int, parameters: bytes = b"", to: int = 1) -> Reply | None:
        """The first reply, None if none comes."""
        self.send(instruction, parameters, to)
        buffer = bytearray(4096)
        count = self.transport.read_into(memoryview(buffer), self.clock.now_ns() + TIMEOUT_NS)
        self.heard += buffer[:count]
        packets = Decoder().feed(bytes(buffer[:count]))
        return _reply(packets[0], self.clock.now_ns()) if packets else None

    def block(self, name: str) -> bytes:
        register = self.table[name]
        return register.address.to_bytes(2, "little") + register.size.to_bytes(2, "little")

    def value(self, name: str, value: int) -> bytes:
        register = self.table[name]
        return register.address.to_bytes(2, "little") + register.encode(value)

    def read(self, name: str, to: int = 1) -> int:
        reply = self.ask(Instruction.READ, self.block(name), to)
        assert reply is not None
        assert reply.error & 0x7F == 0
        return self.table[name].decode(reply.data)

    def write(self, name: str, value: int, to: int = 1) -> int:
        """Return the error of the reply."""
        reply = self.ask(Instruction.WRITE, self.value(name, value), to)
        assert reply is not None
        return reply.error & 0x7F

    def sync_read(self, name: str, ids: list[int], instruction: int = Instruction.SYNC_READ) -> list[Reply]:
        self.send(instruction, self.block(name) + bytes(ids), BROADCAST)
        return self.listen()

    def wait(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.emulated.advance_to(self.clock.now_ns())

    def torque_on(self, mode: int) -> None:
        assert self.write("torque_enable", 0) == 0
        assert self.write("operating_mode", mode) == 0
        assert self.write("torque_enable", 1) == 0


def _reply(packet: Packet, now_ns: int) -> Reply:
    assert packet.error is not None
    return Reply(packet.id, packet.error, packet.parameters, now_ns)
