"""A run of a policy on ports, which ends as its parent wants: run as a process of its own by `bench supervisor`.

Arguments: the policy, the robot's YAML file, and the ports as `NAME=PATH`. It prints a line when the policy runs.
After SIGUSR1 a callback of the run loops for ever, after SIGUSR2 one runs out of memory.
"""

import resource
import signal
import sys
from pathlib import Path

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import load_policy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

_ROOM_BYTES = 1 << 26  # left to this process when it is to run out of memory


class _Callback:
    """Called after each tick; does what the last signal asked for."""

    def __init__(self) -> None:
        self._told = False
        self._asked = 0
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self._ask)

    def __call__(self, controller: Controller) -> None:
        if controller.state is State.RUNNING and not self._told:
            self._told = True
            sys.stdout.write("running\n")
            sys.stdout.flush()
        while self._asked == signal.SIGUSR1:
            pass
        if self._asked == signal.SIGUSR2:
            _exhaust()

    def _ask(self, number: int, _: object) -> None:
        self._asked = number


def main(policy: str, robot: str, *ports: str) -> None:
    """Run the policy until the end."""
    config, clock = load_robot(robot), MonotonicClock()
    paths = dict(port.split("=", 1) for port in ports)
    hardware = RobotHardware(config, open_serial_ports(config, paths, clock), clock)
    run_session(load_policy(policy), config, hardware, clock, RunOptions(real_time=True, on_tick=_Callback()))


def _exhaust() -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM_BYTES,) * 2)
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


if __name__ == "__main__":
    main(*sys.argv[1:])
