"""Conformance suite in real time: the driver on pseudo-terminals, as on the serial ports of a robot."""

import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.conformance.rig import TICK_NS
from sim2real.hardware.conformance.subject import Subject
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import JointCommand, JointState

_SWITCH_S = 1e-4
_LIMIT_S = 30.0  # a busy machine may need many tries; an idle one needs a second


@contextmanager
def serving(
    config: RobotConfig, faults: FaultsConfig | None = None, started: Callable[[], None] = lambda: None
) -> Iterator[tuple[PtyServer, EmulatedRobot]]:
    """Serve a robot without load on pseudo-terminals for the duration of the block; the emulated robot is read-only.

    Args:
        config: The robot.
        faults: Faults to inject.
        started: Called in the thread that serves, when it is ready.
    """
    emulated = EmulatedRobot(config, InertiaPlant(config), faults)
    server = PtyServer(emulated)
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop, started))
    # Vendors' libraries busy-wait, and by default the interpreter switches threads only every 5 ms.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    thread.start()
    server.serving.wait()
    try:
        yield server, emulated
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
        server.close()


class SerialPortConformance(Subject):
    """Laws for the joints of any robot on real ports, in real time; subclass as `class TestAcmeArmOverPorts`."""

    def test_every_joint_moves_over_ports(self) -> None:
        """Open, enable, move every joint, close."""
        config = self.config()
        with serving(config) as (server, emulated):
            _move_every_joint(config, server.ports, emulated)

    def test_torque_goes_off_when_the_program_is_killed_or_stopped_spins_or_runs_out_of_memory(self) -> None:
        """By the supervisor process, whatever the motors' own watchdogs do."""
        for end in (signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1, signal.SIGUSR2):
            with serving(self.config()) as (server, emulated), _holding(self.robot, "off", server.ports) as process:
                motors = list(emulated.motors.values())
                assert all(motor.torque_enabled for motor in motors)
                process.send_signal(end)
                _wait_for(lambda motors=motors: not any(motor.torque_enabled for motor in motors))  # type: ignore[misc]


@contextmanager
def _holding(robot: str, on_death: str, paths: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program that holds the robot with torque, for the duration of the block."""
    arguments = [robot, on_death, *(f"{name}={path}" for name, path in paths.items())]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*PYTHON, "-m", "sim2real.hardware.conformance.loop_process", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 2 * _LIMIT_S)[0]
        assert process.stdout.readline() == b"enabled\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _move_every_joint(config: RobotConfig, paths: dict[str, str], emulated: EmulatedRobot) -> None:
    clock = MonotonicClock()
    hardware = RobotHardware(config, open_serial_ports(config, paths, clock), clock)
    motors, joints = list(emulated.motors.values()), list(config.joints.values())
    state, command = JointState.empty(len(motors)), JointCommand.zeros(len(motors))
    command.stiffness[:] = [joint.stiffness for joint in joints]
    command.damping[:] = [joint.damping for joint in joints]
    hardware.open()
    assert not any(motor.torque_enabled for motor in motors)
    deadline = time.monotonic() + _LIMIT_S
    goal = np.array([joint.default_position for joint in joints]) + 0.2
    command.effort[:] = [min(0.2, joint.effort_limit) for joint in joints]
    command.position[:] = goal
    hardware.enable()
    while not (emulated.plant.position > goal - 0.15).all():
        assert time.monotonic() < deadline
        hardware.read(state)
        if not all(motor.driven for motor in motors):  # a busy machine may let a watchdog expire
            hardware.disable()
            hardware.enable()
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + TICK_NS)
    hardware.close()
    assert not any(motor.torque_enabled for motor in motors)
