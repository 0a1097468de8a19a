"""Laws of what follows when the program that drives the motors stalls: the state of `safety.on_death`, in time."""

import numpy as np

from sim2real.configs.schema.death import DeathState
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.conformance.subject import Subject
from sim2real.hardware.families import motor_family
from sim2real.hardware.types import MotorFault, Supervision

_PUSH = 0.1  # rad
_SPEED = 0.5  # rad/s
_LASTING_S = 0.6  # much longer than any watchdog


class DeathLaws(Subject):
    """The supervisor and the motors' own watchdogs together, on a virtual clock."""

    def test_a_stall_brings_the_motors_into_the_state_of_the_yaml_in_time_and_it_lasts(self) -> None:
        """For each state that the motors can be in by themselves."""
        for state in self._states():
            rig = self._stalled(state)
            driven = [motor.torque_enabled for motor in rig.motors]
            assert driven == [state != "off"] * len(rig.motors)
            rig.wait(_LASTING_S)
            assert [motor.torque_enabled for motor in rig.motors] == driven

    def test_a_robot_that_holds_returns_when_it_is_pushed(self) -> None:
        """And goes on doing so without the program."""
        if "hold" in self._states():
            rig = self._stalled("hold")
            rig.wait(_LASTING_S)
            before = rig.plant.position.copy()
            rig.plant.position[:] = before + _PUSH
            rig.wait(_LASTING_S)
            assert (np.abs(rig.plant.position - before) < 0.5 * _PUSH).all()

    def test_a_robot_that_damps_stays_where_it_is_pushed_and_brakes(self) -> None:
        """It comes to rest earlier than one without torque."""
        if "damp" in self._states():
            ways = {}
            for state in ("damp", "off"):
                rig = self._stalled("damp" if state == "damp" else "off")
                rig.wait(_LASTING_S)
                before = rig.plant.position.copy()
                rig.plant.position[:] = before + _PUSH
                rig.plant.velocity[:] = 0.0
                rig.wait(0.05)
                assert (rig.plant.position - before > 0.9 * _PUSH).all()  # nothing pulls it back
                begun = rig.plant.position.copy()
                rig.plant.velocity[:] = _SPEED
                rig.wait(0.1)
                ways[state] = rig.plant.position - begun
            assert (ways["damp"] < ways["off"]).all()

    def test_a_program_that_goes_on_after_a_stall_sends_no_targets_and_sees_it(self) -> None:
        """Until it has switched torque on again."""
        for state in self._states():
            rig = self._stalled(state)
            writes = rig.hardware.counters.writes
            self._check(rig, Supervision.TRIPPED)
            rig.ticks(3)
            assert rig.hardware.counters.writes == writes
            assert (rig.state.faults & MotorFault.WATCHDOG).all()
            rig.hardware.disable()
            self._check(rig, Supervision.NONE)
            rig.settle()
            assert not any(rig.torques())
            rig.hardware.enable()
            self._check(rig, Supervision.WATCHING)
            rig.ticks(5)
            assert not rig.state.faults.any()
            assert all(rig.torques())

    def test_a_stall_while_torque_is_switched_on_takes_it_away(self) -> None:
        """Whatever the state of the YAML: the robot was not yet where it is to stay."""
        for state in self._states():
            rig = self._rig_with(state)
            rig.hardware.open()
            stall_ns = 0

            def stall(rig: Rig = rig) -> None:
                nonlocal stall_ns
                if any(rig.torques()) and not stall_ns:
                    stall_ns = rig.clock.now_ns()
                    rig.wait(rig.config.safety.watchdog)
                    assert not any(rig.torques())
                    raise KeyboardInterrupt

            rig.hardware.check_with(stall)
            try:
                rig.hardware.enable()
            except KeyboardInterrupt:
                assert not any(rig.torques())
            assert stall_ns or len(rig.motors) == 1

    def _check(self, rig: Rig, supervision: Supervision) -> None:
        assert rig.hardware.supervision is supervision

    def _states(self) -> tuple[DeathState, ...]:
        """Return the states that all joints can be in."""
        joints = self.config().joints.values()
        possible = [motor_family(joint.motor.family).death_states.get(joint.mode, ()) for joint in joints]
        return ("off", *(state for state in possible[0] if all(state in others for others in possible)))

    def _rig_with(self, state: DeathState) -> Rig:
        config = self.config()
        return Rig(config.model_copy(update={"safety": config.safety.model_copy(update={"on_death": state})}))

    def _stalled(self, state: DeathState) -> Rig:
        """Return a robot that stood still until its program stalled, for as long as the YAML allows."""
        rig = self._rig_with(state).enabled()
        rig.ticks(20)
        rig.wait(rig.config.safety.watchdog - 0.01)
        return rig
