"""Laws of a request to stop while a robot is opened and switched on: no motor gets torque after it."""

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.interface import Interruptible
from sim2real.hardware.robot import RobotHardware

ROBOTS = ["pendulum", "quadruped", "so101", "hopper_leg"]


class StoppedError(Exception):
    pass


class Bench:
    """A robot in lockstep whose work is to end at the checkpoint of a number."""

    def __init__(self, name: str, stop_at: int | None = None):
        robot = load_robot(name)
        self.emulated = EmulatedRobot(robot, InertiaPlant(robot))
        self.clock = VirtualClock()
        self.hardware = RobotHardware(robot, lockstep_transports(self.emulated, self.clock), self.clock)
        self.checks, self.stop_at = 0, stop_at
        self.driven_when_stopped = None
        self.hardware.check_with(self.check)

    def start(self) -> None:
        self.hardware.open()
        self.hardware.enable()

    def driven(self) -> set[str]:
        return {name for name, motor in self.emulated.motors.items() if motor.torque_enabled}

    def check(self) -> None:
        self.checks += 1
        if self.driven_when_stopped is not None:
            assert self.driven() <= self.driven_when_stopped
        if self.checks == self.stop_at:
            self.driven_when_stopped = self.driven()
            raise StoppedError


@pytest.mark.parametrize("name", ROBOTS)
def test_a_stop_before_any_frame_gives_no_further_motor_torque_and_takes_all_torque_away(name):
    whole = Bench(name)
    assert isinstance(whole.hardware, Interruptible)
    whole.hardware.open()
    whole.hardware.enable()
    assert whole.driven() == set(whole.emulated.motors)
    assert whole.checks > 2 * len(whole.emulated.motors)
    step = max(1, whole.checks // 25)
    enabling = range(max(1, whole.checks - 4 * len(whole.emulated.motors)), whole.checks + 1)
    for number in sorted({*range(1, whole.checks + 1, step), *enabling}):
        bench = Bench(name, number)
        with pytest.raises(StoppedError):
            bench.start()
        assert bench.driven() == set(), f"after the frame {number}"


@pytest.mark.parametrize("name", ROBOTS)
def test_a_stop_does_not_hold_back_torque_off_reads_or_commands(name):
    bench = Bench(name)
    bench.hardware.open()
    bench.hardware.enable()
    checks, bench.stop_at = bench.checks, bench.checks + 1
    bench.hardware.disable()
    bench.hardware.close()
    assert bench.checks == checks
    assert bench.driven() == set()


def test_after_a_stop_the_robot_can_be_switched_on_again():
    bench = Bench("so101")
    bench.hardware.open()
    bench.stop_at = bench.checks + 9
    with pytest.raises(StoppedError):
        bench.hardware.enable()
    bench.driven_when_stopped = None
    bench.hardware.enable()
    assert bench.driven() == set(bench.emulated.motors)
