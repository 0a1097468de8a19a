"""The suite of the joint interface: all laws of readings, torque, faults and ports, for one robot."""

from sim2real.hardware.conformance.fault_laws import FaultLaws
from sim2real.hardware.conformance.reading_laws import ReadingLaws
from sim2real.hardware.conformance.serial_port_laws import SerialPortLaws
from sim2real.hardware.conformance.torque_laws import TorqueLaws


class JointInterfaceConformance(ReadingLaws, TorqueLaws, FaultLaws, SerialPortLaws):
    """What any robot's joints obey; subclass it as `class TestAcmeArm` and set `robot`."""
