"""Laws of what other programs leave in motors: compared with the calibration, put right, or refused by name."""

import math

import numpy as np
import pytest

from sim2real.configs.load import load_robot
from sim2real.configs.schema.calibration import CalibrationConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState

FAMILIES = ("quadruped", "so101", "hopper_leg")


class Desk:
    """The first joints of a shipped robot, calibrated as they are."""

    def __init__(self, robot, joints=1):
        base = load_robot(robot)
        self.config = one_joint(base)
        if joints > 1:
            chosen = dict(list(base.joints.items())[:joints])
            self.config = self.config.model_copy(update={"joints": chosen})
        self.emulated = EmulatedRobot(self.config, InertiaPlant(self.config))
        self.clock = VirtualClock()
        self.motors = list(self.emulated.motors.values())

    def hardware(self, config=None):
        return RobotHardware(config or self.config, lockstep_transports(self.emulated, self.clock), self.clock)

    def calibrated(self):
        """The robot with the settings of its motor written down, as `calibrate` does."""
        name, joint = next(iter(self.config.joints.items()))
        bus = self.config.buses[joint.bus]
        bench = family_of_bus(bus).workbench(lockstep_transports(self.emulated, self.clock)[joint.bus], self.clock)
        assert bench.find(joint.id, round(bus.baudrate)) is not None
        settled = bench.settle(name, joint, self.config.safety.position_margin)
        block = CalibrationConfig(version=1, registers=dict(settled.registers))
        return one_joint(self.config, calibration=block)

    def leave(self, **registers):
        """What another program writes, and a power cycle."""
        motor = self.motors[0]
        motor.restore(motor.saved() | registers)
        motor.boot(self.clock.now_ns(), 0)


CHANGED = [
    ("quadruped", {"homing_offset": 300}),
    ("quadruped", {"min_position_limit": 100}),
    ("so101", {"position_offset": -500}),
    ("so101", {"phase": 0b1000_1100}),
    ("so101", {"angular_resolution": 2}),
    ("so101", {"max_position_limit": 3000}),
    ("hopper_leg", {"motor_position.output.offset": 0.25}),
    ("hopper_leg", {"motor_position.output.sign": -1.0}),
]


@pytest.mark.parametrize(("robot", "registers"), CHANGED)
def test_a_calibration_ends_with_the_registers_that_gave_it_its_meaning(robot, registers):
    desk = Desk(robot)
    config = desk.calibrated()
    desk.hardware(config).open()
    desk.leave(**registers)
    (name,) = registers
    with pytest.raises(HardwareError, match="calibration no longer holds") as refused:
        desk.hardware(config).open()
    assert name.replace("_", " ") in str(refused.value)
    assert "sim2real motors calibrate" in str(refused.value)


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_calibration_survives_power_cycles_and_changed_limits(robot):
    """Wider limits may need another mode of the motor; its positions mean the same."""
    desk = Desk(robot)
    config = desk.calibrated()
    name, joint = next(iter(config.joints.items()))
    for limits in (joint.position_limits, (-0.1, 0.1), (-3.0, 3.0), joint.position_limits):
        changed = joint.model_copy(update={"position_limits": limits})
        hardware = desk.hardware(config.model_copy(update={"joints": {name: changed}}))
        hardware.open()
        hardware.close()
        desk.leave()


@pytest.mark.parametrize("mode", [1, 9])
def test_a_reversed_dynamixel_is_put_right_and_that_is_said(mode):
    """Without a calibration block nobody knows in which state `zero` was measured."""
    desk = Desk("quadruped")
    desk.leave(drive_mode=mode)
    hardware = desk.hardware()
    hardware.open()
    assert desk.motors[0].read_register("drive_mode") == 0
    assert any("drive mode was reversed" in notice and "calibrate it again" in notice for notice in hardware.notices)


@pytest.mark.parametrize("secondary", [2, 3])
def test_a_secondary_id_left_over_moves_nothing(secondary):
    """Motor 1 would also obey what is meant for another motor, on this bus or on none."""
    desk = Desk("quadruped", joints=3)
    desk.leave(secondary_id=secondary)
    hardware = desk.hardware()
    hardware.open()
    assert desk.motors[0].read_register("secondary_id") == 255
    assert any(f"also obeyed instructions for id {secondary}" in notice for notice in hardware.notices)
    state, command = JointState.empty(3), JointCommand.zeros(3)
    hardware.read(state)
    start = state.position.copy()
    hardware.enable()
    command.position[:] = start
    for _ in range(50):
        desk.clock.sleep_until_ns(desk.clock.now_ns() + 20_000_000)
        hardware.read(state)
        hardware.write(command)
    assert np.abs(state.position - start).max() < math.radians(1.0)


