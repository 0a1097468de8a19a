"""Laws of the supervisor over a pseudo-terminal: it switches torque off when the driver's process dies or stalls."""

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import feetech_bench
import pytest
from feetech_bench import SupervisedPort, served, sts_robot

from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.supervisor import program
from sim2real.hardware.supervisor.process import SupervisorProcess
from sim2real.hardware.supervisor.supervisor import Plan
from sim2real.hardware.types import JointCommand, JointState, MotorFault, Supervision

pytestmark = pytest.mark.realtime

BOUND_S = 0.1
SLACK_S = 1.0  # the machine may be busy with anything; the bound itself is measured on a quiet one

# A runtime that holds torque and ticks until it is stopped from outside.
RUNTIME = """
import sys, time
sys.path.insert(0, sys.argv[2])
from feetech_bench import SupervisedPort, sts_robot
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState
config, clock = sts_robot(2, watchdog=WATCHDOG), MonotonicClock()
port = SupervisedPort(sys.argv[1], 1_000_000, clock)
hardware = RobotHardware(config, {"main": port}, clock)
state, command = JointState.empty(2), JointCommand.zeros(2)
hardware.open()
hardware.read(state)
command.position[:] = state.position
hardware.enable()
print("enabled", port.supervisor.pid, flush=True)
while True:
    hardware.read(state)
    hardware.write(command)
    time.sleep(0.005)
"""


@contextmanager
def runtime(path: str, watchdog: str = "0.1") -> Iterator[tuple[subprocess.Popen, int]]:
    """Start a process that holds torque on both motors of a served robot; return it and its supervisor's process id."""
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
        with runtime(server.ports["main"]) as (process, supervisor):
            wait_for(lambda: all(motor.torque_enabled for motor in motors))
            process.send_signal(end)
            took = wait_for(lambda: not any(motor.torque_enabled for motor in motors))
            assert took < BOUND_S + SLACK_S
            wait_for(lambda: not alive(supervisor))


def test_supervisor_outlives_the_signals_of_a_terminal():
    with served(2) as server:
        motors = list(server.emulated.motors.values())
        with runtime(server.ports["main"]) as (process, supervisor):
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(supervisor, name)
            time.sleep(0.05)
            assert alive(supervisor)
            assert os.getpgid(supervisor) != os.getpgid(process.pid)
            process.kill()
            wait_for(lambda: not any(motor.torque_enabled for motor in motors))


def test_close_stops_the_supervisor_and_a_stalled_driver_sees_that_it_tripped():
    config, clock = sts_robot(2), MonotonicClock()
    with served(2) as server:
        motors = list(server.emulated.motors.values())
        port = SupervisedPort(server.ports["main"], 1_000_000, clock)
        hardware = RobotHardware(config, {"main": port}, clock)
        state, command = JointState.empty(2), JointCommand.zeros(2)
        hardware.open()
        hardware.read(state)
        command.position[:] = state.position
        hardware.enable()
        assert all(motor.torque_enabled for motor in motors)
        pid = port.supervisor.pid
        wait_for(lambda: not any(motor.torque_enabled for motor in motors))  # no feed
        hardware.read(state)
        assert (state.faults & MotorFault.WATCHDOG).all()
        hardware.write(command)
        assert hardware.counters.writes == 0  # no goals are sent after the supervisor tripped
        wait_for(lambda: not alive(pid))
        hardware.enable()
        fresh = port.supervisor.pid
        assert fresh != pid
        assert alive(fresh)
        hardware.close()
        assert not alive(fresh)
        assert not any(motor.torque_enabled for motor in motors)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_supervisor_that_is_killed_or_stopped_is_noticed_without_a_system_call(end):
    config, clock = sts_robot(1, watchdog=2.0), MonotonicClock()
    with served(1) as server:
        port = SupervisedPort(server.ports["main"], 1_000_000, clock)
        hardware = RobotHardware(config, {"main": port}, clock)
        hardware.open()
        assert hardware.supervision is Supervision.NONE
        hardware.enable()
        wait_for(lambda: hardware.supervision is Supervision.WATCHING)
        os.kill(port.supervisor.pid, end)
        wait_for(lambda: hardware.supervision is Supervision.LOST)
        hardware.close()
        assert hardware.supervision is Supervision.NONE
        assert not alive(port.supervisor.pid)
        assert not any(motor.torque_enabled for motor in server.emulated.motors.values())


