"""Laws of the guardian over a pseudo-terminal: it switches torque off when the driver's process dies or stalls."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import feetech_bench
import pytest
from feetech_bench import GuardedPort, served, sts_robot

from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.guardian.guardian import GuardianProcess
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState, MotorFault

pytestmark = pytest.mark.realtime

BOUND_S = 0.1
SLACK_S = 1.0  # the machine may be busy with anything; the bound itself is measured on a quiet one

# A runtime that holds torque and ticks until it is stopped from outside.
RUNTIME = """
import sys, time
sys.path.insert(0, sys.argv[2])
from feetech_bench import GuardedPort, sts_robot
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState
config, clock = sts_robot(2, watchdog=WATCHDOG), MonotonicClock()
port = GuardedPort(sys.argv[1], 1_000_000, clock)
hardware = RobotHardware(config, {"main": port}, clock)
state, command = JointState.empty(2), JointCommand.zeros(2)
hardware.open()
hardware.read(state)
command.position[:] = state.position
hardware.enable()
print("enabled", port.guardian.pid, flush=True)
while True:
    hardware.read(state)
    hardware.write(command)
    time.sleep(0.005)
"""


@contextmanager
def runtime(path: str, watchdog: str = "0.1") -> Iterator[tuple[subprocess.Popen, int]]:
    """Start a process that holds torque on both motors of a served robot; return it and its guardian's process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNTIME.replace("WATCHDOG", watchdog), path, os.path.dirname(feetech_bench.__file__)],
        stdout=subprocess.PIPE,
    )
    try:
        assert select.select([process.stdout], [], [], 60)[0]
        word, pid = process.stdout.readline().split()
        assert word == b"enabled"
        yield process, int(pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for(condition, timeout_s: float = 20.0) -> float:
    """Return the seconds until a condition holds."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < timeout_s
        time.sleep(0.001)
    return time.monotonic() - start


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV])
def test_torque_goes_off_when_the_runtime_dies_or_hangs(end):
    with served(2) as server:
        motors = list(server.emulated.motors.values())
        with runtime(server.ports["main"]) as (process, guardian):
            wait_for(lambda: all(motor.torque_enabled for motor in motors))
            process.send_signal(end)
            took = wait_for(lambda: not any(motor.torque_enabled for motor in motors))
            assert took < BOUND_S + SLACK_S
            wait_for(lambda: not alive(guardian))


def test_guardian_outlives_the_signals_of_a_terminal():
    with served(2) as server:
        motors = list(server.emulated.motors.values())
        with runtime(server.ports["main"]) as (process, guardian):
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(guardian, name)
            time.sleep(0.05)
            assert alive(guardian)
            assert os.getpgid(guardian) != os.getpgid(process.pid)
            process.kill()
            wait_for(lambda: not any(motor.torque_enabled for motor in motors))


def test_close_stops_the_guardian_and_a_stalled_driver_sees_that_it_tripped():
    config, clock = sts_robot(2), MonotonicClock()
    with served(2) as server:
        motors = list(server.emulated.motors.values())
        port = GuardedPort(server.ports["main"], 1_000_000, clock)
        hardware = RobotHardware(config, {"main": port}, clock)
        state, command = JointState.empty(2), JointCommand.zeros(2)
        hardware.open()
        hardware.read(state)
        command.position[:] = state.position
        hardware.enable()
        assert all(motor.torque_enabled for motor in motors)
        pid = port.guardian.pid
        wait_for(lambda: not any(motor.torque_enabled for motor in motors))  # no feed
        hardware.read(state)
        assert (state.faults & MotorFault.WATCHDOG).all()
        hardware.write(command)
        assert hardware.counters.writes == 0  # no goals are sent after the guardian tripped
        wait_for(lambda: not alive(pid))
        hardware.enable()
        fresh = port.guardian.pid
        assert fresh != pid
        assert alive(fresh)
        hardware.close()
        assert not alive(fresh)
        assert not any(motor.torque_enabled for motor in motors)


def test_guardian_that_is_killed_is_a_fault():
    config, clock = sts_robot(1, watchdog=2.0), MonotonicClock()
    with served(1) as server:
        port = GuardedPort(server.ports["main"], 1_000_000, clock)
        hardware = RobotHardware(config, {"main": port}, clock)
        state = JointState.empty(1)
        hardware.open()
        hardware.enable()
        os.kill(port.guardian.pid, signal.SIGKILL)

        def seen() -> bool:
            hardware.read(state)
            return bool(state.faults[0])

        wait_for(seen)
        hardware.close()


def test_fire_sends_the_frames_and_stop_does_not():
    for act, expected in (("stop", b""), ("fire", b"off")):
        read, write = os.pipe()
        guardian = GuardianProcess(write, b"off", 10**11)
        getattr(guardian, act)()
        getattr(guardian, act)()
        os.close(write)
        assert os.read(read, 3) == expected
        os.close(read)


def test_guardian_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(HardwareError, match="guardian"):
        GuardianProcess(0, b"", 10**9)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(HardwareError, match="guardian"):
        GuardianProcess(0, b"", 10**9)


def test_guardian_is_not_bound_to_the_processor_of_its_driver():
    everywhere = os.sched_getaffinity(0)
    read, write = os.pipe()
    try:
        os.sched_setaffinity(0, {min(everywhere)})
        guardian = GuardianProcess(write, b"", 10**11)
        assert os.sched_getaffinity(guardian.pid) == everywhere
        guardian.stop()
    finally:
        os.sched_setaffinity(0, everywhere)
        os.close(read)
        os.close(write)
