"""Benchmark of the Dynamixel driver against other libraries: cost of one tick of read and write.

The others are the vendor's SDK with fast sync read (dev extra) and, if installed, the raw fast sync read of rustypot,
which is written in Rust. All use the same motors, which only store registers, behind a pseudo-terminal in another
process. CPU time is of this process only; wall time includes the peer and the scheduler.
"""

import importlib.util
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import dynamixel_sdk as sdk
import numpy as np

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.dynamixel.benchmark import peer
from sim2real.hardware.dynamixel.driver import DynamixelBus
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.types import JointCommand, JointState

_ROUNDS = 16  # the sides alternate, so that load on the machine affects all of them
_ADDRESS, _BYTES = 126, 10  # present current, velocity, position
_GOAL_ADDRESS, _GOAL_BYTES = 102, 2
_US_PER_S = 1e6
_FAILED_SHARE_MAX = 0.1
_PREFIXES = {"dynamixel_sdk": "", "rustypot": "rustypot_"}


def bench_tick(motors: int, seconds: float) -> dict[str, Any]:
    """Measure the drivers alternately on the same bus.

    Args:
        motors: Number of motors on the bus.
        seconds: Total wall time, s.

    Returns:
        `ratios`: cost of the others divided by ours; without a name it is the vendor's SDK. Those of CPU time are
        taken round by round: the median, and the quartiles `_q1` and `_q3`. `figures`: microseconds per tick.
        `libraries`: the compared distributions.

    Raises:
        HardwareError: The bus did not answer as expected.
    """
    pivot = load_robot("pendulum").joints["pivot"]
    joints = {f"joint_{motor}": pivot.model_copy(update={"id": motor}) for motor in range(1, motors + 1)}
    sides: dict[str, Callable[[str], AbstractContextManager[Callable[[], None]]]] = {
        "driver": lambda path: _our_tick(path, joints),
        "dynamixel_sdk": lambda path: _sdk_tick(path, motors),
    }
    if importlib.util.find_spec("rustypot") is not None:
        sides["rustypot"] = lambda path: _rustypot_tick(path, motors)
    rounds: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in sides}
    with _peer(joints) as path:
        for _ in range(_ROUNDS):
            for name, side in sides.items():
                with side(path) as tick:
                    rounds[name].append(_measure(tick, seconds / _ROUNDS / len(sides)))
    figures = {key: value for name, own in rounds.items() for key, value in _figures(name, own).items()}
    ratios: dict[str, float] = {}
    for name, prefix in _PREFIXES.items():
        if name in sides:
            pairs = zip(rounds[name], rounds["driver"], strict=True)
            ratios |= _ratios(prefix, figures, name, [their / own for (their, _), (own, _) in pairs])
    return {
        "ratios": ratios,
        "figures": figures | {"motors": float(motors)},
        "libraries": ["dynamixel-sdk", "rustypot"],
    }


@contextmanager
def _peer(joints: dict[str, JointConfig]) -> Iterator[str]:
    """Start the peer; yield the path of its port."""
    motor_type = next(iter(joints.values())).motor.name
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*PYTHON, "-m", peer.__name__, str(len(joints)), motor_type],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        path = process.stdout.readline().strip() if process.stdout is not None else ""
        if not path:
            raise HardwareError("the benchmark's peer did not start")
        yield path
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _our_tick(path: str, joints: dict[str, JointConfig]) -> Iterator[Callable[[], None]]:
    robot = load_robot("pendulum")
    clock = MonotonicClock()
    bus = next(iter(robot.buses.values()))
    driver = DynamixelBus(bus, joints, robot.safety, SerialPort(path, round(bus.baudrate), clock), clock)
    driver.open()
    state, command = JointState.empty(len(joints)), JointCommand.zeros(len(joints))

    def tick() -> None:
        driver.read(state)
        command.effort[0] = -command.effort[0] + 0.01
        driver.write(command)

    yield tick
    missed = sum(driver.counters.by_joint.values())
    driver.close()
    if missed:
        raise HardwareError(f"the benchmark missed {missed} readings")


@contextmanager
def _sdk_tick(path: str, motors: int) -> Iterator[Callable[[], None]]:
    port = sdk.PortHandler(path)
    if not (port.openPort() and port.setBaudRate(1_000_000)):
        raise HardwareError(f"dynamixel-sdk cannot open {path}")
    handler = sdk.PacketHandler(2.0)
    reader = sdk.GroupSyncRead(port, handler, _ADDRESS, _BYTES)
    writer = sdk.GroupSyncWrite(port, handler, _GOAL_ADDRESS, _GOAL_BYTES)
    ids = range(1, motors + 1)
    for motor in ids:
        reader.addParam(motor)

    ticks = failed = 0

    def tick() -> None:
        nonlocal ticks, failed
        ticks += 1
        if reader.fastSyncRead() != sdk.COMM_SUCCESS:  # on a busy machine its own wait of a few milliseconds is short
            failed += 1
            return
        for motor in ids:
            reader.getData(motor, 126, 2)
            reader.getData(motor, 128, 4)
            reader.getData(motor, 132, 4)
        for motor in ids:
            writer.addParam(motor, [0, 0])
        writer.txPacket()
        writer.clearParam()

    try:
        yield tick
    finally:
        port.closePort()
    if failed > _FAILED_SHARE_MAX * ticks:
        raise HardwareError(f"dynamixel-sdk: {failed} of {ticks} fast sync reads failed")


@contextmanager
def _rustypot_tick(path: str, motors: int) -> Iterator[Callable[[], None]]:
    import rustypot

    controller = rustypot.Xl330PyController(path, 1_000_000, 0.1)
    controller.set_fast_sync_read(True)
    ids = list(range(1, motors + 1))
    goals = [[0, 0] for _ in ids]

    def tick() -> None:
        controller.sync_read_raw_data(ids, _ADDRESS, _BYTES)
        controller.sync_write_raw_data(ids, _GOAL_ADDRESS, goals)

    yield tick
    controller.close()


def _measure(tick: Callable[[], None], seconds: float) -> tuple[float, list[float]]:
    """Return the mean CPU time per tick, and the wall time of every tick, µs."""
    for _ in range(20):
        tick()
    walls: list[float] = []
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    before = time.perf_counter()
    while before < end:
        tick()
        after = time.perf_counter()
        walls.append((after - before) * _US_PER_S)
        before = after
    return (time.process_time() - cpu) / len(walls) * _US_PER_S, walls


def _ratios(prefix: str, figures: dict[str, float], name: str, cpu: list[float]) -> dict[str, float]:
    """Return what another library costs in our costs; `cpu` has a ratio for each round."""
    low, median, high = np.percentile(cpu, (25, 50, 75)).tolist()
    walls = {
        f"{prefix}wall_{part}": figures[f"{name}_wall_{part}_us"] / figures[f"driver_wall_{part}_us"]
        for part in ("p50", "p99")
    }
    return {f"{prefix}cpu": median, f"{prefix}cpu_q1": low, f"{prefix}cpu_q3": high} | walls


def _figures(name: str, rounds: list[tuple[float, list[float]]]) -> dict[str, float]:
    walls = np.concatenate([wall for _, wall in rounds])
    low, median, high = np.percentile([cpu for cpu, _ in rounds], (25, 50, 75)).tolist()
    return {
        f"{name}_cpu_us": median,
        f"{name}_cpu_q1_us": low,
        f"{name}_cpu_q3_us": high,
        f"{name}_wall_p50_us": float(np.percentile(walls, 50)),
        f"{name}_wall_p99_us": float(np.percentile(walls, 99)),
    }
