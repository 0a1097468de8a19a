"""Laws of a robot opened by hand: torque is off on every way out, and no target outside the limits is sent."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.lockstep import LockstepTransport, lockstep_transports
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand
from sim2real.runtime import open_robot as module
from sim2real.runtime.emulation import Lockstep, lockstep
from sim2real.runtime.exit_signals import exit_on_signals
from sim2real.runtime.open_robot import OpenRobot, opened

ROBOTS = ["pendulum", "so101", "hopper_leg", "quadruped"]  # Dynamixel current, Feetech, moteus, Dynamixel with an IMU


class Rig:
    """An emulated robot in lockstep, without load, and the robot opened on it."""

    def __init__(self, name: str, *faults: dict) -> None:
        self.config = load_robot(name)
        script = FaultsConfig.model_validate({"name": "test", "seed": 1, "faults": faults}) if faults else None
        self.world: Lockstep = lockstep(self.config, plant="inertia", faults=script)
        self.first = self.config.joint_names[0]
        self.joint = self.config.joints[self.first]

    @contextmanager
    def open(self) -> Iterator[OpenRobot]:
        with opened(self.config, self.world.hardware, self.world.clock) as robot:
            yield robot

    def rest(self, seconds: float) -> None:
        clock = self.world.clock
        clock.sleep_until_ns(clock.now_ns() + round(seconds * 1e9))

    @property
    def torques(self) -> list[bool]:
        self.world.snapshot()
        return [motor.torque_enabled for motor in self.world.emulated.motors.values()]

    def target(self, share: float = 0.0) -> dict[str, dict[str, float]]:
        """A target that the first joint follows: where it stands, and a share of the way to its limit."""
        if self.joint.mode == "current":
            return {"effort": {self.first: share * self.joint.effort_limit}}
        start, end = self.joint.default_position, self.joint.position_limits[1]
        return {"position": {self.first: start + share * (end - start)}}


@pytest.fixture(params=ROBOTS)
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


def working(rig: Rig, robot: OpenRobot) -> None:
    """Switch torque on and move a little."""
    robot.enable()
    for _ in range(5):
        robot.write(**rig.target(0.2))
        rig.rest(0.01)
    assert all(rig.torques)


class MistakeError(Exception):
    pass


@pytest.mark.parametrize("way", [MistakeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_torque_is_off_after_whatever_is_raised(rig, way):
    def work() -> None:
        with rig.open() as robot:
            working(rig, robot)
            raise way

    with pytest.raises(way):
        work()
    assert not any(rig.torques)


def test_torque_is_off_at_the_end_of_the_block_and_nothing_more_is_sent(rig):
    with rig.open() as robot:
        working(rig, robot)
    assert not any(rig.torques)
    assert not robot.enabled
    for call in (robot.read, robot.enable, lambda: robot.write(**rig.target())):
        with pytest.raises(UserError):
            call()
    assert not any(rig.torques)


def test_torque_is_off_when_a_generator_that_holds_the_robot_is_closed(rig):
    def ticks() -> Iterator[None]:
        with rig.open() as robot:
            working(rig, robot)
            yield

    running = ticks()
    next(running)
    assert all(rig.torques)
    running.close()
    assert not any(rig.torques)


def test_torque_is_off_when_the_robot_is_forgotten(rig):
    held = rig.open()
    working(rig, held.__enter__())
    del held
    assert not any(rig.torques)


def test_torque_is_off_after_disable_and_can_come_back(rig):
    with rig.open() as robot:
        working(rig, robot)
        robot.disable()
        assert not robot.enabled
        assert not any(rig.torques)
        working(rig, robot)
    assert not any(rig.torques)


def test_a_robot_that_does_not_open_has_no_torque_on_any_motor(rig):
    with rig.open() as robot:
        working(rig, robot)
        rig.world.emulated.motors[rig.config.joint_names[-1]].silent = True
        again = RobotHardware(rig.config, lockstep_transports(rig.world.emulated, rig.world.clock), rig.world.clock)
        with pytest.raises(HardwareError), opened(rig.config, again, rig.world.clock):
            pytest.fail("it opened without one of its motors")
        assert rig.torques[:-1] == [False] * (len(rig.torques) - 1)
        rig.world.emulated.motors[rig.config.joint_names[-1]].silent = False


@pytest.mark.parametrize("way", [KeyboardInterrupt, SystemExit])
def test_an_opening_that_is_interrupted_leaves_no_torque_of_a_program_before(rig, way, monkeypatch):
    write, writes = LockstepTransport.write, []

    def interrupted(self: LockstepTransport, data: bytes) -> None:
        writes.append(data)
        if len(writes) == 2:  # the first is about whether anybody is there
            raise way
        write(self, data)

    with rig.open() as robot:
        working(rig, robot)
        again = RobotHardware(rig.config, lockstep_transports(rig.world.emulated, rig.world.clock), rig.world.clock)
        monkeypatch.setattr(LockstepTransport, "write", interrupted)
        with pytest.raises(way), opened(rig.config, again, rig.world.clock):
            pytest.fail("it opened")
        assert len(writes) > 2
        assert not any(rig.torques)


@pytest.mark.parametrize("error", [HardwareError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_torque_is_off_when_enable_fails_or_is_interrupted(rig, error, monkeypatch):
    hardware = rig.world.hardware
    enable = type(hardware).enable

    def half_way(self) -> None:
        enable(self)
        raise error

    monkeypatch.setattr(type(hardware), "enable", half_way)
    with rig.open() as robot:
        with pytest.raises(type(error)):
            robot.enable()
        assert not robot.enabled
        assert not any(rig.torques)


def test_motors_that_nobody_talks_to_stop_and_the_next_call_says_so(rig):
    with rig.open() as robot:
        working(rig, robot)
        rig.rest(2 * rig.config.safety.watchdog)
        with pytest.raises(HardwareError, match=r"WATCHDOG.*torque was switched off"):
            robot.write(**rig.target(0.2))
        assert not robot.enabled
        assert not any(rig.torques)
        with pytest.raises(UserError, match="torque is off"):
            robot.write(**rig.target(0.2))


def lose_the_port_at_work(rig):
    with rig.open() as robot:
        working(rig, robot)
        for port in rig.world.emulated.ports.values():
            port.plug(False)
        with pytest.raises(PortLostError, match="vanished"):
            robot.read()
        assert not robot.enabled


def test_a_lost_port_is_an_error_and_so_is_torque_that_nobody_confirmed_off(rig):
    joint = rig.world.hardware.joint_names[0]
    with pytest.raises(HardwareError, match=f"^torque off was not confirmed; cut the power: .*'{joint}'"):
        lose_the_port_at_work(rig)


def raise_after_losing_the_port(rig):
    with rig.open() as robot:
        working(rig, robot)
        for port in rig.world.emulated.ports.values():
            port.plug(False)
        raise ZeroDivisionError


def test_an_exception_on_its_way_gets_it_as_a_note(rig):
    with pytest.raises(ZeroDivisionError) as raised:
        raise_after_losing_the_port(rig)
    assert raised.value.__notes__[0].startswith("torque off was not confirmed; cut the power: ")


def test_a_robot_that_was_only_read_says_nothing_of_torque(rig):
    with rig.open() as robot:
        robot.read()
        for port in rig.world.emulated.ports.values():
            port.plug(False)


def test_targets_begin_where_the_robot_is_after_torque_came_on(rig):
    with rig.open() as robot:
        hardware, enable = rig.world.hardware, rig.world.hardware.enable

        def enable_and_fall():
            enable()
            rig.world.emulated.plant.position[:] += 0.05

        hardware.enable = enable_and_fall
        robot.enable()
        sent = []
        write = hardware.write
        hardware.write = lambda command: sent.append(command.position.copy()) or write(command)
        robot.write()
        np.testing.assert_allclose(sent[0], robot.read().position, atol=0.02)


def test_nothing_is_written_without_torque(rig):
    with rig.open() as robot:
        writes = rig.world.hardware.counters.writes
        with pytest.raises(UserError, match="enable"):
            robot.write(**rig.target())
        assert rig.world.hardware.counters.writes == writes


WRONG = [float("nan"), float("inf"), -float("inf"), 1e9, -1e9, "far"]


@pytest.mark.parametrize("value", WRONG, ids=str)
def test_a_target_that_is_not_allowed_is_refused_in_one_line_and_not_sent(rig, value):
    quantity = "effort" if rig.joint.mode == "current" else "position"
    with rig.open() as robot:
        working(rig, robot)
        writes = rig.world.hardware.counters.writes
        values: list[object] = [joint.default_position for joint in rig.config.joints.values()]
        if quantity == "effort":
            values = [0.0] * len(values)
        for targets in ({rig.first: value}, [value, *values[1:]]):
            with pytest.raises(UserError) as refused:
                robot.write(**{quantity: targets})
            assert len(str(refused.value).splitlines()) == 1
        assert rig.world.hardware.counters.writes == writes
        assert robot.enabled
        robot.write(**rig.target())


def test_all_targets_of_a_write_are_taken_or_none():
    rig = Rig("so101")
    with rig.open() as robot:
        robot.enable()
        before = robot.read().position
        with pytest.raises(UserError, match="gripper"):
            robot.write({"shoulder_pan": 0.5, "gripper": 9.0})
        for _ in range(50):
            robot.write()
            rig.rest(0.01)
        np.testing.assert_allclose(robot.read().position, before, atol=0.02)


@pytest.mark.parametrize(
    ("name", "targets", "line"),
    [
        ("pendulum", {"position": {"pivot": 0.0}}, "mode current follows no position; valid: effort"),
        ("so101", {"effort": {"gripper": 0.1}}, "mode position follows no effort; valid: position"),
        ("so101", {"position": {"griper": 0.1}}, r"no joint named 'griper' \(did you mean 'gripper'\?\)"),
        ("so101", {"position": [0.0, 0.0]}, r"shape \(2,\); valid: \(6,\)"),
        ("hopper_leg", {"stiffness": {"knee": -1.0}}, "stiffness -1 N\\*m/rad is outside its limits"),
    ],
)
def test_what_a_joint_does_not_follow_is_refused(name, targets, line):
    rig = Rig(name)
    with rig.open() as robot:
        robot.enable()
        with pytest.raises(UserError, match=line):
            robot.write(**targets)


@pytest.mark.parametrize("name", ["so101", "hopper_leg", "quadruped"])
def test_a_position_target_moves_no_faster_than_the_joint_may(name):
    rig = Rig(name)
    goal = rig.target(0.9)
    with rig.open() as robot:
        robot.enable()
        reports = [robot.write(**goal)]
        last, last_ns = robot.read().joint(rig.first).position, rig.world.clock.now_ns()
        for _ in range(300):
            rig.rest(0.01)
            reports.append(robot.write(**goal))
        reading = robot.read()
        elapsed_s = (rig.world.clock.now_ns() - last_ns) * 1e-9
        assert abs(reading.joint(rig.first).position - last) <= rig.joint.velocity_limit * elapsed_s
        assert [event.reason for event in reports[0]] == ["POSITION_STEP"]
        assert reports[-1] == ()
    assert reading.joint(rig.first).position == pytest.approx(goal["position"][rig.first], abs=0.1)


def test_effort_does_not_push_a_joint_farther_beyond_its_limit():
    rig = Rig("pendulum")
    beyond = rig.joint.position_limits[1] + 0.1
    rig.world.emulated.plant.position[:] = beyond
    with rig.open() as robot:
        robot.enable()
        changed = robot.write(effort={"pivot": 0.5})
        assert [event.reason for event in changed] == ["POSITION_GUARD"]


def test_a_joint_beyond_its_margin_gets_no_torque():
    rig = Rig("pendulum")
    rig.world.emulated.plant.position[:] = rig.joint.position_limits[1] + rig.config.safety.position_margin + 0.1
    with rig.open() as robot:
        with pytest.raises(HardwareError, match="position of joint pivot"):
            robot.enable()
        assert robot.read().position[0] > rig.joint.position_limits[1]  # reading goes on
    assert not any(rig.torques)


def test_readings_have_names_units_and_arrays_of_their_own():
    rig = Rig("quadruped")
    with rig.open() as robot:
        rig.rest(0.1)
        first = robot.read()
        kept = first.position.copy()
        rig.world.emulated.plant.position[:] += 0.1
        second = robot.read()
        np.testing.assert_array_equal(first.position, kept)
        np.testing.assert_allclose(second.position - first.position, 0.1, atol=0.01)
        index = first.joint_names.index("rear_left_knee")
        assert first.joint("rear_left_knee").position == first.position[index]
        np.testing.assert_allclose(second.imu("trunk").orientation, (1.0, 0.0, 0.0, 0.0), atol=1e-2)
        assert second.imu("trunk").linear_acceleration[2] == pytest.approx(9.81, abs=0.1)
        for wrong in (lambda: first.joint("knee"), lambda: first.imu("head")):
            with pytest.raises(UserError, match="valid: "):
                wrong()


def test_a_reply_that_is_lost_now_and_then_disturbs_nothing():
    rig = Rig("so101", {"kind": "lose_reply", "probability": 0.05})
    with rig.open() as robot:
        robot.enable()
        for _ in range(200):
            robot.write(**rig.target(0.3))
            rig.rest(0.005)
        assert robot.enabled


def test_no_target_is_sent_on_a_reading_that_is_too_old():
    rig = Rig("pendulum")
    with rig.open() as robot:
        working(rig, robot)
        robot.read()
        reads = rig.world.hardware.counters.reads
        robot.write(**rig.target())
        assert rig.world.hardware.counters.reads == reads  # the reading of a moment ago will do
        robot.read()
        rig.rest(1.2 * rig.config.safety.reading_age_max)
        robot.write(**rig.target())
        assert rig.world.hardware.counters.reads == reads + 2


def test_while_replies_fail_to_come_the_robot_is_damped_and_then_goes_on():
    rig = Rig("pendulum", {"kind": "lose_reply", "start": "200 ms", "duration": "120 ms"})
    with rig.open() as robot:
        robot.enable()
        reasons = []
        for _ in range(60):
            reasons.append({event.reason for event in robot.write(effort={"pivot": 0.3})})
            rig.rest(0.005)
        assert {"STALE_READING"} in reasons
        assert reasons[0] == reasons[-1] == set()
        assert robot.enabled


def test_damping_replaces_the_target(monkeypatch):
    rig = Rig("pendulum", {"kind": "lose_reply", "start": "200 ms", "duration": "120 ms"})
    sent: list[float] = []
    write = type(rig.world.hardware).write

    def watch(self: RobotHardware, command: JointCommand) -> None:
        sent.append(float(command.effort[0]))
        write(self, command)

    monkeypatch.setattr(type(rig.world.hardware), "write", watch)
    with rig.open() as robot:
        robot.enable()
        for _ in range(60):
            stale = any(event.reason == "STALE_READING" for event in robot.write(effort={"pivot": 0.3}))
            assert sent[-1] == (0.0 if stale else 0.3)
            rig.rest(0.005)
    assert 0.0 in sent


@pytest.mark.parametrize(
    ("robot", "ports", "line"),
    [
        ("pendulm", None, "did you mean 'pendulum'"),
        ("pendulum", {"man": "/dev/null"}, "has no bus 'man'; valid: main"),
        ("pendulum", {"main": "/dev/no-such-port"}, "port /dev/no-such-port does not exist"),
        ("pendulum", {"main": "/dev/null"}, "/dev/null is not a serial port"),
    ],
)
def test_what_cannot_be_opened_is_one_line(robot, ports, line):
    with pytest.raises(UserError) as refused, module.open_robot(robot, ports=ports):
        pytest.fail("it opened")
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


# --- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_would_end_the_program_leaves_by_way_of_torque_off(number, monkeypatch):
    rig = Rig("pendulum")
    monkeypatch.setattr(module, "open_serial_ports", lambda *_: None)
    monkeypatch.setattr(module, "RobotHardware", lambda *_: rig.world.hardware)
    monkeypatch.setattr(module, "MonotonicClock", lambda: rig.world.clock)
    before = signal.getsignal(number)

    def work() -> None:
        with module.open_robot(rig.config) as robot:
            working(rig, robot)
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as left:
        work()
    assert left.value.code == 128 + number
    assert not any(rig.torques)
    assert signal.getsignal(number) is before


def test_a_handler_of_the_users_own_stays():
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        with exit_on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_ctrl_c_while_torque_goes_off_waits_until_it_is_off(rig, monkeypatch):
    hardware = rig.world.hardware
    disable = type(rig.world.hardware.buses[0]).close

    def interrupted(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        disable(self)

    monkeypatch.setattr(type(hardware.buses[0]), "close", interrupted)

    def work() -> None:
        with rig.open() as robot:
            working(rig, robot)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not any(rig.torques)


def test_a_thread_opens_a_robot_without_touching_the_signals():
    rig, torques = Rig("pendulum"), []

    def work() -> None:
        with exit_on_signals(), rig.open() as robot:
            working(rig, robot)
        torques.extend(rig.torques)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torques == [False]
    assert signal.getsignal(signal.SIGTERM) is before
