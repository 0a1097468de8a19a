"""A bench for tests: emulated moteus controllers in lockstep, with the driver or with bare lines in front of them."""

from collections.abc import Callable

from pydantic import TypeAdapter

from sim2real.configs.load import load_motor, load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.moteus.frame import Subframe, subframes
from sim2real.hardware.moteus.lines import Line, LineBuffer, decode_line, encode_send
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState

TICK_NS = 10_000_000
MS = 1_000_000


def moteus_robot(joints: int = 1, motor: str = "moteus_r4_mj5208", **updates: object) -> RobotConfig:
    """So many controllers behind one adapter, ids from 1; updates go to each joint."""
    base = load_robot("pendulum")
    pivot = base.joints["pivot"]
    changes: dict[str, object] = {
        "motor": load_motor(motor),
        "mode": "impedance",
        "zero": 0.0,
        "effort_limit": 1.5,
        "stiffness": 4.0,
        "damping": 0.05,
        "velocity_limit": 40.0,
    }
    names = [f"joint{number}" for number in range(1, joints + 1)]
    buses = {"main": base.buses["main"].model_copy(update={"protocol": "moteus", "baudrate": 921_600.0})}
    return base.model_copy(
        update={
            "joints": {n: pivot.model_copy(update=changes | {"id": i} | updates) for i, n in enumerate(names, 1)},
            "buses": buses,
            "supply_voltage": 24.0,
        }
    )


class MoteusRig:
    """The driver in lockstep with emulated controllers behind it."""

    def __init__(self, joints: int = 1, *entries: dict, **updates: object) -> None:
        faults = TypeAdapter(FaultsConfig).validate_python({"name": "test", "seed": 1, "faults": list(entries)})
        self.config = moteus_robot(joints, **updates)
        self.plant = InertiaPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant, faults)
        self.clock = VirtualClock()
        self.transports = lockstep_transports(self.emulated, self.clock)
        self.hardware = RobotHardware(self.config, self.transports, self.clock)
        self.motors = list(self.emulated.motors.values())
        self.state = JointState.empty(joints)
        self.command = JointCommand.zeros(joints)

    def enabled(self) -> "MoteusRig":
        self.hardware.open()
        self.hardware.read(self.state)
        self.command.position[:] = self.state.position
        self.hardware.enable()
        return self

    def ticks(self, count: int, each: Callable[[], None] = lambda: None, write: bool = True) -> None:
        for _ in range(count):
            deadline_ns = self.clock.now_ns() + TICK_NS
            self.hardware.read(self.state)
            each()
            if write:
                self.hardware.write(self.command)
            self.clock.sleep_until_ns(deadline_ns)
        self.settle()

    def wait(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.settle()

    def settle(self) -> None:
        self.emulated.advance_to(self.clock.now_ns())


class LineBench:
    """Bare lines to emulated controllers."""

    def __init__(self, joints: int = 1, **updates: object) -> None:
        self.config = moteus_robot(joints, **updates)
        self.plant = InertiaPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant)
        self.clock = VirtualClock()
        self.transport = lockstep_transports(self.emulated, self.clock)["main"]
        self.motors = list(self.emulated.motors.values())

    def say(self, text: bytes, timeout_ns: int = MS) -> list[bytes]:
        """Send bytes; return the lines that come until none has for the timeout."""
        self.transport.write(text)
        lines, buffer, heard = LineBuffer(), bytearray(4096), []
        while count := self.transport.read_into(memoryview(buffer), self.clock.now_ns() + timeout_ns):
            heard += lines.feed(buffer[:count])
        return heard

    def ask(self, data: bytes, motor: int = 1, reply: bool = True) -> list[Line]:
        """Send a frame; return the lines of the adapter."""
        return [decode_line(line) for line in self.say(encode_send(reply << 15 | motor, data, checksum=True))]

    def answer(self, data: bytes, motor: int = 1) -> list[Subframe]:
        """Send a frame; return the subframes of the one answer."""
        (frame,) = [line.frame for line in self.ask(data, motor) if line.frame is not None]
        assert frame.source == motor
        return list(subframes(frame.data))

    def values(self, data: bytes, motor: int = 1) -> dict[int, float]:
        """Send a frame; return the numbers of the answer by register."""
        return {subframe.register: subframe.value for subframe in self.answer(data, motor)}

    def wait(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.emulated.advance_to(self.clock.now_ns())
