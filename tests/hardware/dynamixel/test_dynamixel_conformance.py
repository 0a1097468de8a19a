"""Laws of the joint interface at register level, for the Dynamixel driver in both modes: in lockstep and over a pty."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from emulated import robot_of
from pydantic import TypeAdapter
from served import served

from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import MonotonicClock, VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import JointCommand, JointState, MotorFault

TICK_NS = 10_000_000
COUNT = 2 * math.pi / 4096


class Rig:
    """A driver in lockstep with the emulated robot."""

    def __init__(self, joints: int, *entries: dict, **updates: object) -> None:
        faults = TypeAdapter(FaultsConfig).validate_python({"name": "test", "seed": 1, "faults": list(entries)})
        self.config = robot_of(joints, **updates)
        self.plant = InertiaPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant, faults)
        self.clock = VirtualClock()
        self.hardware = RobotHardware(self.config, lockstep_transports(self.emulated, self.clock), self.clock)
        self.state = JointState.empty(joints)
        self.command = JointCommand.zeros(joints)

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

    def settle(self) -> None:
        self.emulated.advance_to(self.clock.now_ns())

    def torques(self) -> list[bool]:
        return [motor.torque_enabled for motor in self.emulated.motors.values()]


MODES = ["current", "position"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("joints", [1, 3])
def test_open_switches_torque_off_if_it_was_on(joints, mode):
    rig = Rig(joints, mode=mode)
    for motor in rig.emulated.motors.values():
        assert motor.write_register("torque_enable", 1) is None
    rig.hardware.open()
    assert not any(rig.torques())
    assert rig.hardware.joint_names == rig.config.joint_names


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("direction", [1, -1])
def test_readings_are_the_true_joint_state_to_the_register(mode, direction):
    rig = Rig(3, mode=mode, direction=direction)
    rig.plant.position[:] = (0.5, -0.25, 1.0)
    rig.hardware.open()
    rig.hardware.read(rig.state)
    assert rig.state.fresh.all()
    assert rig.state.position == pytest.approx(rig.plant.position, abs=0.51 * COUNT)
    assert rig.state.velocity == pytest.approx(np.zeros(3))
    assert rig.state.voltage == pytest.approx(np.full(3, 12.0))
    assert rig.state.temperature == pytest.approx(np.full(3, 25.0))


@pytest.mark.parametrize("mode", MODES)
def test_enable_does_not_jump(mode):
    rig = Rig(3, mode=mode)
    rig.plant.position[:] = (0.5, -0.4, 0.1)
    before = rig.plant.position.copy()
    rig.hardware.open()
    rig.hardware.enable()
    for _ in range(5):
        rig.hardware.read(rig.state)
        rig.clock.sleep_until_ns(rig.clock.now_ns() + TICK_NS)
    rig.settle()
    assert all(rig.torques())
    assert rig.plant.position == pytest.approx(before, abs=COUNT)


@pytest.mark.parametrize("direction", [1, -1])
def test_effort_command_is_the_torque_at_the_joint(direction):
    rig = Rig(2, mode="current", direction=direction).enabled()
    rig.command.effort[:] = (0.3, -0.2)
    rig.ticks(2)
    torque = [direction * value for value in rig.emulated.electrics.torque]
    unit = 0.00269 * rig.config.joints["pivot"].motor.torque_constant
    assert torque == pytest.approx([0.3, -0.2], abs=0.51 * unit)
    assert rig.plant.velocity[0] > 0 > rig.plant.velocity[1]
    rig.hardware.read(rig.state)
    assert rig.state.effort == pytest.approx(torque, abs=0.51 * unit)


@pytest.mark.parametrize("direction", [1, -1])
def test_position_command_is_reached(direction):
    rig = Rig(2, mode="position", direction=direction, stiffness=0.0).enabled()  # factory gains
    rig.command.position[:] = (0.4, -0.3)
    rig.ticks(200)
    assert rig.plant.position == pytest.approx([0.4, -0.3], abs=6 * COUNT)


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply"])
def test_missed_reading_keeps_values_and_stamp_and_is_counted(kind):
    rig = Rig(1, {"kind": kind, "start": "50 ms", "duration": "100 ms"}, mode="current").enabled()
    rig.command.effort[:] = 0.2
    missed: list[bool] = []
    before = (math.nan, -1)

    def check() -> None:
        nonlocal before
        now = (float(rig.state.position[0]), int(rig.state.stamp_ns[0]))
        missed.append(not rig.state.fresh[0])
        assert now == before if missed[-1] else now[1] > before[1]
        before = now

    rig.ticks(30, check)
    assert 5 <= sum(missed) <= 12
    assert not missed[0]
    assert not missed[-1]
    counters = rig.hardware.counters
    assert counters.by_joint["pivot"] == sum(missed)
    assert counters.timeouts + counters.corrupt >= sum(missed)


def test_duplicated_and_late_replies_are_never_mistaken_for_new_ones():
    entries = (
        {"kind": "duplicate_reply", "probability": 0.3},
        {"kind": "delay_reply", "probability": 0.2, "delay": "9 ms"},
    )
    rig = Rig(1, *entries, mode="current").enabled()
    rig.command.effort[:] = 0.2

    def check() -> None:
        if rig.state.fresh[0]:
            age_s = (rig.clock.now_ns() - rig.state.stamp_ns[0]) * 1e-9  # a status read discarded it
            now = rig.state.position[0] + age_s * rig.state.velocity[0]
            assert now == pytest.approx(rig.plant.position[0], abs=0.015)

    rig.ticks(100, check)
    assert rig.emulated.faults.injected["delay_reply"] > 5


def test_the_watchdog_stops_a_silent_motor_in_time():
    rig = Rig(1, {"kind": "silent", "joint": "pivot", "start": "100 ms"}, mode="current").enabled()
    rig.command.effort[:] = 0.1
    start_ns = rig.clock.now_ns()
    rig.ticks(10)
    bound_ns = round((0.1 + rig.config.safety.watchdog) * 1e9) + TICK_NS
    while rig.clock.now_ns() - start_ns < bound_ns:
        rig.ticks(1)
    assert not rig.emulated.motors["pivot"].driven
    assert rig.emulated.electrics.torque == pytest.approx([0.0], abs=1e-9)
    assert not rig.state.fresh.any()


@pytest.mark.parametrize("mode", MODES)
def test_the_watchdog_stops_the_motors_of_a_stalled_client_which_then_sees_the_fault(mode):
    rig = Rig(2, mode=mode).enabled()
    rig.emulated.lines["main"].supervisor.stop()  # the motors' own watchdogs are the second line
    rig.ticks(3)
    rig.clock.sleep_until_ns(rig.clock.now_ns() + round(rig.config.safety.watchdog * 1e9) + 3_000_000)
    rig.settle()
    assert all(motor.watchdog_tripped for motor in rig.emulated.motors.values())
    rig.ticks(8, write=False)
    assert all(int(faults) & MotorFault.WATCHDOG for faults in rig.state.faults)


@pytest.mark.parametrize(("kind", "fault"), [("overheat", MotorFault.OVERHEATING), ("overload", MotorFault.OVERLOAD)])
def test_hardware_errors_are_faults_of_their_joint(kind, fault):
    rig = Rig(2, {"kind": kind, "joint": "joint2", "start": "50 ms"}, mode="current").enabled()
    rig.ticks(20)
    assert [int(faults) & fault for faults in rig.state.faults] == [0, fault]
    assert rig.torques() == [True, False]


def test_power_cycle_is_a_fault_and_torque_stays_off():
    rig = Rig(1, {"kind": "power_cycle", "joint": "pivot", "start": "50 ms"}, mode="current").enabled()
    rig.ticks(120)
    assert rig.state.faults[0]
    assert not any(rig.torques())


@pytest.mark.parametrize("field", ["position", "velocity", "effort"])
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_target_that_is_not_finite_is_refused_and_nothing_is_sent(field, poison):
    rig = Rig(2, mode="current").enabled()
    rig.command.effort[:] = 0.1
    rig.ticks(2)
    before = [motor.read_register("goal_current") for motor in rig.emulated.motors.values()]
    rig.command.effort[0] = 0.3
    getattr(rig.command, field)[1] = poison
    with pytest.raises(ValueError, match="finite"):
        rig.hardware.write(rig.command)
    rig.settle()
    assert [motor.read_register("goal_current") for motor in rig.emulated.motors.values()] == before


@pytest.mark.parametrize("end", ["disable", "close"])
@pytest.mark.parametrize("mode", MODES)
def test_torque_is_off_after_disable_and_after_close(end, mode):
    rig = Rig(3, mode=mode).enabled()
    rig.ticks(3)
    getattr(rig.hardware, end)()
    rig.settle()
    assert not any(rig.torques())


def test_torque_is_off_after_an_enable_that_one_motor_refused():
    rig = Rig(3, mode="current")
    rig.hardware.open()
    rig.emulated.motors["joint3"].silent = True
    with pytest.raises(HardwareError, match="joint3"):
        rig.hardware.enable()
    rig.settle()
    assert not any(rig.torques())


def test_disable_tries_every_motor_and_names_the_one_that_did_not_confirm():
    rig = Rig(3, mode="current").enabled()
    rig.ticks(2)
    rig.emulated.motors["pivot"].silent = True
    with pytest.raises(HardwareError, match="pivot"):
        rig.hardware.disable()
    rig.settle()
    assert rig.torques() == [True, False, False]
    rig.clock.sleep_until_ns(rig.clock.now_ns() + round(rig.config.safety.watchdog * 1e9) + 3_000_000)
    rig.settle()
    assert not any(motor.driven for motor in rig.emulated.motors.values())


def test_a_vanished_port_is_an_error_but_close_does_not_raise():
    rig = Rig(1, {"kind": "unplug", "start": "50 ms"}, mode="current").enabled()
    with pytest.raises(PortLostError):
        rig.ticks(50)
    rig.hardware.close()
    rig.clock.sleep_until_ns(rig.clock.now_ns() + round(rig.config.safety.watchdog * 1e9) + 3_000_000)
    rig.settle()
    assert not rig.emulated.motors["pivot"].driven


def test_closing_twice_does_nothing_and_closing_before_open_is_allowed():
    rig = Rig(1, mode="current").enabled()
    rig.hardware.close()
    rig.hardware.close()
    Rig(1).hardware.close()


def test_a_missing_motor_and_another_model_are_named():
    rig = Rig(2)
    rig.emulated.motors["joint2"].silent = True
    with pytest.raises(HardwareError, match="joint2"):
        rig.hardware.open()
    rig = Rig(2)
    rig.emulated.motors["joint2"].memory.set("model_number", 1030)
    with pytest.raises(HardwareError, match="joint2"):
        rig.hardware.open()


def test_two_runs_in_lockstep_are_bit_identical():
    def run() -> tuple[list[bytes], int, dict]:
        rig = Rig(2, {"kind": "lose_reply", "probability": 0.1}, mode="current").enabled()
        seen: list[bytes] = []

        def check() -> None:
            rig.command.effort[:] = 0.2 * np.sin(rig.state.stamp_ns * 1e-8)
            seen.append(rig.state.position.tobytes() + rig.state.stamp_ns.tobytes() + rig.state.fresh.tobytes())

        rig.ticks(100, check)
        return seen, rig.clock.now_ns(), rig.emulated.snapshot()

    assert run() == run()


@pytest.fixture
def ports() -> Iterator[tuple[object, dict[str, str]]]:
    with served(2, mode="current") as server:
        yield server, server.ports


@pytest.mark.realtime
def test_joints_move_over_a_pseudo_terminal(ports):
    server, paths = ports
    config = robot_of(2, mode="current")
    clock = MonotonicClock()
    hardware = RobotHardware(config, open_serial_ports(config, paths, clock), clock)
    motors = list(server.emulated.motors.values())  # read only
    state, command = JointState.empty(2), JointCommand.zeros(2)
    hardware.open()
    assert not any(motor.torque_enabled for motor in motors)
    hardware.read(state)
    assert state.fresh.any()
    hardware.enable()
    assert all(motor.torque_enabled for motor in motors)
    command.effort[:] = (0.2, -0.2)
    deadline = time.monotonic() + 30.0
    while not (np.abs(state.velocity) > 0.3).all():  # a busy machine may let the watchdog expire: enable again
        assert time.monotonic() < deadline
        hardware.read(state)
        if any(motor.watchdog_tripped for motor in motors):
            hardware.enable()
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + TICK_NS)
    assert state.velocity[0] > 0 > state.velocity[1]
    hardware.close()
    assert not any(motor.torque_enabled for motor in motors)
