"""Laws of faults: what a motor finds wrong with itself is the fault of its joint; a silent client is stopped."""

from sim2real.hardware.conformance.subject import Subject


class FaultLaws(Subject):
    """What motors do by themselves, and how it is reported."""

    def test_a_client_that_stops_is_stopped_in_its_time(self) -> None:
        """By the motors' own watchdogs, or by a guardian."""
        rig = self.rig().enabled()
        rig.ticks(5, rig.move)
        rig.rest(rig.config.safety.watchdog + 0.03)
        # One that is driven to a position may also stand where it is.
        assert all(motor.watchdog_tripped or not motor.driven for motor in rig.motors)
        rig.ticks(20, write=False)
        assert rig.state.faults.all()

    def test_overheating_is_a_fault_of_its_joint(self) -> None:
        """And of no other."""
        self._check_fault("overheat")

    def test_overload_is_a_fault_of_its_joint(self) -> None:
        """And of no other."""
        self._check_fault("overload")

    def test_after_a_power_cycle_torque_stays_off_and_it_is_a_fault(self) -> None:
        """A motor that has restarted has forgotten its settings."""
        last = self.config().joint_names[-1]
        rig = self.rig({"kind": "power_cycle", "joint": last, "start": "50 ms"}).enabled()
        rig.ticks(120)
        assert not rig.motors[-1].torque_enabled
        assert rig.state.faults[-1]

    def _check_fault(self, kind: str) -> None:
        last = self.config().joint_names[-1]
        rig = self.rig({"kind": kind, "joint": last, "start": "50 ms"}).enabled()
        rig.ticks(30)
        assert [bool(faults) for faults in rig.state.faults] == [joint == last for joint in rig.names]
