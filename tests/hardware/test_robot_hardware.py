"""Laws of a robot on several buses, and of the driver against the emulated firmware in lockstep."""

import math

import numpy as np
import pytest
from emulated import robot_of
from scripted_motors import PIVOT, ROBOT, ScriptedBus, ScriptedMotor

from sim2real.configs.schema.fault import DelayFaultConfig, MotorFaultConfig, ReplyFaultConfig, UnplugFaultConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState, MotorFault

PERIOD_NS = 10_000_000
COUNT = math.tau / 4096


def two_buses():
    """Return four joints that alternate between two buses."""
    main = ROBOT.buses["main"]
    joints = {
        name: PIVOT.model_copy(update={"bus": bus, "id": motor, "zero": 0.0})
        for name, bus, motor in (("a", "left", 1), ("b", "right", 1), ("c", "left", 2), ("d", "right", 2))
    }
    robot = ROBOT.model_copy(update={"buses": {"left": main, "right": main}, "joints": joints})
    clock = VirtualClock()
    buses = {name: ScriptedBus([ScriptedMotor(1), ScriptedMotor(2)], clock) for name in robot.buses}
    return RobotHardware(robot, buses, clock), buses


def test_joints_keep_the_order_of_the_yaml_when_buses_interleave():
    hardware, buses = two_buses()
    hardware.open()
    assert hardware.joint_names == ("a", "b", "c", "d")
    motors = [buses["left"].motors[1], buses["right"].motors[1], buses["left"].motors[2], buses["right"].motors[2]]
    for index, motor in enumerate(motors):
        motor.set("present_position", 100 * (index + 1))
    state, command = JointState.empty(4), JointCommand.zeros(4)
    hardware.read(state)
    np.testing.assert_allclose(state.position, np.array([100, 200, 300, 400]) * COUNT)
    assert state.fresh.all()
    command.effort[:] = [0.1, 0.2, 0.3, 0.4]
    hardware.write(command)
    units = 4.1 / 2.3 * 0.00269
    assert [motor.get("goal_current") for motor in motors] == [round(effort / units) for effort in command.effort]
    assert (hardware.counters.reads, hardware.counters.writes) == (2, 2)
    assert set(hardware.counters.by_joint) == {"a", "b", "c", "d"}


def test_a_target_that_is_not_finite_is_sent_on_no_bus():
    hardware, buses = two_buses()
    hardware.open()
    command = JointCommand.zeros(4)
    command.effort[3] = math.nan
    sent = [len(bus.written) for bus in buses.values()]
    with pytest.raises(ValueError, match="not finite"):
        hardware.write(command)
    assert [len(bus.written) for bus in buses.values()] == sent


def test_a_motor_that_refuses_switches_torque_off_on_all_buses():
    hardware, buses = two_buses()
    hardware.open()
    buses["right"].motors[2].refuse["torque_enable"] = 7
    with pytest.raises(HardwareError, match="joint 'd'"):
        hardware.enable()
    for bus in buses.values():
        assert [motor.get("torque_enable") for motor in bus.motors.values()] == [0, 0]


def test_disable_tries_all_buses_and_close_closes_them():
    hardware, buses = two_buses()
    hardware.open()
    hardware.enable()
    buses["left"].lost = True
    with pytest.raises(HardwareError, match="torque may still be on"):
        hardware.disable()
    assert [motor.get("torque_enable") for motor in buses["right"].motors.values()] == [0, 0]
    hardware.close()
    assert all(bus.closed for bus in buses.values())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("call", ["open", "enable", "disable"])
def test_a_bug_of_one_family_or_ctrl_c_leaves_no_torque_on_elsewhere(error, call, monkeypatch):
    # A driver that raised anything but HardwareError kept the other buses from being switched off.
    hardware, buses = two_buses()
    hardware.open()
    hardware.enable()
    broken = buses["left" if call == "disable" else "right"]

    def fail(_data: bytes) -> None:
        raise error

    monkeypatch.setattr(broken, "write", fail)
    with pytest.raises(error):
        getattr(hardware, call)()
    for bus in buses.values():
        if bus is not broken:
            assert [motor.get("torque_enable") for motor in bus.motors.values()] == [0, 0]
    with pytest.raises(error):
        hardware.close()
    assert all(bus.closed for bus in buses.values())


def test_a_bus_that_does_not_open_leaves_torque_off_on_the_others():
    hardware, buses = two_buses()
    buses["right"].motors[1].silent = True
    with pytest.raises(HardwareError, match="no answer"):
        hardware.open()
    with pytest.raises(HardwareError, match="no port for bus 'left'"):
        RobotHardware(hardware_config(), {}, VirtualClock())


