"""A program that holds a robot with torque, and ends as a test wants: run as a process of its own.

Arguments: the robot, `safety.on_death`, and the ports as `NAME=PATH`. It prints a line when torque is on. SIGUSR1 makes
it loop for ever within a tick, SIGUSR2 makes it run out of memory.
"""

import resource
import signal
import sys

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.conformance.rig import TICK_NS
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import JointCommand, JointState

_ROOM_BYTES = 1 << 26  # left to this process when it is to run out of memory


def main(name: str, on_death: str, *ports: str) -> None:
    """Open the robot, switch it on, and tick until the end."""
    config = load_robot(name)
    config = config.model_copy(update={"safety": config.safety.model_copy(update={"on_death": on_death})})
    clock = MonotonicClock()
    hardware = RobotHardware(
        config, open_serial_ports(config, dict(port.split("=", 1) for port in ports), clock), clock
    )
    state, command = JointState.empty(len(config.joints)), JointCommand.zeros(len(config.joints))
    command.stiffness[:] = [joint.stiffness for joint in config.joints.values()]
    command.damping[:] = [joint.damping for joint in config.joints.values()]
    signal.signal(signal.SIGUSR1, lambda *_: _spin())
    signal.signal(signal.SIGUSR2, lambda *_: _exhaust())
    hardware.open()
    while not (state.stamp_ns >= 0).all():
        hardware.read(state)
    command.position[:] = state.position
    hardware.enable()
    sys.stdout.write("enabled\n")
    sys.stdout.flush()
    while True:
        hardware.read(state)
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + TICK_NS)


def _spin() -> None:
    while True:
        pass


def _exhaust() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM_BYTES,) * 2)
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


if __name__ == "__main__":
    main(*sys.argv[1:])
