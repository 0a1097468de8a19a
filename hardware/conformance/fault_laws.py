"""Laws of faults: a motor's fault is reported for its joint; motors stop when the client stops sending."""

from sim2real.hardware.conformance.subject import Subject


class FaultLaws(Subject):
    """Faults that motors detect, and how they are reported."""

    def test_motors_stop_in_time_when_the_client_stops_sending(self) -> None:
        """Their own watchdogs or a guardian stop them."""
        rig = self.rig().enabled()
        rig.ticks(5, rig.move)
        rig.wait(rig.config.safety.watchdog + 0.03)
        # A motor in position mode may also hold its position.
        assert all(motor.watchdog_tripped or not motor.driven for motor in rig.motors)
        rig.ticks(20, write=False)
        assert rig.state.faults.all()

    def test_overheating_is_a_fault_of_its_joint(self) -> None:
        """And of no other joint."""
        self._check_fault("overheat")

    def test_overload_is_a_fault_of_its_joint(self) -> None:
        """And of no other joint."""
        self._check_fault("overload")

    def test_after_a_power_cycle_torque_stays_off_and_a_fault_is_reported(self) -> None:
        """A motor that has restarted has lost its settings."""
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