def test_eeprom_is_written_once_and_counted():
    """The second open finds everything as it should be."""
    desk = Desk("quadruped")
    desk.leave(secondary_id=9, shutdown=0, startup_configuration=3)
    first, second = desk.hardware(), desk.hardware()
    first.open()
    assert first.counters.settings_written == len([n for n in first.notices if " set from " in n]) > 3
    first.close()
    second.open()
    assert second.counters.settings_written == 0
    assert second.notices == []


@pytest.mark.parametrize(
    ("robot", "registers", "named"),
    [
        ("hopper_leg", {"servo.pid_position.kp": 4.0}, "servo.pid_position.kp is 4"),
        ("hopper_leg", {"servopos.position_min": -0.01}, "servopos.position_min"),
    ],
)
def test_what_open_cannot_put_right_is_refused_with_its_cure(robot, registers, named):
    desk = Desk(robot)
    desk.leave(**registers)
    with pytest.raises(HardwareError, match="conf write") as refused:
        desk.hardware().open()
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("registers", "wanted"),
    [
        ({"unloading_condition": 0}, {"unloading_condition": 44}),
        ({"minimum_startup_force": 1000}, {"minimum_startup_force": 16}),
        ({"overload_torque": 254, "protection_time": 10}, {"overload_torque": 80, "protection_time": 10}),
    ],
)
def test_looser_protections_of_a_feetech_are_put_right_and_stricter_ones_kept(registers, wanted):
    desk = Desk("so101")
    desk.leave(**registers)
    desk.hardware().open()
    assert {name: desk.motors[0].read_register(name) for name in wanted} == wanted


def test_what_was_written_is_said_also_when_opening_fails():
    desk = Desk("quadruped", joints=2)
    desk.leave(secondary_id=9)
    desk.motors[1].overload()
    hardware = desk.hardware()
    with pytest.raises(HardwareError, match="overload"):
        hardware.open()
    assert any("for id 9" in notice for notice in hardware.notices)


def test_a_motor_of_the_wrong_supply_class_is_named():
    """A 12 V STS3215 among those for 7.4 V has the same model number."""
    desk = Desk("so101", joints=2)
    desk.leave(max_voltage_limit=140)
    hardware = desk.hardware()
    hardware.open()
    (notice,) = [notice for notice in hardware.notices if "higher voltage" in notice]
    assert f"(motor {desk.motors[0].id})" in notice


@pytest.mark.parametrize("robot", FAMILIES)
def test_each_notice_is_told_while_the_robot_is_opened_before_torque(robot):
    """Also when opening then fails, as for the joint that is missing here."""
    desk = Desk(robot, joints=2)
    desk.motors[0].boot(0, 0)
    told = []
    joints = dict(zip(desk.config.joints, desk.config.joints.values(), strict=True))
    first = next(iter(joints))
    turned = joints[first].model_copy(update={"zero": joints[first].zero + math.tau})
    config = desk.config.model_copy(update={"joints": joints | {first: turned}})
    hardware = RobotHardware(config, lockstep_transports(desk.emulated, desk.clock), desk.clock, told.append)
    hardware.open()
    assert told == hardware.notices
    assert any("turn" in notice for notice in told)
    assert not any(motor.torque_enabled for motor in desk.motors)


def test_another_controller_in_the_place_of_a_calibrated_one_is_refused_by_its_serial_number():
    desk = Desk("hopper_leg")
    config = desk.calibrated()
    name, joint = next(iter(config.joints.items()))
    bus = config.buses[joint.bus]
    bench = family_of_bus(bus).workbench(lockstep_transports(desk.emulated, desk.clock)[joint.bus], desk.clock)
    assert bench.find(joint.id, round(bus.baudrate)) is not None
    serial = bench.settle(name, joint, config.safety.position_margin).serial_number
    assert len(serial) == 24
    for found, fits in ((serial, True), ("0" * 24, False)):
        block = joint.calibration.model_copy(update={"serial_number": found})
        hardware = desk.hardware(one_joint(config, calibration=block))
        if fits:
            hardware.open()
        else:
            with pytest.raises(HardwareError, match="calibrated with the motor of serial number 0000"):
                hardware.open()
