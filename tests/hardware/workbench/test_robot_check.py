"""Laws of comparing motors with a robot YAML, on every family: what differs is named, and nothing else is written."""

import math
from dataclasses import replace

import pytest

from sim2real.configs.load import load_motor, load_robot
from sim2real.configs.schema.calibration import CalibrationConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.workbench.interface import Difference
from sim2real.hardware.workbench.robot_check import check_joints, fix_joints
from sim2real.hardware.workbench.written import Written

CASES = [
    ("quadruped", {"secondary_id": 9}, {"secondary_id": 255}),
    ("quadruped", {"shutdown": 0}, {"shutdown": 52}),
    ("quadruped", {"drive_mode": 1, "startup_configuration": 2}, {"drive_mode": 0, "startup_configuration": 0}),
    ("so101", {"position_p_gain": 99}, {"position_p_gain": 26}),
    ("so101", {"unloading_condition": 0}, {"unloading_condition": 44}),
    ("hopper_leg", {"servo.pid_position.kp": 4.0}, {"servo.pid_position.kp": None}),
    ("hopper_leg", {"servopos.position_min": -0.01}, {"servopos.position_min": math.nan}),
]


class Desk:
    """The first joint of a shipped robot, opened once, so that its motor is as the YAML wants it."""

    def __init__(self, robot, **updates):
        self.config = one_joint(load_robot(robot), **updates)
        self.emulated, self.clock = EmulatedRobot(self.config, InertiaPlant(self.config)), VirtualClock()
        (self.motor,) = self.emulated.motors.values()
        (self.bus_name,) = self.config.buses
        self.hardware().open()
        bus = self.config.buses[self.bus_name]
        self.bench = family_of_bus(bus).workbench(self.ports()[self.bus_name], self.clock)

    def ports(self):
        return lockstep_transports(self.emulated, self.clock)

    def hardware(self):
        return RobotHardware(self.config, self.ports(), self.clock)

    def leave(self, registers):
        self.motor.restore(self.motor.saved() | registers)
        self.motor.boot(self.clock.now_ns(), 0)

    def check(self):
        (check,) = check_joints(self.config, self.bus_name, self.bench)
        return check


@pytest.mark.parametrize("robot", ["quadruped", "so101", "hopper_leg"])
def test_a_motor_as_the_robot_wants_it_has_no_difference(robot):
    check = Desk(robot).check()
    assert check.ok
    assert check.audit.compared > 4
    assert check.audit.remarks == ()


@pytest.mark.parametrize(("robot", "left", "wanted"), CASES)
def test_each_difference_is_named_with_its_effect_and_nothing_is_written(robot, left, wanted):
    desk = Desk(robot)
    desk.leave(left)
    before = desk.motor.saved()
    audit = desk.check().audit
    assert {one.register: one.found for one in audit.differences} == pytest.approx(left)
    for one in audit.differences:
        assert wanted[one.register] in (None, one.wanted) or math.isnan(one.wanted)
        assert one.effect
    assert {name: str(value) for name, value in desk.motor.saved().items()} == {k: str(v) for k, v in before.items()}


@pytest.mark.parametrize(("robot", "left", "wanted"), CASES)
def test_fix_writes_what_differs_and_no_more(robot, left, wanted):
    desk = Desk(robot)
    good = desk.motor.saved()
    desk.leave(left)
    (fixed,) = fix_joints(desk.config, [desk.check()], desk.bench, Written())
    assert fixed.ok
    assert len(fixed.written) == len(left)
    changed = {key for key, value in desk.motor.saved().items() if not (value == good[key] or math.isnan(value))}
    assert not changed
    again = fix_joints(desk.config, [desk.check()], desk.bench, Written())
    assert again[0].written == ()


@pytest.mark.parametrize("robot", ["quadruped", "so101", "hopper_leg"])
def test_fix_is_refused_while_torque_is_on(robot):
    desk = Desk(robot)
    check = desk.check()
    left = next(registers for name, registers, _ in CASES if name == robot)
    hardware = desk.hardware()
    hardware.open()
    hardware.enable()
    desk.bench.set_baudrate(round(desk.config.buses[desk.bus_name].baudrate))
    with pytest.raises(HardwareError, match="torque-off"):
        fix_joints(desk.config, [_pretended(check, left)], desk.bench, Written())


@pytest.mark.parametrize(
    ("robot", "register", "other"),
    [("quadruped", "homing_offset", 300), ("so101", "position_offset", -500), ("so101", "angular_resolution", 2)],
)
def test_what_a_calibration_was_made_with_is_set_back(robot, register, other):
    desk = Desk(robot)
    (name,) = desk.config.joints
    settled = desk.bench.settle(name, desk.config.joints[name], desk.config.safety.position_margin)
    block = CalibrationConfig(version=1, registers=dict(settled.registers))
    desk.config = one_joint(desk.config, calibration=block)
    assert desk.check().ok
    desk.leave({register: other})
    check = desk.check()
    assert [one.register for one in check.audit.differences] == [register]
    (fixed,) = fix_joints(desk.config, [check], desk.bench, Written())
    assert fixed.ok
    desk.hardware().open()


def test_a_motor_that_is_missing_or_another_model_is_a_refusal():
    desk = Desk("so101")
    desk.motor.silent = True
    assert "does not answer" in desk.check().audit.refusals[0]
    desk = Desk("quadruped")
    other = load_motor("xl430_w250")
    (name,) = desk.config.joints
    joint = desk.config.joints[name].model_copy(update={"motor": other})
    desk.config = desk.config.model_copy(update={"joints": {name: joint}})
    assert "is configured" in desk.check().audit.refusals[0]


def _pretended(check, registers):
    """A check that found other values, without a power cycle."""
    differences = tuple(Difference(name, value, value, "") for name, value in registers.items())
    return replace(check, audit=replace(check.audit, differences=differences))