def test_its_plan_decides_what_a_death_sends_and_a_stop_sends_nothing():
    for plan, expected in ((None, b"off"), (Plan.OFF, b"off"), (Plan.DEATH, b"damp")):
        read, write = os.pipe()
        supervisor = SupervisorProcess([(write, b"off", b"damp")], 30_000_000)
        if plan is not None:
            supervisor.plan(plan)
        wait_for(lambda supervisor=supervisor: supervisor.tripped)
        assert os.read(read, len(expected)) == expected
        supervisor.stop()
        os.close(write)
        os.close(read)
    read, write = os.pipe()
    supervisor = SupervisorProcess([(write, b"off", b"damp")], 10**11)
    supervisor.stop()
    supervisor.stop()
    os.close(write)
    assert os.read(read, 3) == b""
    os.close(read)


def test_a_port_that_takes_nothing_delays_no_other():
    blocked, near = pty.openpty()
    os.set_blocking(near, False)
    with suppress(BlockingIOError):
        while True:
            os.write(near, bytes(1000))
    read, write = os.pipe()
    supervisor = SupervisorProcess([(near, b"off", b""), (write, b"off", b"")], 30_000_000)
    assert select.select([read], [], [], 20)[0]
    wait_for(lambda: supervisor.tripped)
    got = b""
    while len(got) < 36:
        got += os.read(read, 36)
    assert got == b"off" * 12
    supervisor.stop()
    for descriptor in (blocked, near, read, write):
        os.close(descriptor)


def test_it_has_a_higher_priority_than_a_driver_that_passes_none_on():
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(40))
    except PermissionError:
        pytest.skip("no right to real-time scheduling")
    try:
        supervisor = SupervisorProcess([], 10**11)
        assert os.sched_getparam(supervisor.pid).sched_priority == 41
        supervisor.stop()
    finally:
        os.sched_setscheduler(0, *before)


def test_supervisor_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(HardwareError, match="supervisor"):
        SupervisorProcess([(0, b"", b"")], 10**9)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(HardwareError, match="supervisor"):
        SupervisorProcess([(0, b"", b"")], 10**9)


def test_supervisor_is_not_bound_to_the_processor_of_its_driver():
    everywhere = os.sched_getaffinity(0)
    read, write = os.pipe()
    try:
        os.sched_setaffinity(0, {min(everywhere)})
        supervisor = SupervisorProcess([(write, b"", b"")], 10**11)
        assert os.sched_getaffinity(supervisor.pid) == everywhere
        supervisor.stop()
    finally:
        os.sched_setaffinity(0, everywhere)
        os.close(read)
        os.close(write)


def test_a_supervisor_needs_no_disk(monkeypatch):
    # On a robot whose disk is full or read-only, torque could not be switched on, or the process died of SIGBUS.
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    read, write = os.pipe()
    supervisor = SupervisorProcess([(write, b"off", b"")], 10_000_000_000)
    assert supervisor.alive
    assert not supervisor.tripped
    supervisor.stop()
    os.close(write)
    assert os.read(read, 10) == b""
    os.close(read)


@pytest.mark.parametrize(("asleep_s", "acts"), [(3600.0, True), (0.4, False)])
def test_a_machine_that_was_suspended_does_not_go_on(asleep_s, acts, monkeypatch):
    # No monotonic clock shows it: the policy went on after an hour, with motors that had held all the time.
    looks, clock = [], time.clock_gettime_ns

    def suspended_in_the_run(number):
        looks.append(number)
        return clock(number) + (round(asleep_s * 1e9) if len(looks) > 8 else 0)

    monkeypatch.setattr(program.time, "clock_gettime_ns", suspended_in_the_run)
    words = memoryview(bytearray(40)).cast("Q")
    words[1] = 10**12  # the limit between two beats
    life, driver = os.pipe()
    end = threading.Timer(0.5, os.write, (driver, b"s"))
    end.start()
    assert program.watch(words, life, os.getppid()) is acts
    end.join()
    os.close(life)
    os.close(driver)
