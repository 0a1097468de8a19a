"""A whole run in lockstep in which something happens at any call of the clock or any write: a stop, for example."""

from collections.abc import Callable

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.port import Port
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.runtime.policy import load_policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session

POLICIES = {
    "pendulum": "pendulum_swingup",
    "quadruped": "quadruped_walk",
    "so101": "so101_reach",
    "hopper_leg": "hopper_hop",
}


class CountingClock(VirtualClock):
    """Calls a function whenever the time is asked for, or slept."""

    def __init__(self, happen: Callable[[], None]) -> None:
        super().__init__(1_000_000_000)
        self._happen = happen

    def now_ns(self) -> int:
        self._happen()
        return super().now_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        self._happen()
        super().sleep_until_ns(deadline_ns)


class Interrupted:
    """One robot, and the number of the event at which something happens.

    Args:
        name: A shipped robot.
        at: Number of the event, from 1; none with 0.
        act: What happens, with this object as its argument.
        overrides: Of the robot.
    """

    def __init__(
        self,
        name: str,
        at: int = 0,
        act: Callable[["Interrupted"], None] = lambda _: None,
        overrides: tuple[str, ...] = (),
    ) -> None:
        self.robot: RobotConfig = load_robot(name, overrides)
        self.policy = load_policy(POLICIES[name])
        self.events = 0
        self.driven_then: set[str] | None = None
        """Motors with torque when it happened."""
        self.switched_on_after = 0
        """Frames after it that gave a motor torque which had none."""
        self._at, self._act = at, act
        self.clock = CountingClock(self.happen)
        self.emulated = EmulatedRobot(self.robot, InertiaPlant(self.robot), start_ns=1_000_000_000)
        ports = {key: _Port(self, port) for key, port in self.emulated.ports.items()}
        self.hardware = RobotHardware(self.robot, ports, self.clock)
        self.options = RunOptions(duration=0.1)

    def driven(self) -> set[str]:
        return {name for name, motor in self.emulated.motors.items() if motor.torque_enabled}

    def happen(self) -> None:
        self.events += 1
        if self.events == self._at:
            self.driven_then = self.driven()
            self._act(self)

    def run(self) -> RunReport:
        return run_session(self.policy, self.robot, self.hardware, self.clock, self.options)


class _Port(LockstepTransport):
    """A port of which each write is an event."""

    def __init__(self, bench: Interrupted, port: Port) -> None:
        super().__init__(bench.emulated, port, bench.clock)
        self._bench = bench

    def write(self, data: bytes | bytearray | memoryview) -> None:
        before = self._bench.driven()
        happened = self._bench.driven_then is not None
        self._bench.happen()
        super().write(data)
        if happened and self._bench.driven() - before:
            self._bench.switched_on_after += 1

    def write_now(self, data: bytes) -> bool:
        self._bench.happen()
        return super().write_now(data)
