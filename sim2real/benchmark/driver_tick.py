"""Benchmark of a family's driver without a port: CPU of one tick of read and write, beside that of another's driver.

The motors are emulated in this process, in lockstep, and the time in the transport is taken off: what is left is the
driver's own, after an emulator that has used the caches, as another process would. It needs no processor at any given
moment, so that a busy machine widens the spread, but makes nothing late.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import motor_family
from sim2real.hardware.types import JointCommand, JointState

_ROUNDS: Final = 16
_WARM: Final = 20  # ticks before the first is measured
_PERIOD_NS: Final = 10_000_000
_STEP: Final = 0.01  # rad
_US_PER_NS: Final = 1e-3

Tick = Callable[[], int]
"""One read and one write; returns the driver's CPU time, ns."""


class _Metered:
    """A transport that keeps the CPU time spent in it, ns."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.spent_ns = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        begun_ns = time.thread_time_ns()
        self._transport.write(data)
        self.spent_ns += time.thread_time_ns() - begun_ns

    def read_into(self, buffer: memoryview, deadline_ns: int) -> int:
        """Receive."""
        begun_ns = time.thread_time_ns()
        count = self._transport.read_into(buffer, deadline_ns)
        self.spent_ns += time.thread_time_ns() - begun_ns
        return count

    def drain(self) -> None:
        """Discard received bytes."""
        begun_ns = time.thread_time_ns()
        self._transport.drain()
        self.spent_ns += time.thread_time_ns() - begun_ns

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate."""
        self._transport.set_baudrate(baudrate)

    def close(self) -> None:
        """Release the port."""
        self._transport.close()


def bench_driver_tick(family: str, beside: str, motors: int, seconds: float) -> dict[str, Any]:
    """Measure two drivers in turns, each with as many motors.

    Args:
        family: Name of a motor family.
        beside: The other's.
        motors: Number of motors on the bus.
        seconds: Total CPU time, s, the emulator's included.

    Returns:
        `ratios`: `OTHER_cpu`, the cost of the other driver divided by this one's, round by round: the median, and the
        quartiles `_q1` and `_q3`. `figures`: microseconds a tick. `libraries`: none.

    Raises:
        UserError: No robot with motors of the family is shipped.
        HardwareError: A reading was missed.
    """
    sides = {name: _side(_robot(name, motors)) for name in dict.fromkeys((family, beside))}
    for tick in sides.values():
        _costs(tick, _WARM)
    rounds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(_ROUNDS):
        for name, tick in sides.items():
            rounds[name].append(float(np.median(_measured(tick, seconds / _ROUNDS / len(sides)))) * _US_PER_NS)
    figures = {
        f"{'driver' if name == family else name}_cpu{part}_us": float(value)
        for name, costs in rounds.items()
        for part, value in zip(("_q1", "", "_q3"), np.percentile(costs, (25, 50, 75)), strict=True)
    }
    shares = [other / own for other, own in zip(rounds[beside], rounds[family], strict=True)]
    low, median, high = np.percentile(shares, (25, 50, 75)).tolist()
    return {
        "ratios": {f"{beside}_cpu": median, f"{beside}_cpu_q1": low, f"{beside}_cpu_q3": high},
        "figures": figures | {"motors": float(motors)},
        "libraries": [],
    }


def _robot(family: str, motors: int) -> RobotConfig:
    """Return a robot with many copies of a joint of a shipped one, on one bus."""
    for robot in map(load_robot, shipped("robots")):
        joint = next(iter(robot.joints.values()))
        if joint.motor.family == family:
            joints = {f"joint_{number}": joint.model_copy(update={"id": number}) for number in range(1, motors + 1)}
            bus = {joint.bus: robot.buses[joint.bus]}
            bare: dict[str, Any] = {"model": None, "imus": {}, "feet": (), "tip": None, "mirror": None, "rest": None}
            return robot.model_copy(update=bare | {"joints": joints, "buses": bus})
    raise UserError(f"bench bus: no robot with motors of the family {family} is shipped")


def _side(robot: RobotConfig) -> Tick:
    """Open and enable a driver; return its tick."""
    clock = VirtualClock()
    emulated = EmulatedRobot(robot, InertiaPlant(robot))
    ((name, bus),) = robot.buses.items()
    transport = _Metered(lockstep_transports(emulated, clock)[name])
    family = motor_family(next(iter(robot.joints.values())).motor.family)
    driver = family.driver(bus, robot.joints, robot.safety, transport, clock)
    driver.open()
    driver.enable()
    state, command = JointState.empty(len(robot.joints)), JointCommand.zeros(len(robot.joints))
    command.position[:] = [joint.default_position for joint in robot.joints.values()]
    command.stiffness[:] = [joint.stiffness for joint in robot.joints.values()]
    command.damping[:] = [joint.damping for joint in robot.joints.values()]
    step = _STEP

    def tick() -> int:
        nonlocal step
        step = -step
        command.position[0] += step  # another goal in every tick
        clock.sleep_until_ns(clock.now_ns() + _PERIOD_NS)
        transport.spent_ns = 0
        begun_ns = time.thread_time_ns()
        driver.begin_read()
        driver.end_read(state)
        driver.write(command)
        cost_ns = time.thread_time_ns() - begun_ns - transport.spent_ns
        if not state.fresh.all():
            raise HardwareError("bench bus: a reading was missed in lockstep")
        return cost_ns

    return tick


def _costs(tick: Tick, ticks: int) -> list[int]:
    return [tick() for _ in range(ticks)]


def _measured(tick: Tick, seconds: float) -> list[int]:
    end = time.process_time() + seconds
    costs = _costs(tick, 1)
    while time.process_time() < end:
        costs.append(tick())
    return costs
