"""Laws of several buses: they are read at the same time, and one that is sick costs the others nothing."""

import numpy as np

from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.conformance.subject import Subject, raised
from sim2real.hardware.errors import PortLostError


class BusLaws(Subject):
    """Reads and writes of robots with several buses; trivial for one."""

    def test_silent_buses_cost_one_timeout_together(self) -> None:
        """As much time as the slowest of them alone."""
        alone = [self._time_of_a_read((bus,)) for bus in self.config().buses]
        assert self._time_of_a_read(tuple(self.config().buses)) <= 1.3 * max(alone)

    def test_a_bus_whose_port_vanished_is_an_error_and_the_others_are_read_and_commanded(self) -> None:
        """In the same tick."""
        for bus in self.config().buses:
            rig = self.rig().enabled()
            rig.ticks(3, rig.move)
            before, writes = rig.state.stamp_ns.copy(), rig.hardware.counters.writes
            rig.emulated.lines[bus].plug(False)
            raised(PortLostError, lambda rig=rig: rig.hardware.read(rig.state))  # type: ignore[misc]
            others = np.array([joint.bus != bus for joint in rig.joints])
            assert (rig.state.fresh == others).all()
            assert (rig.state.stamp_ns[others] > before[others]).all()
            raised(PortLostError, lambda rig=rig: rig.hardware.write(rig.command))  # type: ignore[misc]
            assert rig.hardware.counters.writes == writes + len(rig.config.buses) - 1

    def test_a_silent_bus_makes_no_other_reading_look_newer_than_it_is(self) -> None:
        """Stamps are at most the time at which the true value was there."""
        for bus in self.config().buses:
            rig = self.rig().enabled()
            rig.ticks(5, rig.move)
            self._silence(rig, (bus,))
            for _ in range(10):
                rig.settle()
                rig.plant.trace[:-1] = []
                begun_ns = rig.clock.now_ns()
                rig.hardware.read(rig.state)
                rig.check_truth()
                fresh = rig.state.fresh
                assert (rig.state.stamp_ns[fresh] >= begun_ns).all()
                rig.move()
                rig.hardware.write(rig.command)

    def _time_of_a_read(self, silent: tuple[str, ...]) -> int:
        """Return the time of a read while the motors of these buses are silent, ns."""
        rig = self.rig()
        rig.hardware.open()
        for _ in range(3):
            rig.hardware.read(rig.state)
        self._silence(rig, silent)
        begun_ns = rig.clock.now_ns()
        rig.hardware.read(rig.state)
        return rig.clock.now_ns() - begun_ns

    def _silence(self, rig: Rig, buses: tuple[str, ...]) -> None:
        for joint, motor in zip(rig.joints, rig.motors, strict=True):
            motor.silent = motor.silent or joint.bus in buses