def hardware_config():
    joints = {"a": PIVOT.model_copy(update={"bus": "left"})}
    return ROBOT.model_copy(update={"buses": {"left": ROBOT.buses["main"]}, "joints": joints})


class Lockstep:
    """The emulated robot and its driver, ticking at 100 Hz."""

    def __init__(self, *faults, joints=3):
        config = robot_of(joints)
        self.emulated = EmulatedRobot(config, InertiaPlant(config), FaultsConfig(name="test", faults=faults), seed=1)
        self.clock = VirtualClock()
        self.hardware = RobotHardware(config, lockstep_transports(self.emulated, self.clock), self.clock)
        self.state, self.command = JointState.empty(joints), JointCommand.zeros(joints)
        self.hardware.open()
        self.hardware.enable()
        self._next_ns = self.clock.now_ns()

    def tick(self, effort=0.0):
        self.hardware.read(self.state)
        self.command.effort.fill(effort)
        self.hardware.write(self.command)
        self._next_ns = max(self._next_ns + PERIOD_NS, self.clock.now_ns())
        self.clock.sleep_until_ns(self._next_ns)

    def run(self, ticks):
        for _ in range(ticks):
            self.tick()


def test_emulated_motors_follow_commands():
    bench = Lockstep()
    for _ in range(50):
        bench.tick(0.2)
    assert (bench.state.velocity > 0).all()
    assert bench.hardware.counters.timeouts == 0
    bench.hardware.close()
    assert bench.emulated.snapshot()["torque_off"]


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"])
def test_damaged_replies_are_counted_and_the_run_continues(kind):
    bench = Lockstep(ReplyFaultConfig(kind=kind, probability=0.2))
    fresh = 0
    for _ in range(200):
        bench.tick()
        fresh += int(bench.state.fresh.sum())
        # Only friction acts on the shafts: a reading far from zero was never sent.
        assert (np.abs(bench.state.position[bench.state.fresh]) < 4.0).all()
    counters = bench.hardware.counters
    assert fresh > 100
    # Every injected fault shows in a counter, except a duplicate that is discarded before the next request.
    assert kind == "duplicate_reply" or counters.timeouts + counters.corrupt > 0
    assert (bench.state.faults == 0).all()


def test_late_replies_are_never_mistaken_for_the_next():
    bench = Lockstep(DelayFaultConfig(kind="delay_reply", probability=0.3, delay="12 ms"), joints=1)
    for _ in range(200):
        bench.tick(0.3)
        if bench.state.fresh[0]:
            shaft = bench.emulated.joint_angle("pivot")
            # The motion of one tick at 9 rad/s plus the age of the sample; an older reading is farther away.
            assert bench.state.position[0] == pytest.approx(shaft, abs=0.12)
    assert bench.hardware.counters.unexpected > 0


def test_a_silent_motor_is_not_fresh():
    bench = Lockstep(MotorFaultConfig(kind="silent", joint="joint3", start="100 ms"))
    for _ in range(30):
        bench.tick()
    assert bench.state.fresh.tolist() == [True, True, False]
    assert bench.hardware.counters.by_joint["joint3"] > 10
    with pytest.raises(HardwareError, match="joint3"):
        bench.hardware.disable()


@pytest.mark.parametrize(("kind", "fault"), [("overload", MotorFault.OVERLOAD), ("power_cycle", MotorFault.RESTARTED)])
def test_faults_of_a_motor_reach_the_state(kind, fault):
    bench = Lockstep(MotorFaultConfig(kind=kind, joint="joint2", start="100 ms"))
    for _ in range(300):
        bench.tick()
    assert bench.state.faults.tolist() == [0, fault, 0]


def test_a_pause_longer_than_the_watchdog_shows():
    bench = Lockstep()
    bench.tick()
    bench.clock.sleep_until_ns(bench.clock.now_ns() + 300_000_000)
    for _ in range(3):
        bench.hardware.read(bench.state)
    assert bench.state.faults.tolist() == [MotorFault.WATCHDOG] * 3
    bench.hardware.enable()
    for _ in range(3):
        bench.hardware.read(bench.state)
    assert bench.state.faults.tolist() == [0, 0, 0]


def test_an_unplugged_adapter_is_a_lost_port():
    bench = Lockstep(UnplugFaultConfig(kind="unplug", start="50 ms"))
    with pytest.raises(PortLostError):
        bench.run(20)
    bench.hardware.close()
