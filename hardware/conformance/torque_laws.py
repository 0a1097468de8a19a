"""Laws of torque: it is switched on without a jump, moves the commanded joint, and is off after every exit."""

import math

import numpy as np

from sim2real.hardware.conformance.rig import TICK_NS, Rig
from sim2real.hardware.conformance.subject import Subject, raised
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.types import MotorFault

_MOVED = 0.1  # rad, in addition to what a load can move it
_EFFORT = 0.3  # N·m, if the effort limit allows it


class TorqueLaws(Subject):
    """Effects of `enable`, `write`, `disable` and `close`."""

    def test_open_switches_torque_off_if_it_was_on(self) -> None:
        """An earlier program may have crashed with torque on."""
        rig = self.rig().enabled()
        rig.ticks(3)
        assert all(rig.torques())
        rig.driver().open()
        rig.settle()
        assert not any(rig.torques())

    def test_enable_does_not_jump(self) -> None:
        """Joints keep their positions when torque is switched on."""
        rig = self.rig()
        rig.plant.position[:] += 0.1
        before = rig.plant.position.copy()
        rig.hardware.open()
        rig.hardware.enable()
        for _ in range(5):
            rig.hardware.read(rig.state)
            rig.clock.sleep_until_ns(rig.clock.now_ns() + TICK_NS)
        rig.settle()
        np.testing.assert_allclose(rig.plant.position, before, rtol=0.0, atol=2 * rig.count())

    def test_a_joint_that_moves_while_it_is_held_is_a_fault(self) -> None:
        """Something else drives it, as another id that the motor obeys does; a joint in current mode is not held."""
        for index in {0, len(self.config().joints) - 1}:
            rig = self.rig().enabled()
            rig.ticks(2)
            assert not rig.state.faults.any()
            rig.plant.position[index] += _MOVED + rig.joints[index].effort_limit / max(rig.joints[index].stiffness, 1.0)
            rig.ticks(2)
            expected = np.zeros_like(rig.state.faults)
            expected[index] = 0 if rig.by_effort else int(MotorFault.MOVED_WHILE_HELD)
            np.testing.assert_array_equal(rig.state.faults, expected)

    def test_a_joint_on_its_way_to_its_target_is_not_at_fault(self) -> None:
        """From the first moment of torque on, at the speed of its motor."""
        rig = self.rig().enabled()
        rig.ticks(30, rig.move)
        assert not rig.state.faults.any()

    def test_a_command_moves_its_joint_in_the_commanded_direction(self) -> None:
        """One joint moves in its positive direction, the others stay."""
        for index in range(len(self.config().joints)):
            rig = self.rig().enabled()
            start = rig.plant.position.copy()
            if rig.by_effort:
                rig.command.effort[index] = min(_EFFORT, rig.joints[index].effort_limit)
            else:
                rig.command.position[index] += 0.15
            rig.ticks(60)
            moved = rig.plant.position - start
            assert moved[index] > 0.05
            np.testing.assert_allclose(np.delete(moved, index), 0.0, atol=3 * rig.count())

    def test_a_target_that_is_not_finite_is_refused_and_nothing_is_sent(self) -> None:
        """For NaN and infinity in any field."""
        rig = self.rig().enabled()
        rig.ticks(2)
        writes = rig.hardware.counters.writes
        for field in ("position", "velocity", "effort"):
            for poison in (math.nan, math.inf, -math.inf):
                targets = getattr(rig.command, field)
                before, targets[-1] = targets[-1], poison
                assert "finite" in str(raised(ValueError, lambda: rig.hardware.write(rig.command)))
                targets[-1] = before
        assert rig.hardware.counters.writes == writes

    def test_torque_is_off_after_disable(self) -> None:
        """The normal exit."""
        rig = self.rig().enabled()
        rig.ticks(3)
        rig.hardware.disable()
        _check_off(rig)

    def test_torque_is_off_after_close(self) -> None:
        """Without `disable` before it."""
        rig = self.rig().enabled()
        rig.ticks(3)
        rig.hardware.close()
        _check_off(rig)

    def test_torque_is_off_after_an_enable_that_one_motor_refused(self) -> None:
        """Torque is on for all motors or for none."""
        rig = self.rig()
        rig.hardware.open()
        rig.motors[-1].silent = True
        assert rig.names[-1] in str(raised(HardwareError, rig.hardware.enable))
        _check_off(rig)

    def test_disable_tries_every_motor_and_names_the_one_that_did_not_confirm(self) -> None:
        """One silent motor does not leave torque on at the others."""
        rig = self.rig().enabled()
        rig.ticks(2)
        rig.motors[0].silent = True
        assert rig.names[0] in str(raised(HardwareError, rig.hardware.disable))
        rig.settle()
        assert rig.torques()[1:] == [False] * (len(rig.joints) - 1)

    def test_a_missing_motor_is_named(self) -> None:
        """Torque stays off at the other motors."""
        rig = self.rig()
        rig.motors[-1].silent = True
        assert rig.names[-1] in str(raised(HardwareError, rig.hardware.open))
        _check_off(rig)

    def test_a_vanished_port_is_an_error_but_close_does_not_raise(self) -> None:
        """For an unplugged adapter."""
        rig = self.rig({"kind": "unplug", "start": "50 ms"}).enabled()
        raised(PortLostError, lambda: rig.ticks(50))
        assert not rig.state.fresh.any() or len(rig.config.buses) > 1
        rig.hardware.close()

    def test_closing_twice_does_nothing_and_closing_before_open_is_allowed(self) -> None:
        """`close` never raises."""
        rig = self.rig().enabled()
        rig.hardware.close()
        rig.hardware.close()
        self.rig().hardware.close()


def _check_off(rig: Rig) -> None:
    rig.settle()
    assert not any(rig.torques())
