"""Laws of readings: correct, current and of the right joint; lost readings are counted, never invented."""

import numpy as np

from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.conformance.subject import Subject

_MINUTE_TICKS = 6000


class ReadingLaws(Subject):
    """Results of `open` and `read`."""

    def test_joint_names_are_in_the_order_of_the_robot(self) -> None:
        """This is the order of every array."""
        rig = self.rig()
        assert rig.hardware.joint_names == rig.config.joint_names

    def test_readings_are_the_true_joint_state_to_the_register(self) -> None:
        """Position, velocity, voltage and temperature of joints at rest."""
        rig = self.rig()
        rig.plant.position[:] += np.random.default_rng(1).uniform(-0.4, 0.4, len(rig.joints))
        rig.hardware.open()
        rig.hardware.read(rig.state)
        assert rig.state.fresh.all()
        np.testing.assert_allclose(rig.state.position, rig.plant.position, rtol=0.0, atol=1.01 * rig.count())
        np.testing.assert_allclose(rig.state.velocity, 0.0, atol=1e-6)
        np.testing.assert_allclose(rig.state.voltage, rig.config.supply_voltage, rtol=0.0, atol=0.11)
        np.testing.assert_allclose(rig.state.temperature, 25.0, rtol=0.0, atol=1.0)

    def test_readings_are_current_while_the_joints_move(self) -> None:
        """No reading is older than its `read` call."""
        rig = self.rig().enabled()

        def check() -> None:
            assert rig.state.fresh.all()
            assert (rig.state.stamp_ns <= rig.clock.now_ns()).all()
            rig.check_truth()
            rig.move()

        rig.ticks(100, check)
        assert np.abs(rig.plant.velocity).max() > 0.5

    def test_lost_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """For replies that do not arrive."""
        _check_missed(self.rig({"kind": "lose_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_damaged_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """For replies with a wrong byte."""
        _check_missed(self.rig({"kind": "corrupt_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_cut_off_readings_keep_values_and_stamp_and_are_counted(self) -> None:
        """For replies without their end."""
        _check_missed(self.rig({"kind": "truncate_reply", "start": "50 ms", "duration": "100 ms"}))

    def test_a_minute_of_lost_late_damaged_and_duplicated_replies_gives_no_wrong_reading(self) -> None:
        """Every fresh reading is correct: right joint, right register."""
        faults = (
            {"kind": "lose_reply", "probability": 0.05},
            {"kind": "corrupt_reply", "probability": 0.02},
            {"kind": "duplicate_reply", "probability": 0.02},
            {"kind": "delay_reply", "probability": 0.02, "delay": "9 ms"},
        )
        rig = self.rig(*faults).enabled()
        seen = np.zeros(len(rig.joints), int)

        def check() -> None:
            state = rig.state
            rig.check_truth()
            assert (np.isnan(state.voltage) | (np.abs(state.voltage - rig.config.supply_voltage) < 1.5)).all()
            heat = np.abs(state.temperature - rig.emulated.electrics.temperature)
            assert (np.isnan(state.temperature) | (heat < 1.5)).all()
            assert not state.faults.any()
            seen[:] += state.fresh
            rig.move()

        rig.ticks(_MINUTE_TICKS, check)
        injected = rig.emulated.faults.injected
        assert all(injected[str(fault["kind"])] > 20 for fault in faults)
        assert (seen > 0.3 * _MINUTE_TICKS).all()
        assert (seen < _MINUTE_TICKS).all()

    def test_two_runs_in_lockstep_are_bit_identical(self) -> None:
        """Nothing depends on the speed of the machine."""
        assert _traced(self.rig({"kind": "lose_reply", "probability": 0.1})) == _traced(
            self.rig({"kind": "lose_reply", "probability": 0.1})
        )


def _check_missed(rig: Rig) -> None:
    rig.enabled()
    joints = len(rig.joints)
    missed = np.zeros(joints, int)
    before = (np.full(joints, np.nan), np.full(joints, -1))

    def check() -> None:
        nonlocal before
        state = rig.state
        stale = ~state.fresh
        missed[:] += stale
        assert (state.position[stale] == before[0][stale]).all()
        assert (state.stamp_ns[stale] == before[1][stale]).all()
        assert (state.stamp_ns[~stale] > before[1][~stale]).all()
        before = (state.position.copy(), state.stamp_ns.copy())
        rig.move()

    rig.ticks(30, check)
    assert missed.max() >= 3  # if all share one reply, those before the damage are intact
    assert (missed <= 14).all()
    assert rig.state.fresh.all()
    assert [rig.hardware.counters.by_joint[name] for name in rig.names] == missed.tolist()


def _traced(rig: Rig) -> tuple[list[bytes], int, str]:
    rig.enabled()
    seen: list[bytes] = []

    def check() -> None:
        rig.move()
        seen.append(rig.state.position.tobytes() + rig.state.stamp_ns.tobytes() + rig.state.fresh.tobytes())

    rig.ticks(60, check)
    return seen, rig.clock.now_ns(), repr(rig.emulated.snapshot())
