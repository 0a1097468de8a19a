"""Feetech motors for tests: a robot of them, in lockstep with a client of bare packets, or served in real time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from served import serving

from sim2real.configs.load import load_motor, load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant, Plant
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.feetech.frame import BROADCAST, Decoder, Instruction, Packet, encode
from sim2real.hardware.feetech.tables import sts_table
from sim2real.hardware.supervisor.process import SupervisorProcess
from sim2real.hardware.supervisor.supervisor import Watched

MS = 1_000_000
TIMEOUT_NS = 20 * MS
# The laws here are of firmware and protocol: in a gear train with less friction the motor stops within a step of its
# goal, and what it does follows from its registers.
MOTOR = load_motor(
    "sts3215_12v", ("friction.coulomb=0.052 N*m", "friction.viscous=0.059 N*m*s/rad", "armature=0.0284 kg*m^2")
)
TABLE = sts_table(MOTOR)


def sts_robot(joints: int = 1, watchdog: float = 0.1, **updates: object) -> RobotConfig:
    """So many STS3215 on one bus at 1 Mbaud, ids from 1, zero at the centre; updates go to each joint."""
    base = load_robot("pendulum")
    joint = base.joints["pivot"].model_copy(
        update={
            "motor": MOTOR,
            "mode": "position",
            "zero": 3.141592653589793,
            "position_limits": (-2.5, 2.5),
            "velocity_limit": 4.0,
            "effort_limit": 2.9,
            "stiffness": 0.0,  # the factory's gains
        }
        | updates
    )
    names = ["pivot", *(f"joint{number}" for number in range(2, joints + 1))]
    bus = base.buses["main"].model_copy(update={"protocol": "feetech", "baudrate": 1e6})
    return base.model_copy(
        update={
            "buses": {"main": bus},
            "safety": base.safety.model_copy(update={"watchdog": watchdog}),
            "joints": {name: joint.model_copy(update={"id": i}) for i, name in enumerate(names, 1)},
        }
    )


class Bench:
    """One bus of an emulated robot, and its client."""

    def __init__(
        self, joints: int = 1, plant: type[Plant] = InertiaPlant, faults: FaultsConfig | None = None, **updates
    ):
        self.config = sts_robot(joints, **updates)
        self.plant = plant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant, faults)
        self.clock = VirtualClock()
        self.transport = lockstep_transports(self.emulated, self.clock)["main"]
        self.motor = self.emulated.motors["pivot"]

    def listen(self, timeout_ns: int = TIMEOUT_NS) -> list[Packet]:
        """Everything that arrives until nothing has for the timeout."""
        decoder, buffer, replies = Decoder(), bytearray(4096), []
        while count := self.transport.read_into(memoryview(buffer), self.clock.now_ns() + timeout_ns):
            replies += decoder.feed(bytes(buffer[:count]))
        return replies

    def ask(self, instruction: int, parameters: bytes = b"", to: int = 1) -> Packet | None:
        """The first reply, None if none comes."""
        self.transport.write(encode(to, instruction, parameters))
        buffer = bytearray(4096)
        count = self.transport.read_into(memoryview(buffer), self.clock.now_ns() + TIMEOUT_NS)
        packets = Decoder().feed(bytes(buffer[:count]))
        return packets[0] if packets else None

    def read(self, name: str, to: int = 1) -> int:
        register = TABLE[name]
        reply = self.ask(Instruction.READ, bytes((register.address, register.size)), to)
        assert reply is not None
        return register.decode(reply.parameters)

    def write(self, name: str, value: int, to: int = 1) -> int:
        """Return the error byte of the reply."""
        register = TABLE[name]
        reply = self.ask(Instruction.WRITE, bytes((register.address,)) + register.encode(value), to)
        assert reply is not None
        return reply.code

    def sync_read(self, name: str, ids: list[int]) -> list[Packet]:
        register = TABLE[name]
        self.transport.write(encode(BROADCAST, Instruction.SYNC_READ, bytes((register.address, register.size, *ids))))
        return self.listen()

    def wait(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.emulated.advance_to(self.clock.now_ns())


@contextmanager
def served(joints: int = 1, faults: FaultsConfig | None = None, **updates: object) -> Iterator[PtyServer]:
    """Serve in a thread until the block ends; `.emulated` of the server is for looking at only."""
    with serving(sts_robot(joints, **updates), faults) as server:
        yield server


class SupervisedPort(SerialPort):
    """A serial port that remembers its supervisor."""

    supervisor: SupervisorProcess

    def start_supervisor(self, ports: Sequence[Watched], limit_ns: int) -> SupervisorProcess:
        self.supervisor = super().start_supervisor(ports, limit_ns)
        return self.supervisor
