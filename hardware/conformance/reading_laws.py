"""Laws of readings: true, of now, of the joint that they name; what is lost is counted and not made up."""

import numpy as np

from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.conformance.subject import Subject

_MINUTE_TICKS = 6000


class ReadingLaws(Subject):
    """What `open` and `read` give."""

    def test_names_are_those_of_the_robot_in_its_order(self) -> None:
        """Joint names, in the order of every array."""
        rig = self.rig()
        assert rig.hardware.joint_names == rig.config.joint_names

    def test_readings_are_the_true_joint_state_to_the_register(self) -> None:
        """Position, velocity, voltage and temperature of joints that stand still."""
        rig = self.rig()
        rig.plant.position[:] += np.random.default_rng(1).uniform(-0.4, 0.4, len(rig.joints))
        rig.hardware.open()
        rig.hardware.read(rig.state)
        assert rig.state.fresh.all()
        np.testing.assert_allclose(rig.state.position, rig.plant.position, rtol=0.0, atol=1.01 * rig.count())
        np.testing.assert_allclose(rig.state.velocity, 0.0, atol=1e-6)
        np.testing.assert_allclose(rig.state.voltage, rig.config.supply_voltage, rtol=0.0, atol=0.11)
        np.testing.assert_allclose(rig.state.temperature, 25.0, rtol=0.0, atol=1.0)

    def test_readings_are_of_now_while_the_joints_move(self) -> None:
        """No reading is older than the read that brought it."""
        rig = self.rig().enabled()

        def look() -> None:
            assert rig.state.fresh.all()
            assert (rig.state.stamp_ns <= rig.clock.now_ns()).all()
            rig.check_truth()
            rig.move()

        rig.ticks(100, look)
        assert np.abs(rig.plant.velocity).max() > 0.5

    def test_lost_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """A reply that does not come."""
        _check_missed(self.rig({"kind": "lose_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_damaged_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """A reply with a wrong byte."""
        _check_missed(self.rig({"kind": "corrupt_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_cut_off_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """A reply without its end."""
        _check_missed(self.rig({"kind": "truncate_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_a_minute_of_lost_late_damaged_and_doubled_replies_gives_no_wrong_reading(self) -> None:
        """What is fresh is true, of that joint and of that register."""
        faults = (
            {"kind": "lose_reply", "probability": 0.05},
            {"kind": "corrupt_reply", "probability": 0.02},
            {"kind": "duplicate_reply", "probability": 0.02},
            {"kind": "delay_reply", "probability": 0.02, "delay": "9 ms"},
        )
        rig = self.rig(*faults).enabled()
        seen = np.zeros(len(rig.joints), int)

        def look() -> None:
            state = rig.state
            rig.check_truth()
            assert (np.isnan(state.voltage) | (np.abs(state.voltage - rig.config.supply_voltage) < 1.5)).all()
            heat = np.abs(state.temperature - rig.emulated.electrics.temperature)
            assert (np.isnan(state.temperature) | (heat < 1.5)).all()
            assert not state.faults.any()
            seen[:] += state.fresh
            rig.move()

        rig.ticks(_MINUTE_TICKS, look)
        injected = rig.emulated.faults.injected
        assert all(injected[str(fault["kind"])] > 20 for fault in faults)
        assert (seen > 0.3 * _MINUTE_TICKS).all()
        assert (seen < _MINUTE_TICKS).all()

    def test_two_runs_in_lockstep_are_the_same_to_the_bit(self) -> None:
        """Nothing depends on how fast the machine is."""
        assert _traced(self.rig({"kind": "lose_reply", "probability": 0.1})) == _traced(
            self.rig({"kind": "lose_reply", "probability": 0.1})
        )


def _check_missed(rig: Rig) -> None:
    rig.enabled()
    joints = len(rig.joints)
    missed = np.zeros(joints, int)
    before = (np.full(joints, np.nan), np.full(joints, -1))

    def look() -> None:
        nonlocal before
        state = rig.state
        stale = ~state.fresh
        missed[:] += stale
        assert (state.position[stale] == before[0][stale]).all()
        assert (state.stamp_ns[stale] == before[1][stale]).all()
        assert (state.stamp_ns[~stale] > before[1][~stale]).all()
        before = (state.position.copy(), state.stamp_ns.copy())
        rig.move()

    rig.ticks(30, look)
    assert missed.max() >= 3  # where all share one reply, those before the damage are whole
    assert (missed <= 14).all()
    assert rig.state.fresh.all()
    assert [rig.hardware.counters.by_joint[name] for name in rig.names] == missed.tolist()


def _traced(rig: Rig) -> tuple[list[bytes], int, str]:
    rig.enabled()
    seen: list[bytes] = []

    def look() -> None:
        rig.move()
        seen.append(rig.state.position.tobytes() + rig.state.stamp_ns.tobytes() + rig.state.fresh.tobytes())

    rig.ticks(60, look)
    return seen, rig.clock.now_ns(), repr(rig.emulated.snapshot())
