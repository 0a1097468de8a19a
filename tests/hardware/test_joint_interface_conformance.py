"""Laws of the joint-level interface, run on every family and every shipped robot: in lockstep, and over ports.

A family takes part by being in `DRIVERS` and `FAMILIES` and by having a shipped robot.
"""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pydantic import TypeAdapter
from served import serving

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import MonotonicClock, VirtualClock
from sim2real.hardware.drivers import DRIVERS
from sim2real.hardware.emulator.families import FAMILIES
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.robot import RobotHardware, open_serial_ports
from sim2real.hardware.types import JointCommand, JointState

TICK_NS = 10_000_000
MINUTE_TICKS = 6000
ROBOTS = ["pendulum", "so101", "quadruped", "hopper_leg"]


class TracedPlant(InertiaPlant):
    """Joints without load that remember where they were."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__(robot)
        self.trace: list[np.ndarray] = []

    def step(self, effort: np.ndarray) -> None:
        super().step(effort)
        self.trace.append(np.stack([self.position, self.velocity]))


class Rig:
    """A robot's hardware in lockstep with the emulated robot behind it; joints without load."""

    def __init__(self, name: str, *entries: dict, seed: int = 0) -> None:
        faults = TypeAdapter(FaultsConfig).validate_python({"name": "test", "seed": 1, "faults": list(entries)})
        self.config = load_robot(name)
        self.joints = list(self.config.joints.values())
        self.names = list(self.config.joints)
        self.plant = TracedPlant(self.config)
        self.emulated = EmulatedRobot(self.config, self.plant, faults, seed)
        self.motors = list(self.emulated.motors.values())
        self.clock = VirtualClock()
        self.hardware = self.driver()
        self.state = JointState.empty(len(self.joints))
        self.command = JointCommand.zeros(len(self.joints))
        self.command.stiffness[:] = [joint.stiffness for joint in self.joints]
        self.command.damping[:] = [joint.damping for joint in self.joints]
        self.by_effort = self.joints[0].mode == "current"

    def driver(self) -> RobotHardware:
        return RobotHardware(self.config, lockstep_transports(self.emulated, self.clock), self.clock)

    def enabled(self) -> "Rig":
        self.hardware.open()
        self.hardware.read(self.state)
        self.command.position[:] = self.state.position
        self.hardware.enable()
        return self

    def ticks(self, count: int, each: Callable[[], None] = lambda: None, write: bool = True) -> None:
        for _ in range(count):
            deadline_ns = self.clock.now_ns() + TICK_NS
            self.settle()
            self.plant.trace[:-1] = []
            self.hardware.read(self.state)
            each()
            if write:
                self.hardware.write(self.command)
            self.clock.sleep_until_ns(deadline_ns)
        self.settle()

    def rest(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))
        self.settle()

    def settle(self) -> None:
        self.emulated.advance_to(self.clock.now_ns())

    def check_truth(self) -> None:
        """What is fresh is what the joint has been since the read began, and no earlier: to the register."""
        self.settle()
        fresh, trace = self.state.fresh, np.array(self.plant.trace)
        readings = np.stack([self.state.position, self.state.velocity])[:, fresh]
        error = np.array([[1.01 * self.count()], [1.01 * max(joint.motor.velocity_unit for joint in self.joints)]])
        assert (readings >= trace.min(axis=0)[:, fresh] - error).all()
        assert (readings <= trace.max(axis=0)[:, fresh] + error).all()

    def torques(self) -> list[bool]:
        return [motor.torque_enabled for motor in self.motors]

    def move(self, amplitude: float = 0.2) -> None:
        """Command a wave around the default pose, another one for each joint: a tick ago they were elsewhere."""
        phase = self.clock.now_ns() * 1e-9 * 12.0 + np.arange(len(self.joints))
        default = np.array([joint.default_position for joint in self.joints])
        if self.by_effort:
            self.command.effort[:] = 0.5 * np.sin(phase)
        else:
            self.command.position[:] = default + amplitude * np.sin(phase)

    def count(self) -> float:
        """Resolution of the coarsest encoder, rad."""
        return max(2 * math.pi / joint.motor.counts_per_revolution for joint in self.joints)


