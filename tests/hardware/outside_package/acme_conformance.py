"""The test suite of the package: three classes."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite("sim2real.hardware.conformance")

from sim2real.hardware.conformance.joint_interface import JointInterfaceConformance  # noqa: E402 - rewritten first
from sim2real.hardware.conformance.serial_ports import SerialPortConformance  # noqa: E402 - rewritten first
from sim2real.hardware.conformance.workbench_interface import WorkbenchConformance  # noqa: E402 - rewritten first

ARM = str(Path(__file__).with_name("acme_arm.yaml"))


class TestAcmeArm(JointInterfaceConformance):
    robot = ARM


class TestAcmeWorkbench(WorkbenchConformance):
    robot = ARM


class TestAcmeArmOverPorts(SerialPortConformance):
    robot = ARM
