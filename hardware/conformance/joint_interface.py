"""Conformance suite of the joint interface in lockstep: readings, torque and faults of one robot."""

from sim2real.hardware.conformance.fault_laws import FaultLaws
from sim2real.hardware.conformance.reading_laws import ReadingLaws
from sim2real.hardware.conformance.torque_laws import TorqueLaws


class JointInterfaceConformance(ReadingLaws, TorqueLaws, FaultLaws):
    """Laws for the joints of any robot, on a virtual clock; subclass as `class TestAcmeArm` and set `robot`."""
