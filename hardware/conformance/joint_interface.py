"""Conformance suite of the joint interface in lockstep: readings, torque, set-up, faults, the program's death."""

from sim2real.hardware.conformance.bus_laws import BusLaws
from sim2real.hardware.conformance.death_laws import DeathLaws
from sim2real.hardware.conformance.fault_laws import FaultLaws
from sim2real.hardware.conformance.reading_laws import ReadingLaws
from sim2real.hardware.conformance.set_up_laws import SetUpLaws
from sim2real.hardware.conformance.stop_laws import StopLaws
from sim2real.hardware.conformance.torque_laws import TorqueLaws


class JointInterfaceConformance(ReadingLaws, BusLaws, TorqueLaws, StopLaws, SetUpLaws, FaultLaws, DeathLaws):
    """Laws for the joints of any robot, on a virtual clock; subclass as `class TestAcmeArm` and set `robot`."""
