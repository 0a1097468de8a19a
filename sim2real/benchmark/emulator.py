"""Reply time of the emulator: group reads of all motors over a pseudo-terminal while the plant runs."""

import os
import time
from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.group_read import GroupRead
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
from sim2real.hardware.emulator.process import EmulatorProcess, emulate
from sim2real.hardware.families import motor_family

BAR_MS = 2.0
"""Required upper bound of the p99 reply time on two cores, ms."""

_BITS_PER_BYTE = 10  # 8N1
_TIMEOUT_NS = 50_000_000
_WARM_UP = 50


def bench_emulator(robot: str = "quadruped", rate: float = 200.0, seconds: float = 10.0) -> dict[str, Any]:
    """Measure the time from the first byte of a request to the last byte of its reply.

    All motors of the robot are on one bus at the protocol's fastest speed, and hold their pose. Requests are sent at a
    fixed rate while the MuJoCo plant runs in real time.

    Args:
        robot: A robot whose motors are of one family that has a group read.
        rate: Requests per second.
        seconds: Duration of the measurement.

    Raises:
        UserError: The robot's motors have no group read.
    """
    config, read = _on_one_bus(load_robot(robot))
    with emulate(config, plant="mujoco") as emulator:
        replies, cpu, elapsed = _request(read, emulator, rate, seconds)
        warnings = emulator.warnings()
    milliseconds = np.array(replies) / 1e6
    p50, p99, p999 = np.percentile(milliseconds, [50, 99, 99.9])
    wire_ms = (len(read.request) + read.reply_bytes) * _BITS_PER_BYTE / read.baudrate * 1e3
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


def _on_one_bus(robot: RobotConfig) -> tuple[RobotConfig, GroupRead]:
    families = sorted({joint.motor.family for joint in robot.joints.values()})
    ids = range(1, len(robot.joints) + 1)
    read = motor_family(families[0]).group_read(ids) if len(families) == 1 else None
    if read is None:
        raise UserError(
            f"bench emulator: robot {robot.name!r} has motors of {', '.join(families)}, which no single request asks; "
            "valid: quadruped, pendulum, so101"
        )
    name, bus = next(iter(robot.buses.items()))
    joints = {
        joint: config.model_copy(update={"bus": name, "id": motor})
        for motor, (joint, config) in zip(ids, robot.joints.items(), strict=True)
    }
    buses = {name: bus.model_copy(update={"baudrate": float(read.baudrate)})}
    safety = robot.safety.model_copy(update={"tilt_max": None})  # nothing measures it without the IMU
    return robot.model_copy(update={"joints": joints, "buses": buses, "imus": {}, "safety": safety}), read


def _request(read: GroupRead, emulator: EmulatorProcess, rate: float, seconds: float) -> tuple[list[int], float, float]:
    """Return the reply times, ns, the CPU time of the emulator, s, and the elapsed time, s."""
    clock = MonotonicClock()
    port = SerialPort(next(iter(emulator.ports.values())), read.baudrate, clock)
    try:
        for frame in read.set_up:
            port.write(frame)
        _measure(port, clock, read, rate, _WARM_UP)
        begun, cpu = time.monotonic(), _cpu_seconds(emulator.pid)
        replies = _measure(port, clock, read, rate, max(1, round(rate * seconds)))
        return replies, _cpu_seconds(emulator.pid) - cpu, time.monotonic() - begun
    finally:
        port.close()


def _measure(port: SerialPort, clock: MonotonicClock, read: GroupRead, rate: float, count: int) -> list[int]:
    buffer = memoryview(bytearray(4096))
    replies: list[int] = []
    due_ns = clock.now_ns()
    for _ in range(count):
        due_ns = max(due_ns + round(NS_PER_S / rate), clock.now_ns())
        clock.sleep_until_ns(due_ns)
        port.drain()
        begun_ns = clock.now_ns()
        port.write(read.request)
        got = 0
        while got < read.reply_bytes:
            more = port.read_into(buffer, begun_ns + _TIMEOUT_NS)
            if not more:
                break
            got += more
        replies.append(clock.now_ns() - begun_ns if got >= read.reply_bytes else _TIMEOUT_NS)
    return replies


def _cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
