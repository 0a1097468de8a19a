"""Laws of the joint interface for the Feetech driver, with emulated motors in lockstep."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from feetech_bench import sts_robot
from pydantic import TypeAdapter

from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, PortLostError, TorqueOnError
from sim2real.hardware.feetech.driver import FeetechBus
from sim2real.hardware.feetech.tables import FULL_ANGLE
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.supervisor.supervisor import WATCH_SHARE
from sim2real.hardware.types import JointCommand, JointState, MotorFault

TICK_NS = 10_000_000
STEP = 2 * math.pi / 4096


class Rig:
    """A driver in lockstep with the emulated robot."""

    def __init__(self, joints: int, *entries: dict, **updates: object) -> None:
        faults = TypeAdapter(FaultsConfig).validate_python({"name": "test", "seed": 1, "faults": list(entries)})
        self.config = sts_robot(joints, **updates)
        self.plant = InertiaPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant, faults)
        self.clock = VirtualClock()
        self.hardware = RobotHardware(self.config, lockstep_transports(self.emulated, self.clock), self.clock)
        self.state = JointState.empty(joints)
        self.command = JointCommand.zeros(joints)

    @property
    def motors(self) -> list:
        return list(self.emulated.motors.values())

    def enabled(self) -> "Rig":
        self.hardware.open()
        self.hardware.read(self.state)
        self.command.position[:] = self.state.position
        self.hardware.enable()
        return self

    def ticks(self, count: int, each: Callable[[], None] = lambda: None, write: bool = True) -> None:
        for _ in range(count):
            deadline_ns = self.clock.now_ns() + TICK_NS
            self.hardware.read(self.state)
            each()
            if write:
                self.hardware.write(self.command)
            self.clock.sleep_until_ns(deadline_ns)
        self.settle()

    def settle(self, seconds: float = 0.0) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.emulated.advance_to(self.clock.now_ns())

    def torques(self) -> list[bool]:
        return [motor.torque_enabled for motor in self.motors]


@pytest.mark.parametrize("joints", [1, 3])
def test_open_switches_torque_off_if_it_was_on(joints):
    rig = Rig(joints)
    for motor in rig.motors:
        motor.write_register("torque_enable", 1)
    rig.hardware.open()
    assert not any(rig.torques())
    assert rig.hardware.joint_names == rig.config.joint_names
    assert rig.hardware.notices == []


@pytest.mark.parametrize("direction", [1, -1])
def test_readings_are_the_true_joint_state_to_the_register(direction):
    rig = Rig(3, direction=direction)
    rig.plant.position[:] = (0.5, -0.25, 1.0)
    rig.hardware.open()
    rig.hardware.read(rig.state)
    assert rig.state.fresh.all()
    assert rig.state.position == pytest.approx(rig.plant.position, abs=0.51 * STEP)
    assert rig.state.velocity == pytest.approx(np.zeros(3))
    assert rig.state.voltage == pytest.approx(np.full(3, 12.0))
    assert rig.state.temperature == pytest.approx(np.full(3, 25.0))


@pytest.mark.parametrize("phase", [12, 8])
@pytest.mark.parametrize("direction", [1, -1])
def test_velocity_and_effort_have_the_right_sign_and_unit_in_every_phase(direction, phase):
    rig = Rig(2, direction=direction)
    for motor in rig.motors:
        motor.memory.set("phase", phase)
    rig.enabled()
    rig.command.position[:] = (1.5, -1.5)

    def check() -> None:
        unit = STEP * (1 if phase & 4 else 50)
        age_s = (rig.clock.now_ns() - rig.state.stamp_ns[0]) * 1e-9
        assert rig.state.velocity == pytest.approx(rig.plant.velocity, abs=0.51 * unit + 40 * age_s + 0.15)

    rig.ticks(20, check)
    assert rig.state.velocity[0] > 1.0
    assert rig.state.velocity[1] < -1.0


def test_enable_does_not_jump():
    rig = Rig(3)
    rig.plant.position[:] = (0.5, -0.4, 0.1)
    before = rig.plant.position.copy()
    rig.hardware.open()
    rig.hardware.enable()
    for _ in range(5):
        rig.hardware.read(rig.state)
        rig.settle(0.01)
    assert all(rig.torques())
    assert rig.plant.position == pytest.approx(before, abs=STEP)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_position_command_is_reached_within_the_velocity_limit(direction):
    rig = Rig(2, direction=direction, velocity_limit=2.0).enabled()
    rig.command.position[:] = (1.0, -0.8)
    fastest = 0.0

    def check() -> None:
        nonlocal fastest
        fastest = max(fastest, float(np.abs(rig.plant.velocity).max()))

    rig.ticks(200, check)
    assert rig.plant.position == pytest.approx([1.0, -0.8], abs=6 * STEP)
    assert 1.5 < fastest < 2.6  # the loop overshoots its trajectory; without the limit it is 4.7


def test_the_effort_limit_limits_the_duty_cycle():
    rig = Rig(1, effort_limit=1.0).enabled()
    assert rig.motors[0].read_register("torque_limit") == math.floor(1000 / 2.94)
    rig.command.position[:] = 2.0
    rig.ticks(10, lambda: None)
    assert abs(rig.emulated.electrics.torque[0]) <= 1.01


def test_goals_beyond_one_turn_are_reached():
    rig = Rig(1, position_limits=(-9.0, 9.0), velocity_limit=4.7).enabled()
    assert any("phase" in notice for notice in rig.hardware.notices)
    rig.command.position[:] = -8.0
    rig.ticks(400)
    assert rig.state.position == pytest.approx([-8.0], abs=6 * STEP)
    assert rig.motors[0].read_register("present_position") < 0
    rig.hardware.close()


def test_a_range_beyond_the_motor_s_turns_is_refused():
    with pytest.raises(HardwareError, match="turns"):
        Rig(1, position_limits=(-50.0, 50.0)).hardware.open()


def test_a_joint_pushed_past_the_encoder_s_wrap_has_not_moved_a_turn():
    rig = Rig(1, zero=0.1, position_limits=(-0.1, 1.5))
    rig.plant.position[:] = -0.15  # 32 steps below the wrap
    rig.hardware.open()
    rig.hardware.read(rig.state)
    assert rig.motors[0].read_register("phase") & FULL_ANGLE, "a goal within one turn would lead the long way round"
    assert rig.state.position == pytest.approx([-0.15], abs=STEP)
    rig.hardware.close()


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply"])
def test_missed_reading_keeps_values_and_stamp_and_is_counted(kind):
    rig = Rig(1, {"kind": kind, "start": "50 ms", "duration": "100 ms"}).enabled()
    rig.command.position[:] = 1.0
    missed: list[bool] = []
    before = (math.nan, -1)

    def check() -> None:
        nonlocal before
        now = (float(rig.state.position[0]), int(rig.state.stamp_ns[0]))
        missed.append(not rig.state.fresh[0])
        assert now == before if missed[-1] else now[1] > before[1]
        before = now

    rig.ticks(30, check)
    assert 4 <= sum(missed) <= 12
    assert not missed[0]
    assert not missed[-1]
    counters = rig.hardware.counters
    assert counters.by_joint["pivot"] == sum(missed)
    assert counters.timeouts + counters.corrupt >= sum(missed)


def test_duplicated_late_and_truncated_replies_are_never_mistaken_for_new_ones():
    entries = (
        {"kind": "duplicate_reply", "probability": 0.1},
        {"kind": "delay_reply", "delay": "15 ms", "probability": 0.1},
        {"kind": "truncate_reply", "probability": 0.1},
    )
    rig = Rig(3, *entries).enabled()
    rig.command.position[:] = (1.0, -1.0, 0.5)

    def check() -> None:
        for index in np.flatnonzero(rig.state.fresh):
            age_s = (rig.clock.now_ns() - rig.state.stamp_ns[index]) * 1e-9  # a torque check discarded it
            now = rig.state.position[index] + age_s * rig.state.velocity[index]
            assert now == pytest.approx(rig.plant.position[index], abs=0.03)

    rig.ticks(150, check)
    assert all(rig.emulated.faults.injected[entry["kind"]] > 5 for entry in entries)


def test_motors_that_answer_are_fresh_if_another_does_not():
    rig = Rig(3, {"kind": "silent", "joint": "joint3", "start": "50 ms"}).enabled()
    rig.ticks(20)
    assert rig.state.fresh.tolist() == [True, True, False]
    assert rig.hardware.counters.by_joint["joint3"] > 10


def test_the_supervisor_stops_the_motors_of_a_stalled_client_which_then_sees_it():
    rig = Rig(2).enabled()
    rig.command.position[:] = 1.0
    rig.ticks(3)
    rig.settle(WATCH_SHARE * rig.config.safety.watchdog - 0.012)
    assert all(rig.torques())
    rig.settle(0.014)
    assert not any(rig.torques())
    rig.ticks(3)
    assert all(int(faults) & MotorFault.WATCHDOG for faults in rig.state.faults)
    assert not any(rig.torques())  # no more goals are sent
    rig.hardware.enable()
    rig.ticks(3)
    assert rig.state.faults.tolist() == [0, 0]
    assert all(rig.torques())


@pytest.mark.parametrize(("kind", "fault"), [("overheat", MotorFault.OVERHEATING), ("overload", MotorFault.OVERLOAD)])
def test_alarms_are_faults_of_their_joint(kind, fault):
    rig = Rig(2, {"kind": kind, "joint": "joint2", "start": "50 ms"}).enabled()
    rig.ticks(20)
    assert [int(faults) & fault for faults in rig.state.faults] == [0, fault]
    # An overload reduces torque to the protective torque, overheating switches it off.
    assert rig.torques() == [True, kind == "overload"]


def test_power_cycle_is_a_fault_and_torque_stays_off():
    rig = Rig(1, {"kind": "power_cycle", "joint": "pivot", "start": "50 ms"}).enabled()
    rig.ticks(120)
    assert rig.state.faults[0]
    assert not any(rig.torques())


@pytest.mark.parametrize("field", ["position", "velocity", "effort"])
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_target_that_is_not_finite_is_refused_and_nothing_is_sent(field, poison):
    rig = Rig(2).enabled()
    rig.ticks(2)
    before = [motor.read_register("goal_position") for motor in rig.motors]
    rig.command.position[0] = 0.3
    getattr(rig.command, field)[1] = poison
    with pytest.raises(ValueError, match="finite"):
        rig.hardware.write(rig.command)
    rig.settle()
    assert [motor.read_register("goal_position") for motor in rig.motors] == before


@pytest.mark.parametrize("end", ["disable", "close"])
def test_torque_is_off_after_disable_and_after_close(end):
    rig = Rig(3).enabled()
    rig.ticks(3)
    getattr(rig.hardware, end)()
    rig.settle()
    assert not any(rig.torques())
    if end == "disable":
        rig.hardware.write(rig.command)
        assert rig.hardware.counters.writes == 3


def test_torque_is_off_after_an_enable_that_one_motor_refused():
    rig = Rig(3)
    rig.hardware.open()
    rig.motors[2].silent = True
    with pytest.raises(HardwareError, match="joint3"):
        rig.hardware.enable()
    rig.settle(0.1)
    assert not any(rig.torques())


def test_disable_tries_every_motor_and_names_the_unconfirmed_one():
    rig = Rig(3).enabled()
    rig.ticks(2)
    rig.motors[0].silent = True
    with pytest.raises(TorqueOnError, match="pivot") as raised:
        rig.hardware.disable()
    assert raised.value.joints == ("pivot",)
    assert rig.torques() == [True, False, False]


def test_a_vanished_port_is_an_error_but_close_does_not_raise():
    rig = Rig(1, {"kind": "unplug", "start": "50 ms"}).enabled()
    with pytest.raises(PortLostError):
        rig.ticks(50)
    assert not rig.state.fresh.any()
    rig.hardware.close()
    rig.hardware.close()
    Rig(1).hardware.close()


def test_a_missing_motor_another_model_and_an_alarm_are_named():
    rig = Rig(2)
    rig.motors[1].silent = True
    with pytest.raises(HardwareError, match="joint2"):
        rig.hardware.open()
    rig = Rig(2)
    rig.motors[1].memory.set("model_number", 2825)
    with pytest.raises(HardwareError, match=r"joint2.*STS3250"):
        rig.hardware.open()
    rig = Rig(2)
    rig.emulated.electrics.supplies[None].set_nominal(15.0)
    rig.settle(0.05)
    with pytest.raises(HardwareError, match=r"pivot.*voltage.*supply"):
        rig.hardware.open()


def test_a_motor_at_another_baud_rate_is_found_and_reported():
    rig = Rig(1)
    rig.motors[0].memory.set("baud_rate", 4)
    rig.motors[0].commit()
    with pytest.raises(HardwareError, match="115200"):
        rig.hardware.open()


def test_eeprom_is_unlocked_only_for_persistent_changes():
    rig = Rig(1)
    motor = rig.motors[0]
    for name, value in {"return_delay_time": 250, "response_status_level": 0, "operating_mode": 1}.items():
        motor.memory.set(name, value)
    motor.commit()
    rig.hardware.open()
    assert motor.memory.get("lock") == 1
    assert len(rig.hardware.notices) == 3
    motor.boot(rig.clock.now_ns(), boot_ns=0)
    assert [motor.memory.get(name) for name in ("return_delay_time", "response_status_level", "operating_mode")] == [
        0,
        1,
        0,
    ]


def test_torque_stays_off_on_a_port_without_a_supervisor():
    rig = Rig(1)
    (transport,) = lockstep_transports(rig.emulated, rig.clock).values()

    class Bare:
        write, read_into, drain = transport.write, transport.read_into, transport.drain
        set_baudrate, close = transport.set_baudrate, transport.close

    hardware = RobotHardware(rig.config, {"main": Bare()}, rig.clock)
    hardware.open()
    with pytest.raises(HardwareError, match="supervisor"):
        hardware.enable()
    assert not any(rig.torques())
    hardware.close()


def test_two_runs_in_lockstep_are_bit_identical():
    def run() -> tuple[list[bytes], int, dict]:
        rig = Rig(2, {"kind": "lose_reply", "probability": 0.1}).enabled()
        seen: list[bytes] = []

        def check() -> None:
            rig.command.position[:] = 0.5 * np.sin(rig.state.stamp_ns * 1e-9)
            seen.append(rig.state.position.tobytes() + rig.state.stamp_ns.tobytes() + rig.state.fresh.tobytes())

        rig.ticks(100, check)
        return seen, rig.clock.now_ns(), rig.emulated.snapshot()

    assert run() == run()


def lossy_run(seconds: float, joints: int = 2) -> tuple[int, int]:
    """Follow goals while one reply in twenty is lost; return the numbers of fresh and missed readings."""
    rig = Rig(joints, {"kind": "lose_reply", "probability": 0.05}).enabled()
    fresh = missed = 0
    stamps = rig.state.stamp_ns.copy()
    low, high = (rig.motors[0].memory.get(f"{end}_position_limit") for end in ("min", "max"))

    def check() -> None:
        nonlocal fresh, missed, stamps
        age_s = (rig.clock.now_ns() - rig.state.stamp_ns) * 1e-9
        for index in range(joints):
            if rig.state.fresh[index]:
                fresh += 1
                assert rig.state.stamp_ns[index] > stamps[index]
                now = rig.state.position[index] + age_s[index] * rig.state.velocity[index]
                assert now == pytest.approx(rig.plant.position[index], abs=0.02)
            else:
                missed += 1
                assert rig.state.stamp_ns[index] == stamps[index]
            assert low <= rig.motors[index].memory.get("goal_position") <= high
        assert (np.abs(rig.plant.position) <= 2.5).all()
        assert rig.state.voltage == pytest.approx(np.full(joints, 12.0), abs=0.5)
        assert rig.state.temperature == pytest.approx(np.full(joints, 30.0), abs=10.0)
        stamps = rig.state.stamp_ns.copy()
        rig.command.position[:] = 0.8 * np.sin(rig.clock.now_ns() * 1e-9 + np.arange(joints))

    rig.ticks(round(seconds * 100), check)
    assert all(rig.torques())
    assert rig.state.faults.tolist() == [0] * joints
    return fresh, missed


def test_lost_replies_never_become_fresh_readings_nor_goals_outside_the_envelope():
    fresh, missed = lossy_run(6.0)
    assert fresh > 8 * missed > 0


class Echoing:
    """An adapter that echoes every write before any reply."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.echo = b""
        self.set_baudrate, self.close = inner.set_baudrate, inner.close

    def start_supervisor(self, ports, limit_ns):
        return self.inner.start_supervisor([replace(port, transport=self.inner) for port in ports], limit_ns)

    def write(self, data) -> None:
        self.inner.write(data)
        self.echo += bytes(data)

    def read_into(self, buffer, deadline_ns) -> int:
        if not self.echo:
            return self.inner.read_into(buffer, deadline_ns)
        taken, self.echo = self.echo[: len(buffer)], self.echo[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def drain(self) -> None:
        self.inner.drain()
        self.echo = b""


def test_an_echo_is_not_mistaken_for_a_reply():
    rig = Rig(3)
    (transport,) = lockstep_transports(rig.emulated, rig.clock).values()
    bus = FeetechBus(rig.config.buses["main"], rig.config.joints, rig.config.safety, Echoing(transport), rig.clock)
    bus.open()
    bus.enable()
    rig.plant.position[:] = (0.1, 0.2, 0.3)
    rig.command.position[:] = (0.1, 0.2, 0.3)
    for _ in range(20):
        bus.read(rig.state)
        assert rig.state.fresh.all()
        bus.write(rig.command)
    assert rig.state.position == pytest.approx(rig.plant.position, abs=STEP + 0.01)
    assert bus.counters.unexpected == bus.counters.corrupt == bus.counters.timeouts == 0
    rig.motors[1].silent = True
    bus.read(rig.state)
    assert rig.state.fresh.tolist() == [True, False, False]
    bus.close()


def test_a_closed_bus_and_a_bus_with_too_many_motors_are_errors():
    rig = Rig(1)
    for act in (lambda: rig.hardware.read(rig.state), lambda: rig.hardware.write(rig.command), rig.hardware.enable):
        with pytest.raises(HardwareError, match="not open"):
            act()
    with pytest.raises(HardwareError, match="83"):
        Rig(84).hardware.open()


def test_narrower_limits_and_a_reversed_phase_are_reported():
    rig = Rig(1)
    rig.motors[0].memory.set("max_position_limit", 3000)
    rig.motors[0].memory.set("phase", 12 | 128)
    rig.motors[0].encoder.load()
    rig.hardware.open()
    assert "narrower" in " ".join(rig.hardware.notices)
    assert "phase" in " ".join(rig.hardware.notices)
    rig.hardware.enable()
    rig.command.position[:] = 2.0  # beyond the motor's limits
    rig.hardware.write(rig.command)
    rig.settle()
    assert rig.motors[0].memory.get("goal_position") == 3000
    rig.hardware.close()


def test_a_motor_left_in_multi_turn_mode_is_reset():
    rig = Rig(1)
    for name, value in {"min_position_limit": 0, "max_position_limit": 0, "phase": 12 | 16}.items():
        rig.motors[0].memory.set(name, value)
    rig.motors[0].encoder.load()
    rig.hardware.open()
    assert (rig.motors[0].memory.get("max_position_limit"), rig.motors[0].memory.get("phase")) == (4095, 12)
