"""Laws of torque off: it goes to all motors at once, one sick bus delays nobody, and what is not confirmed is named."""

from sim2real.hardware.conformance.subject import Subject, raised
from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.hardware.torque_off import CONFIRM_LIMIT_S

_AT_ONCE_NS = 5_000_000  # the frames of all buses on the wire
_SLACK_S = 0.1  # one exchange with each motor


class StopLaws(Subject):
    """Effects of `torque_off` and `disable` on robots of which a part is sick."""

    def test_torque_off_reaches_every_motor_at_once_and_does_not_wait_for_a_sick_one(self) -> None:
        """For each bus whose motors are silent, whose port takes no bytes, or whose port has vanished."""
        for bus in self.config().buses:
            for kind in ("silent", "block_write", "unplug"):
                rig = self.rig(*self._sick(bus, kind)).enabled()
                rig.ticks(3)
                rig.wait(0.05 - (rig.clock.now_ns() - rig.started_ns) * 1e-9)
                begun_ns = rig.clock.now_ns()
                rig.hardware.torque_off()
                assert rig.clock.now_ns() - begun_ns <= _AT_ONCE_NS
                rig.wait(_AT_ONCE_NS * 1e-9)
                for name, motor in rig.emulated.motors.items():
                    assert not motor.torque_enabled or rig.config.joints[name].bus == bus, (bus, kind, name)

    def test_disable_names_the_joints_that_did_not_confirm_within_a_bounded_time(self) -> None:
        """All joints of a silent bus, and no other."""
        for bus in self.config().buses:
            rig = self.rig().enabled()
            rig.ticks(2)
            ill = tuple(name for name, joint in rig.config.joints.items() if joint.bus == bus)
            for name in ill:
                rig.emulated.motors[name].silent = True
            begun_ns = rig.clock.now_ns()
            assert sorted(raised(TorqueOnError, rig.hardware.disable).joints) == sorted(ill)
            assert (rig.clock.now_ns() - begun_ns) * 1e-9 <= CONFIRM_LIMIT_S + _SLACK_S
            rig.settle()
            assert not any(motor.torque_enabled for name, motor in rig.emulated.motors.items() if name not in ill)

    def test_torque_off_is_sent_again_until_the_motor_hears_it(self) -> None:
        """For a motor that is silent, and for a port that is unplugged, in the first tenth of a second."""
        config = self.config()
        first = next(iter(config.joints))
        for fault in ({"kind": "silent", "joint": first}, {"kind": "unplug", "bus": config.joints[first].bus}):
            rig = self.rig(fault | {"start": "50 ms", "duration": "150 ms"}).enabled()
            rig.wait(0.1 - (rig.clock.now_ns() - rig.started_ns) * 1e-9)
            rig.hardware.disable()
            rig.settle()
            assert not any(rig.torques())

    def test_an_open_that_fails_takes_the_torque_that_an_earlier_program_left(self) -> None:
        """On every bus, whichever bus it fails on."""
        for bus in self.config().buses:
            rig = self.rig().enabled()
            rig.ticks(3)
            rig.leave()
            ill = next(name for name, joint in rig.config.joints.items() if joint.bus == bus)
            rig.emulated.motors[ill].silent = True
            raised(HardwareError, rig.driver().open)
            rig.settle()
            assert not any(motor.torque_enabled for name, motor in rig.emulated.motors.items() if name != ill)

    def test_an_interrupt_at_any_moment_of_open_and_enable_leaves_no_torque(self) -> None:
        """Ctrl-C, or a bug."""
        whole = self._interrupted(0)
        for number in sorted({*range(1, whole, max(1, whole // 20)), whole}):
            self._interrupted(number)

    def test_motors_with_torque_behind_a_port_that_vanished_while_they_were_switched_on_are_named(self) -> None:
        """The program cannot reach them any more, so a person has to know."""
        rig = self.rig()
        rig.hardware.open()

        def unplug() -> None:
            if any(rig.torques()):
                for line in rig.emulated.lines.values():
                    line.plug(False)

        rig.hardware.check_with(unplug)
        if len(rig.motors) == 1:
            return  # it has torque when the last request has been sent
        error = raised(TorqueOnError, rig.hardware.enable)
        driven = [name for name, motor in rig.emulated.motors.items() if motor.torque_enabled]
        assert error.joints  # nobody knows what became of them; a motor's own watchdog may be faster than the last try
        assert set(driven) <= set(error.joints)
        assert all(repr(name) in str(error) for name in driven)
        assert "vanished" in str(error)

    def _interrupted(self, number: int) -> int:
        """Raise at the checkpoint of this number, never for 0; return the number of checkpoints."""
        rig, count = self.rig(), 0

        def check() -> None:
            nonlocal count
            count += 1
            if count == number:
                raise KeyboardInterrupt

        rig.hardware.check_with(check)
        if number:
            raised(KeyboardInterrupt, rig.enabled)
            rig.settle()
            assert not any(rig.torques()), number
        else:
            rig.enabled()
        return count

    def _sick(self, bus: str, kind: str) -> list[dict[str, str]]:
        """Return the faults that make a bus sick from 50 ms after torque on."""
        if kind != "silent":
            return [{"kind": kind, "bus": bus, "start": "50 ms"}]
        joints = [name for name, joint in self.config().joints.items() if joint.bus == bus]
        return [{"kind": kind, "joint": name, "start": "50 ms"} for name in joints]