@pytest.fixture(params=ROBOTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rig(name: str) -> Rig:
    return Rig(name)


def test_every_family_is_here():
    protocols = {bus.protocol for robot in map(load_robot, ROBOTS) for bus in robot.buses.values()}
    assert set(DRIVERS) == set(FAMILIES) == protocols


def test_names_are_those_of_the_robot_in_its_order(rig):
    assert rig.hardware.joint_names == rig.config.joint_names


def test_open_leaves_torque_off_also_where_it_was_on(rig):
    rig.enabled().ticks(3)
    assert all(rig.torques())
    again = rig.driver()  # a runtime that crashed has left the motors as they are
    again.open()
    rig.settle()
    assert not any(rig.torques())


def test_readings_are_the_true_joint_state_to_the_register(rig):
    rng = np.random.default_rng(1)
    offset = rng.uniform(-0.4, 0.4, len(rig.joints))
    rig.plant.position[:] += offset
    rig.hardware.open()
    rig.hardware.read(rig.state)
    assert rig.state.fresh.all()
    assert rig.state.position == pytest.approx(rig.plant.position, abs=1.01 * rig.count())
    assert rig.state.velocity == pytest.approx(np.zeros(len(rig.joints)), abs=1e-6)
    assert rig.state.voltage == pytest.approx(rig.config.supply_voltage, abs=0.11)
    assert rig.state.temperature == pytest.approx(25.0, abs=1.0)


def test_enable_does_not_jump(rig):
    rig.plant.position[:] += 0.1
    before = rig.plant.position.copy()
    rig.hardware.open()
    rig.hardware.enable()
    for _ in range(5):
        rig.hardware.read(rig.state)
        rig.clock.sleep_until_ns(rig.clock.now_ns() + TICK_NS)
    rig.settle()
    assert rig.plant.position == pytest.approx(before, abs=2 * rig.count())


def test_commands_move_the_joint_they_name_the_way_they_say(name):
    for index in range(len(Rig(name).joints)):
        rig = Rig(name).enabled()
        start = rig.plant.position.copy()
        if rig.by_effort:
            rig.command.effort[index] = 0.3
        else:
            rig.command.position[index] += 0.15
        rig.ticks(60)
        moved = rig.plant.position - start
        assert moved[index] > 0.05
        others = np.delete(moved, index)
        assert others == pytest.approx(np.zeros(len(others)), abs=3 * rig.count())


def test_readings_are_of_now_while_the_joints_move(rig):
    rig.enabled()

    def look() -> None:
        assert rig.state.fresh.all()
        assert (rig.state.stamp_ns <= rig.clock.now_ns()).all()
        rig.check_truth()
        rig.move()

    rig.ticks(100, look)
    assert np.abs(rig.plant.velocity).max() > 0.5


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply"])
def test_missed_readings_keep_values_and_stamp_and_are_counted(name, kind):
    rig = Rig(name, {"kind": kind, "start": "50 ms", "duration": "100 ms"}).enabled()
    joints = len(rig.joints)
    missed = np.zeros(joints, int)
    before = (np.full(joints, np.nan), np.full(joints, -1))

    def look() -> None:
        nonlocal before, missed
        state = rig.state
        stale = ~state.fresh
        missed = missed + stale
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


@pytest.mark.slow
def test_a_minute_of_lost_late_damaged_and_doubled_replies_gives_no_wrong_reading(name):
    """What is fresh is true, of that joint and of that register."""
    entries = (
        {"kind": "lose_reply", "probability": 0.05},
        {"kind": "corrupt_reply", "probability": 0.02},
        {"kind": "duplicate_reply", "probability": 0.02},
        {"kind": "delay_reply", "probability": 0.02, "delay": "9 ms"},
    )
    rig = Rig(name, *entries).enabled()
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

    ticks = MINUTE_TICKS
    rig.ticks(ticks, look)
    injected = rig.emulated.faults.injected
    assert all(injected[entry["kind"]] > 20 for entry in entries)
    assert (seen > 0.3 * ticks).all()
    assert (seen < ticks).all()


def test_a_client_that_stops_is_stopped_in_its_time(rig):
    rig.enabled()
    rig.ticks(5, rig.move)
    rig.rest(rig.config.safety.watchdog + 0.03)
    # One that is driven to a position may also stand where it is.
    assert all(motor.watchdog_tripped or not motor.driven for motor in rig.motors)
    rig.ticks(20, write=False)
    assert rig.state.faults.all()


@pytest.mark.parametrize("kind", ["overheat", "overload"])
def test_hardware_errors_are_faults_of_their_joint(name, kind):
    last = list(load_robot(name).joints)[-1]
    rig = Rig(name, {"kind": kind, "joint": last, "start": "50 ms"}).enabled()
    rig.ticks(30)
    faulty = [bool(faults) for faults in rig.state.faults]
    assert faulty == [joint == last for joint in rig.names]


def test_after_a_power_cycle_torque_stays_off_and_it_is_a_fault(name):
    last = list(load_robot(name).joints)[-1]
    rig = Rig(name, {"kind": "power_cycle", "joint": last, "start": "50 ms"}).enabled()
    rig.ticks(120)
    assert not rig.motors[-1].torque_enabled
    assert rig.state.faults[-1]


@pytest.mark.parametrize("field", ["position", "velocity", "effort"])
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_target_that_is_not_finite_is_refused_and_nothing_is_sent(rig, field, poison):
    rig.enabled().ticks(2)
    writes = rig.hardware.counters.writes
    getattr(rig.command, field)[-1] = poison
    with pytest.raises(ValueError, match="finite"):
        rig.hardware.write(rig.command)
    assert rig.hardware.counters.writes == writes


@pytest.mark.parametrize("end", ["disable", "close"])
def test_torque_is_off_after_disable_and_after_close(rig, end):
    rig.enabled().ticks(3)
    getattr(rig.hardware, end)()
    rig.settle()
    assert not any(rig.torques())


def test_torque_is_off_after_an_enable_that_one_motor_refused(rig):
    rig.hardware.open()
    rig.motors[-1].silent = True
    with pytest.raises(HardwareError, match=rig.names[-1]):
        rig.hardware.enable()
    rig.settle()
    assert not any(rig.torques())


def test_disable_tries_every_motor_and_names_the_one_that_did_not_confirm(rig):
    rig.enabled().ticks(2)
    rig.motors[0].silent = True
    with pytest.raises(HardwareError, match=rig.names[0]):
        rig.hardware.disable()
    rig.settle()
    assert rig.torques()[1:] == [False] * (len(rig.joints) - 1)


def test_port_that_vanishes_is_an_error_and_closing_still_is_not(name):
    rig = Rig(name, {"kind": "unplug", "start": "50 ms"}).enabled()
    with pytest.raises(PortLostError):
        rig.ticks(50)
    assert not rig.state.fresh.any() or len(rig.config.buses) > 1
    rig.hardware.close()


def test_closing_twice_does_nothing_and_closing_before_open_is_allowed(name):
    rig = Rig(name).enabled()
    rig.hardware.close()
    rig.hardware.close()
    Rig(name).hardware.close()


def test_a_missing_motor_is_named(rig):
    rig.motors[-1].silent = True
    with pytest.raises(HardwareError, match=rig.names[-1]):
        rig.hardware.open()
    rig.settle()
    assert not any(rig.torques())


def test_two_runs_in_lockstep_are_the_same_to_the_bit(name):
    def run() -> tuple[list[bytes], int, str]:
        rig = Rig(name, {"kind": "lose_reply", "probability": 0.1}).enabled()
        seen: list[bytes] = []

        def look() -> None:
            rig.move()
            seen.append(rig.state.position.tobytes() + rig.state.stamp_ns.tobytes() + rig.state.fresh.tobytes())

        rig.ticks(60, look)
        return seen, rig.clock.now_ns(), repr(rig.emulated.snapshot())

    assert run() == run()


@pytest.fixture
def ports(name: str) -> Iterator[tuple[RobotConfig, EmulatedRobot, dict[str, str]]]:
    config = load_robot(name)
    with serving(config) as server:
        yield config, server.emulated, server.ports


@pytest.mark.realtime
def test_the_same_over_ports(ports):
    config, emulated, paths = ports
    clock = MonotonicClock()
    hardware = RobotHardware(config, open_serial_ports(config, paths, clock), clock)
    motors = list(emulated.motors.values())  # looked at, not touched
    state, command = JointState.empty(len(motors)), JointCommand.zeros(len(motors))
    joints = list(config.joints.values())
    command.stiffness[:] = [joint.stiffness for joint in joints]
    command.damping[:] = [joint.damping for joint in joints]
    hardware.open()
    assert not any(motor.torque_enabled for motor in motors)
    deadline = time.monotonic() + 30.0
    goal = np.array([joint.default_position for joint in joints]) + 0.2
    command.effort[:] = 0.2
    command.position[:] = goal
    hardware.enable()
    while not (emulated.plant.position > goal - 0.15).all():
        assert time.monotonic() < deadline
        hardware.read(state)
        if not all(motor.driven for motor in motors):  # a busy machine may let a watchdog expire
            hardware.disable()
            hardware.enable()
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + TICK_NS)
    hardware.close()
    assert not any(motor.torque_enabled for motor in motors)
