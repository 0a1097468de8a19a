"""The conformance suites on every family and every shipped robot: in lockstep and over ports."""

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.conformance.joint_interface import JointInterfaceConformance
from sim2real.hardware.conformance.serial_ports import SerialPortConformance
from sim2real.hardware.conformance.workbench_interface import WorkbenchConformance
from sim2real.hardware.families import installed_families


class TestPendulum(JointInterfaceConformance):
    robot = "pendulum"


class TestSo101(JointInterfaceConformance):
    robot = "so101"


class TestQuadruped(JointInterfaceConformance):
    robot = "quadruped"


class TestHopperLeg(JointInterfaceConformance):
    robot = "hopper_leg"


@pytest.mark.realtime
class TestPendulumOverPorts(SerialPortConformance):
    robot = "pendulum"


@pytest.mark.realtime
class TestSo101OverPorts(SerialPortConformance):
    robot = "so101"


@pytest.mark.realtime
class TestQuadrupedOverPorts(SerialPortConformance):
    robot = "quadruped"


@pytest.mark.realtime
class TestHopperLegOverPorts(SerialPortConformance):
    robot = "hopper_leg"


class TestPendulumWorkbench(WorkbenchConformance):
    robot = "pendulum"


class TestSo101Workbench(WorkbenchConformance):
    robot = "so101"


class TestHopperLegWorkbench(WorkbenchConformance):
    robot = "hopper_leg"


def test_every_family_is_here():
    robots = [load_robot(suite.robot) for suite in (TestPendulum, TestSo101, TestQuadruped, TestHopperLeg)]
    families, broken = installed_families()
    assert not broken
    assert {bus.protocol for robot in robots for bus in robot.buses.values()} == set(families)
