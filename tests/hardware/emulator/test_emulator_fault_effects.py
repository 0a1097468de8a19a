"""Laws of the faults of lines, motors, encoders, heat, supply and IMUs: each acts like on hardware, and ends."""

import math

import numpy as np
import pytest
from emulated import MS, Bench, HeldPlant
from pydantic import TypeAdapter, ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.bus.serial_port import WRITE_STALL_NS_MAX
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.dynamixel.firmware.control import POSITION
from sim2real.hardware.dynamixel.frame import Instruction, encode
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant, make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import PortLostError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import ImuState, JointCommand, JointState

ROBOTS = ("pendulum", "so101", "hopper_leg", "quadruped")


def script(*entries: dict) -> FaultsConfig:
    return TypeAdapter(FaultsConfig).validate_python({"name": "test", "faults": list(entries)})


def bench_with(*entries: dict, **options) -> Bench:
    return Bench(faults=script(*entries), **options)


def answers(bench: Bench) -> bool:
    return bench.ask(Instruction.PING) is not None


def test_times_since_power_up_do_not_wait_for_torque():
    bench = bench_with(
        {"kind": "silent", "joint": "pivot", "since": "power_up", "start": "100 ms", "duration": "100 ms"},
        {"kind": "lose_reply", "since": "power_up", "start": "300 ms", "duration": "100 ms"},
    )
    seen = []
    for _ in range(5):
        bench.clock.sleep_until_ns(len(seen) * 100 * MS + 50 * MS)
        seen.append(answers(bench))
    assert seen == [True, False, True, False, True]
    assert not bench.emulated.faults.started


@pytest.mark.parametrize("since", ["torque", "power_up"])
def test_a_restart_occurs_once(since):
    bench = bench_with({"kind": "brief_reset", "joint": "pivot", "since": since, "start": "50 ms", "duration": "1 s"})
    bench.write("torque_enable", 1)
    bench.wait(0.1)
    assert answers(bench)
    assert not bench.motor.torque_enabled  # and yet no reply was lost
    bench.write("torque_enable", 1)
    bench.wait(2.0)
    assert bench.motor.torque_enabled


def test_a_silent_bus_passes_nothing_in_either_direction():
    bench = bench_with({"kind": "silent_bus", "since": "power_up", "start": "10 ms", "duration": "50 ms"}, joints=2)
    bench.wait(0.02)
    bench.send(Instruction.WRITE, bench.value("led", 1))
    assert bench.listen() == []
    assert bench.motor.read_register("led") == 0
    bench.wait(0.05)
    assert bench.write("led", 1) == 0


def test_an_echo_comes_before_the_reply_and_a_client_sees_it():
    bench = bench_with({"kind": "echo", "since": "power_up"})
    bench.send(Instruction.PING)
    buffer = bytearray(256)
    count = bench.transport.read_into(memoryview(buffer), bench.clock.now_ns() + 20 * MS)
    assert bytes(buffer[:count]).startswith(b"\xff\xff\xfd\x00\x01\x03\x00\x01")  # the ping itself


def test_a_blocked_port_keeps_what_is_written_and_sends_it_late():
    bench = bench_with({"kind": "block_write", "since": "power_up", "duration": "200 ms"})
    bench.send(Instruction.WRITE, bench.value("led", 1))
    assert bench.motor.read_register("led") == 0
    assert bench.listen(10 * MS) == []
    bench.wait(0.3)
    assert bench.motor.read_register("led") == 1


