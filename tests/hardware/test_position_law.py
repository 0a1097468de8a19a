"""Laws of the position loop: the firmware with the driver's registers follows the control law in SI units."""

import numpy as np
import pytest
from emulated import HeldPlant

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.dynamixel.gains import position_gains as dynamixel_gains
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import AT_REST
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.families import motor_family
from sim2real.hardware.feetech.gains import position_gains as feetech_gains
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.position_law import Winding
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState

ROBOTS = ["quadruped", "so101", "hopper_leg"]


class Vice(HeldPlant):
    """Joints held at a fixed position and velocity, on a body at rest."""

    def imu(self, body: str) -> Motion:
        return AT_REST


def vice(name: str, error: float, velocity: float = 0.0) -> tuple[list, np.ndarray]:
    """Return the laws of a robot's joints, and its motors' torques when held at this error and velocity."""
    robot = load_robot(name).model_copy(update={"supply_resistance": 0.0})
    joints = list(robot.joints.values())
    plant = Vice(robot)
    start = np.array([joint.default_position for joint in joints])
    plant.position[:] = start
    clock = VirtualClock()
    emulated = EmulatedRobot(robot, plant)
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    hardware.open()
    hardware.enable()
    command, state = JointCommand.zeros(len(joints)), JointState.empty(len(joints))
    command.position[:] = start + error
    command.stiffness[:] = [joint.stiffness for joint in joints]
    command.damping[:] = [joint.damping for joint in joints]
    for _ in range(10):  # a servo that moves its internal target reaches the goal
        hardware.read(state)
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + 20_000_000)
    plant.velocity[:] = velocity
    clock.sleep_until_ns(clock.now_ns() + 1_000_000)
    emulated.advance_to(clock.now_ns())
    torque = np.array([j.direction for j in joints]) * emulated.electrics.torque
    hardware.close()
    safety = robot.safety.voltage_range[1]
    return [
        motor_family(joint.motor.family).position_law(joint, robot.supply_voltage, safety) for joint in joints
    ], torque


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("name", ROBOTS)
def test_torque_at_rest_is_stiffness_times_error_to_a_count_of_the_encoder(name, sign):
    laws, torque = vice(name, sign * 0.1)
    count = 2.0 * np.pi / 4096
    for law, found in zip(laws, torque, strict=True):
        assert found == pytest.approx(sign * law.stiffness * 0.1, abs=1.1 * law.stiffness * count + 1e-3)


@pytest.mark.parametrize("name", ROBOTS)
def test_torque_falls_by_the_damping_with_speed(name):
    laws, still = vice(name, 0.1)
    _, moving = vice(name, 0.1, velocity=0.1)
    for law, before, after in zip(laws, still, moving, strict=True):
        # Within an encoder step, and the rounding of a servo's small D gain to whole counts.
        assert before - after == pytest.approx(0.1 * law.damping, abs=0.15 * law.damping)


def test_no_servo_exceeds_the_torque_limit_of_the_law():
    laws, torque = vice("quadruped", 0.4)
    assert torque == pytest.approx([law.torque_max for law in laws], rel=1e-6)
    robot = load_robot("so101")
    laws, torque = vice("so101", 0.6)
    shares = [Winding.of(joint.motor).torque(robot.supply_voltage) for joint in robot.joints.values()]
    full = [law.duty_max * share for law, share in zip(laws, shares, strict=True)]
    asked = [0.6 * law.stiffness for law in laws]
    assert torque == pytest.approx(np.minimum(full, asked), rel=0.02)


def test_a_joint_without_stiffness_keeps_the_factory_gains():
    for name, gains, factory in (("quadruped", dynamixel_gains, (800, 0, 0)), ("so101", feetech_gains, (32, 0, 32))):
        joint = next(iter(load_robot(name).joints.values())).model_copy(update={"stiffness": 0.0})
        assert gains(joint) == factory


@pytest.mark.parametrize("stiffness", [0.01, 5.0, 1e4])
@pytest.mark.parametrize(
    ("name", "gains", "largest"), [("quadruped", dynamixel_gains, 16_383), ("so101", feetech_gains, 254)]
)
def test_gains_fit_their_registers_and_are_within_one_unit(name, gains, largest, stiffness):
    joint = next(iter(load_robot(name).joints.values())).model_copy(update={"stiffness": stiffness, "damping": 1e3})
    registers = gains(joint)
    assert all(0 <= value <= largest for value in registers)
    unit = (
        motor_family(joint.motor.family).position_law(joint, joint.motor.nominal.voltage, 99.0).stiffness / registers.p
        if registers.p
        else 1.0
    )
    if registers.p < largest:
        assert abs(registers.p * unit - stiffness) <= 0.51 * unit


def test_damping_is_never_below_that_of_the_back_emf():
    joint = next(iter(load_robot("quadruped").joints.values())).model_copy(update={"damping": 0.0})
    assert motor_family(joint.motor.family).position_law(joint, 12.0, 14.8).damping == pytest.approx(
        Winding.of(joint.motor).damping
    )


def test_enable_writes_gains_again_that_a_power_cycle_reset():
    robot = load_robot("quadruped")
    clock = VirtualClock()
    emulated = EmulatedRobot(robot, Vice(robot))
    emulated.plant.position[:] = [joint.default_position for joint in robot.joints.values()]
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    hardware.open()
    motor = emulated.motors["front_left_knee"]
    motor.write_register("position_p_gain", 1)
    hardware.enable()
    assert motor.read_register("position_p_gain", clock.now_ns()) == dynamixel_gains(robot.joints["front_left_knee"]).p
    hardware.close()
