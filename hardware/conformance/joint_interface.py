"""The suite of the joint interface: all laws of readings, torque, faults and ports, for one robot."""

from sim2real.hardware.conformance.faults import FaultLaws
from sim2real.hardware.conformance.readings import ReadingLaws
from sim2real.hardware.conformance.serial_ports import SerialPortLaws
from sim2real.hardware.conformance.torque import TorqueLaws


class JointInterfaceConformance(ReadingLaws, TorqueLaws, FaultLaws, SerialPortLaws):
    """What any robot's joints obey; subclass it as `class TestAcmeArm` and set `robot`."""