def test_a_port_that_stays_blocked_is_lost_once_its_buffer_is_full():
    bench = bench_with({"kind": "block_write", "since": "power_up"})
    begun = bench.clock.now_ns()
    frame = encode(1, Instruction.PING)
    bench.transport.write(frame * (4096 // len(frame)))  # what a serial driver buffers
    with pytest.raises(PortLostError, match="takes no data"):
        bench.transport.write(frame)
    assert bench.clock.now_ns() - begun == WRITE_STALL_NS_MAX


def test_noise_reaches_the_client_follows_from_the_seed_and_ends():
    def heard(seed: int) -> bytes:
        entry = {"kind": "noise", "since": "power_up", "period": "5 ms", "duration": "50 ms"}
        bench = bench_with(entry, seed=seed)
        bench.wait(0.2)
        bench.listen()
        assert bench.emulated.faults.injected["noise"] == 10
        assert answers(bench)
        return bytes(bench.heard)

    assert heard(1) == heard(1)
    assert heard(1) != heard(2)


def test_a_motor_with_another_id_answers_with_it_and_gets_its_own_back():
    bench = bench_with({"kind": "wrong_id", "joint": "pivot", "id": 9, "since": "power_up", "duration": "100 ms"})
    bench.wait(0.01)
    assert bench.ask(Instruction.PING, to=1) is None
    assert bench.ask(Instruction.PING, to=9).id == 9
    bench.wait(0.2)
    assert bench.ask(Instruction.PING, to=1).id == 1


@pytest.mark.parametrize("name", ROBOTS)
def test_every_family_can_be_renumbered_and_says_its_goal(name):
    robot = load_robot(name)
    emulated = EmulatedRobot(robot, InertiaPlant(robot))
    for joint, motor in emulated.motors.items():
        motor.renumber(99)
        assert motor.id == 99
        assert motor.goal_writes == 0
        assert motor.goal.effort == 0.0, joint


@pytest.mark.parametrize("name", ROBOTS)
def test_the_goal_at_the_motor_is_the_target_of_the_joint(name):
    robot = load_robot(name)
    emulated, clock = EmulatedRobot(robot, InertiaPlant(robot)), VirtualClock()
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    hardware.open()
    state, command = JointState.empty(len(robot.joints)), JointCommand.zeros(len(robot.joints))
    hardware.read(state)
    hardware.enable()
    command.position[:] = state.position + 0.1
    command.effort[:] = [0.0 if joint.mode == "position" else 0.2 for joint in robot.joints.values()]
    command.stiffness[:] = [joint.stiffness for joint in robot.joints.values()]
    command.damping[:] = [joint.damping for joint in robot.joints.values()]
    hardware.write(command)
    clock.sleep_until_ns(clock.now_ns() + 20 * MS)
    hardware.read(state)
    for index, (joint, config) in enumerate(robot.joints.items()):
        motor = emulated.motors[joint]
        goal = motor.goal
        assert motor.driven
        assert motor.goal_writes >= 1
        if goal.position is not None:
            told = config.direction * (goal.position - config.zero)
            assert told == pytest.approx(command.position[index], abs=math.tau / config.motor.counts_per_revolution)
            assert goal.stiffness == pytest.approx(config.stiffness, rel=0.05)
            assert goal.damping <= config.damping * 1.02
            assert 0.0 < goal.effort_max <= config.effort_limit * 1.001
        assert config.direction * goal.effort == pytest.approx(command.effort[index], abs=0.01)
    hardware.close()
    assert not any(motor.driven for motor in emulated.motors.values())


def test_a_stuck_encoder_with_noise_stays_about_its_angle_while_the_shaft_turns():
    entry = {"kind": "stuck_encoder", "joint": "pivot", "noise": "0.02 rad", "start": "10 ms", "duration": "500 ms"}
    bench = bench_with(entry, plant=HeldPlant)
    bench.write("torque_enable", 1)
    bench.wait(0.02)
    frozen = bench.motor.read_register("present_position")
    bench.emulated.plant.velocity[:] = 1.0
    seen = []
    for _ in range(20):
        bench.wait(0.02)
        seen.append(bench.motor.read_register("present_position") - frozen)
    counts = 0.02 * 4096 / math.tau
    assert len(set(seen)) > 5
    assert max(map(abs, seen)) <= 2.0 * counts + 1
    bench.wait(0.3)
    assert bench.motor.read_register("present_position") - frozen > 5.0 * counts


@pytest.mark.parametrize("over", ["0 s", "100 ms"])
def test_a_slip_stays_and_ends(over):
    entry = {"kind": "slipping_encoder", "joint": "pivot", "slip": "0.3 rad", "over": over, "duration": "500 ms"}
    bench = bench_with(entry, plant=HeldPlant)
    bench.write("torque_enable", 1)
    zero = bench.config.joints["pivot"].zero
    errors = []
    for _ in range(4):
        bench.wait(0.13)
        bench.emulated.sense()
        errors.append(round(bench.motor.shaft.angle - zero, 9))
    assert errors == [0.3, 0.3, 0.3, 0.0]


@pytest.mark.parametrize("plant", ["inertia", "mujoco"])
def test_a_jammed_joint_does_not_turn_whatever_the_torque(plant):
    if plant == "mujoco":
        pytest.importorskip("mujoco")
    robot = load_robot("so101")
    entry = {"kind": "jammed", "joint": "gripper", "since": "power_up", "start": "50 ms", "duration": "400 ms"}
    emulated = EmulatedRobot(robot, make_plant(plant, robot), script(entry))
    motor = emulated.motors["gripper"]
    motor.write_register("torque_enable", 1)
    emulated.advance_to(60 * MS)
    before = emulated.joint_angle("gripper")
    motor.write_register("goal_position", 2700)
    emulated.advance_to(440 * MS)
    assert emulated.joint_angle("gripper") == pytest.approx(before, abs=0.02)
    assert abs(motor.shaft.torque) > 0.5
    emulated.advance_to(1500 * MS)
    assert abs(emulated.joint_angle("gripper") - before) > 0.2


def test_a_motor_warms_up_steadily_and_a_stuck_sensor_does_not_tell():
    bench = bench_with(
        {"kind": "warming", "joint": "pivot", "temperature": "75 degC", "over": "1 s", "since": "power_up"},
        {"kind": "stuck_temperature", "joint": "pivot", "since": "power_up", "start": "500 ms", "duration": "1 s"},
    )
    seen = []
    for _ in range(4):
        bench.wait(0.5)
        bench.emulated.sense()
        seen.append(bench.motor.read_register("present_temperature"))
    assert seen[0] == pytest.approx(50, abs=1)
    assert seen[1] == seen[0]
    assert seen[3] == pytest.approx(75, abs=1)


@pytest.mark.parametrize("first", [0, 1])
def test_an_encoder_that_slips_and_a_motor_that_warms_up_do_so_together(first):
    entries = [
        {"kind": "warming", "joint": "pivot", "temperature": "75 degC", "over": "1 s", "since": "power_up"},
        {"kind": "slipping_encoder", "joint": "pivot", "slip": "0.3 rad", "over": "1 s", "since": "power_up"},
    ]
    bench = bench_with(entries[first], entries[1 - first])
    before = bench.motor.read_register("present_position")
    bench.wait(1.2)
    bench.emulated.sense()
    assert bench.motor.read_register("present_temperature") == pytest.approx(75, abs=1)
    assert abs(bench.motor.read_register("present_position") - before) == pytest.approx(0.3 * 4096 / 6.2832, abs=2)


def test_a_weak_supply_sags_under_load_only():
    def voltage(load: bool) -> float:
        bench = bench_with({"kind": "weak_supply", "resistance": "3 ohm", "since": "power_up"}, plant=HeldPlant)
        bench.torque_on(POSITION)
        if load:
            bench.write("goal_position", 3000)
        bench.wait(0.2)
        return bench.emulated.electrics.supplies[None].voltage

    assert voltage(load=False) == pytest.approx(12.0, abs=0.01)
    assert voltage(load=True) < 10.0


def imu_at(kind: str, time_ms: int) -> ImuState:
    robot = load_robot("quadruped")
    entry = {"kind": kind, "imu": "trunk", "since": "power_up", "start": "1 s"}
    emulated, clock = EmulatedRobot(robot, InertiaPlant(robot), script(entry)), VirtualClock()
    hardware, state = RobotHardware(robot, lockstep_transports(emulated, clock), clock), ImuState.empty(1)
    hardware.open()
    while clock.now_ns() < time_ms * MS:
        clock.sleep_until_ns(clock.now_ns() + 20 * MS)
        hardware.read_imus(state)
    return state


def test_a_silent_imu_sends_nothing():
    state = imu_at("imu_silent", 1500)
    assert state.stamp_ns[0] < 1100 * MS


def test_an_imu_that_came_off_sits_a_quarter_turn_from_its_place():
    straight = imu_at("imu_rotated", 900)
    turned = imu_at("imu_rotated", 1500)
    assert np.linalg.norm(turned.linear_acceleration) == pytest.approx(9.81, abs=0.1)
    lean = 2.0 * math.acos(min(1.0, abs(float(straight.orientation[0] @ turned.orientation[0]))))
    assert lean == pytest.approx(math.pi / 2.0, abs=0.05)


def test_an_imu_that_drifts_turns_and_its_rate_agrees():
    early = imu_at("imu_drifting", 1100)
    late = imu_at("imu_drifting", 2100)
    turned = 2.0 * math.acos(min(1.0, abs(float(early.orientation[0] @ late.orientation[0]))))
    assert turned == pytest.approx(math.radians(20.0), abs=0.03)
    assert abs(late.angular_velocity[0]).max() == pytest.approx(math.radians(20.0), abs=0.02)


def test_a_line_fault_of_an_imu_is_refused():
    robot = load_robot("quadruped")
    with pytest.raises(Exception, match="valid: front, rear"):
        EmulatedRobot(robot, InertiaPlant(robot), script({"kind": "echo", "bus": "trunk"}))


@pytest.mark.parametrize("entry", [{"kind": "wrong_id", "joint": "pivot", "id": 0}, {"kind": "noise", "length": 0}])
def test_impossible_faults_are_refused(entry):
    with pytest.raises(ValidationError):
        script(entry)


def test_a_plant_whose_joints_cannot_jam_refuses_the_fault():
    with pytest.raises(UserError, match="HeldPlant cannot jam"):
        bench_with({"kind": "jammed", "joint": "pivot"}, plant=HeldPlant)
