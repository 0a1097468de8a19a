"""Laws of faults: a motor's fault is reported for its joint; motors stop when the client stops sending."""

from sim2real.hardware.conformance.subject import Subject
from sim2real.hardware.types import MotorFault


class FaultLaws(Subject):
    """Faults that motors detect, and how they are reported."""

    def test_motors_stop_in_time_when_the_client_stops_sending(self) -> None:
        """Their own watchdogs or the supervisor stop them."""
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

    def test_a_motor_that_lost_power_is_reported_as_soon_as_it_answers_again(self) -> None:
        """It has lost its settings, and its torque stays off."""
        for place, joint in enumerate(self.config().joint_names):
            rig = self.rig({"kind": "power_cycle", "joint": joint, "start": "50 ms"}).enabled()
            rig.ticks(8)
            while not rig.state.fresh[place]:
                rig.ticks(1)
            rig.ticks(1)  # the tick in which it answered, and this one
            assert rig.state.faults[place] & MotorFault.RESTARTED, joint
            rig.ticks(50)
            assert not rig.motors[place].torque_enabled

    def test_a_motor_that_restarts_between_two_ticks_is_reported_though_no_reply_was_missed(self) -> None:
        """Within a fifth of a second."""
        for place in range(len(self.config().joints)):
            rig = self.rig().enabled()
            rig.ticks(37)
            rig.motors[place].boot(rig.clock.now_ns(), boot_ns=0)
            missed = rig.hardware.counters.timeouts
            rig.ticks(20)
            assert rig.hardware.counters.timeouts == missed
            assert rig.state.faults[place] & MotorFault.RESTARTED
            assert [bool(faults) for faults in rig.state.faults] == [other == place for other in range(len(rig.joints))]

    def _check_fault(self, kind: str) -> None:
        last = self.config().joint_names[-1]
        rig = self.rig({"kind": kind, "joint": last, "start": "50 ms"}).enabled()
        rig.ticks(30)
        assert [bool(faults) for faults in rig.state.faults] == [joint == last for joint in rig.names]
