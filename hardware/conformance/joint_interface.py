"""The suite of the joint interface in lockstep: all laws of readings, torque and faults, for one robot."""

from sim2real.hardware.conformance.fault_laws import FaultLaws
from sim2real.hardware.conformance.reading_laws import ReadingLaws
from sim2real.hardware.conformance.torque_laws import TorqueLaws


class JointInterfaceConformance(ReadingLaws, TorqueLaws, FaultLaws):
    """Laws of any robot's joints, on a virtual clock; subclass it as `class TestAcmeArm` and set `robot`."""
