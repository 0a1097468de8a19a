"""Laws of `--port`: every bus and IMU by its name, and a single one without it."""

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.robot_ports import port_paths

PENDULUM, QUADRUPED = load_robot("pendulum"), load_robot("quadruped")


@pytest.mark.parametrize(
    "option", ["/dev/ttyUSB0", "./link", "ttyUSB0", "/dev/serial/by-id/usb-FTDI=1-port0", "main=/dev/ttyUSB0"]
)
def test_the_port_of_a_robot_with_one_bus_needs_no_name(option):
    assert port_paths(PENDULUM, [option]) == {"main": option.removeprefix("main=")}


def test_several_are_given_by_name():
    assert port_paths(QUADRUPED, ["front=/dev/a", "trunk=/dev/b=c"]) == {"front": "/dev/a", "trunk": "/dev/b=c"}
    assert port_paths(QUADRUPED, []) == {}


@pytest.mark.parametrize(
    ("robot", "options", "said"),
    [
        (PENDULUM, ["main"], "--port main: must be NAME=PATH, for example main=/dev/ttyUSB0"),
        (PENDULUM, ["main="], "--port main=: must be NAME=PATH"),
        (PENDULUM, ["man=x"], "robot 'pendulum' has no bus 'man'; valid: main"),
        (PENDULUM, ["/dev/a", "main=/dev/b"], "--port main=/dev/b: main is at /dev/a already"),
        (QUADRUPED, ["/dev/ttyUSB0"], "--port /dev/ttyUSB0: must be NAME=PATH, for example front=/dev/ttyUSB0"),
        (QUADRUPED, ["=/dev/a"], "must be NAME=PATH"),
        (QUADRUPED, ["tail=/dev/a"], "robot 'quadruped' has no bus or IMU 'tail'; valid: front, rear, trunk"),
    ],
)
def test_others_are_refused_in_one_line_that_names_the_valid_ones(robot, options, said):
    with pytest.raises(HardwareError) as refused:
        port_paths(robot, options)
    assert said in str(refused.value)
