"""Laws of setting up: nothing is written without need, lossy lines are survived, tripped motors come back."""

from sim2real.hardware.conformance.subject import Subject

_LOSSY = {"kind": "lose_reply", "probability": 0.1, "since": "power_up"}
_SEEDS = 5


class SetUpLaws(Subject):
    """Effects of `open`, `enable` and `recover` on the motors' settings and torque."""

    def test_settings_that_are_right_are_not_written_again(self) -> None:
        """Persistent memory wears out; also on a line that loses a tenth of the replies."""
        for faults in ((), (_LOSSY,)):
            rig = self.rig(*faults)
            rig.hardware.open()
            changed = rig.hardware.counters.settings_written
            assert bool(changed) == bool(rig.hardware.notices)
            rig.leave()
            again = rig.driver()
            again.open()
            assert again.counters.settings_written == 0
            assert not again.notices

    def test_no_watchdog_trips_while_torque_is_switched_on_over_a_lossy_line(self) -> None:
        """Buses that have torque already are fed while the others wait for lost replies."""
        for seed in range(_SEEDS):
            rig = self.rig(_LOSSY, seed=seed).enabled()
            assert all(motor.driven and not motor.watchdog_tripped for motor in rig.motors)
            rig.ticks(10)
            assert not rig.state.faults.any()

    def test_a_tripped_motor_recovers_with_all_its_settings(self) -> None:
        """After an overload, and after a power cycle; the robot then moves as before."""
        last = self.config().joint_names[-1]
        for kind in ("overload", "power_cycle"):
            rig = self.rig({"kind": kind, "joint": last, "start": "50 ms", "duration": "100 ms"}).enabled()
            rig.ticks(60)
            assert rig.state.faults[-1]
            rig.hardware.disable()
            rig.hardware.recover()
            rig.settle()
            assert not any(rig.torques())
            rig.hardware.read(rig.state)
            rig.command.position[:] = rig.state.position
            rig.hardware.enable()
            rig.ticks(10)
            assert not rig.state.faults.any()
            assert all(rig.torques())

    def test_temperature_and_voltage_are_never_older_than_the_envelope_allows(self) -> None:
        """On a line that loses a fifth of the replies; their stamp is that of the motor's own reply."""
        rig = self.rig({"kind": "lose_reply", "probability": 0.2, "since": "power_up"}).enabled()
        limit_ns = rig.config.safety.health_age_max * 1e9
        rig.ticks(40)

        def check() -> None:
            assert (rig.clock.now_ns() - rig.state.health_stamp_ns <= limit_ns).all()

        rig.ticks(1000, check)
        assert (rig.state.health_stamp_ns <= rig.state.stamp_ns).all()
