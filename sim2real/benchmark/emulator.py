"""Reply time of the emulator: fast sync reads of twelve motors over a pseudo-terminal while the plant runs."""

import os
import time
from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, encode
from sim2real.runtime.emulation import EmulatorProcess, emulator_process

BAR_MS = 2.0
"""Required upper bound of the p99 reply time on two cores, ms."""

_RETURN_DELAY, _TORQUE_ENABLE = 9, 64
_ADDRESS, _BYTES = 126, 10  # present current, velocity, position
_GROUP = 4  # bytes per motor: error, id and CRC
_PREFIX = 8  # bytes before the first motor: header, id, length and instruction
_TIMEOUT_NS = 50_000_000
_WARM_UP = 50


def bench_emulator(robot: str = "quadruped", rate: float = 200.0, seconds: float = 10.0) -> dict[str, Any]:
    """Measure the time from the first byte of a request to the last byte of its reply.

    All motors of the robot are on one bus at 4 Mbaud without return delay, and hold their pose. Requests are sent at a
    fixed rate while the MuJoCo plant runs in real time.

    Args:
        robot: A robot with Dynamixel motors.
        rate: Requests per second.
        seconds: Duration of the measurement.

    Raises:
        UserError: The robot has motors of another family.
    """
    config = _on_one_bus(load_robot(robot))
    with emulator_process(config, plant="mujoco") as emulator:
        replies, cpu, elapsed = _request(config, emulator, rate, seconds)
        warnings = emulator.warnings()
    milliseconds = np.array(replies) / 1e6
    p50, p99, p999 = np.percentile(milliseconds, [50, 99, 99.9])
    wire_ms = _wire_ms(config)
    return {
        "ratios": {"p99_over_bar": float(p99) / BAR_MS, "p50_over_wire_time": float(p50) / wire_ms},
        "figures": {
            "motors": len(config.joints),
            "requests": len(replies),
            "requests_per_s": rate,
            "wire_time_ms": wire_ms,
            "reply_p50_ms": float(p50),
            "reply_p99_ms": float(p99),
            "reply_p99_9_ms": float(p999),
            "reply_max_ms": float(milliseconds.max()),
            "emulator_cpu_share": cpu / elapsed,
            "warnings": warnings,
        },
    }


def _on_one_bus(robot: RobotConfig) -> RobotConfig:
    name, bus = next(iter(robot.buses.items()))
    if bus.protocol != "dynamixel2":
        raise UserError(f"bench emulator: robot {robot.name!r} must have Dynamixel motors; valid: quadruped, pendulum")
    joints = {joint: config.model_copy(update={"bus": name}) for joint, config in robot.joints.items()}
    buses = {name: bus.model_copy(update={"baudrate": 4e6})}
    return robot.model_copy(update={"joints": joints, "buses": buses, "imus": {}})


def _wire_ms(robot: RobotConfig) -> float:
    motors = len(robot.joints)
    request = _PREFIX + 4 + motors + 2  # address and length, ids, CRC
    reply = _PREFIX + motors * (_GROUP + _BYTES)
    return (request + reply) * 10 / 4e6 * 1e3


def _request(
    robot: RobotConfig, emulator: EmulatorProcess, rate: float, seconds: float
) -> tuple[list[int], float, float]:
    """Return the reply times, ns, the CPU time of the emulator, s, and the elapsed time, s."""
    clock = MonotonicClock()
    ids = [joint.id for joint in robot.joints.values()]
    port = SerialPort(next(iter(emulator.ports.values())), 4_000_000, clock)
    try:
        for address, value in ((_RETURN_DELAY, 0), (_TORQUE_ENABLE, 1)):
            values = b"".join(bytes((motor, value)) for motor in ids)
            port.write(encode(BROADCAST, Instruction.SYNC_WRITE, bytes((address, 0, 1, 0)) + values))
        request = encode(BROADCAST, Instruction.FAST_SYNC_READ, bytes((_ADDRESS, 0, _BYTES, 0, *ids)))
        length = _PREFIX + len(ids) * (_GROUP + _BYTES)
        _measure(port, clock, request, length, rate, _WARM_UP)
        begun, cpu = time.monotonic(), _cpu_seconds(emulator.pid)
        replies = _measure(port, clock, request, length, rate, max(1, round(rate * seconds)))
        return replies, _cpu_seconds(emulator.pid) - cpu, time.monotonic() - begun
    finally:
        port.close()


def _measure(
    port: SerialPort, clock: MonotonicClock, request: bytes, length: int, rate: float, count: int
) -> list[int]:
    buffer = memoryview(bytearray(4096))
    replies: list[int] = []
    due_ns = clock.now_ns()
    for _ in range(count):
        due_ns = max(due_ns + round(NS_PER_S / rate), clock.now_ns())
        clock.sleep_until_ns(due_ns)
        port.drain()
        begun_ns = clock.now_ns()
        port.write(request)
        got = 0
        while got < length:
            more = port.read_into(buffer, begun_ns + _TIMEOUT_NS)
            if not more:
                break
            got += more
        replies.append(clock.now_ns() - begun_ns if got >= length else _TIMEOUT_NS)
    return replies


def _cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
