"""Laws of setting up, adopting, backing up and restoring motors of every family."""

import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.calibration import CalibrationConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.workbench.backup import back_up, read_backups, restore, write_backups
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.set_up import carry_over, set_up_joint
from sim2real.hardware.workbench.written import Written

FAMILIES = ("quadruped", "so101", "hopper_leg")
CHANGED = {
    "quadruped": {"homing_offset": 77, "pwm_limit": 500, "drive_mode": 1},
    "so101": {"position_offset": -77, "max_torque": 500, "cw_dead_zone": 3},
    "hopper_leg": {"servo.pid_position.kp": 12.5, "servopos.position_min": -0.4},
}
FACTORY = {"quadruped": {"id": 1, "baud_rate": 1}, "so101": {"id": 1}, "hopper_leg": {"id.id": 1}}


class Box:
    """A box of factory-new motors of a robot's first bus; the user connects those that are asked for."""

    def __init__(self, robot):
        base = load_robot(robot)
        self.bus_name, bus = next(iter(base.buses.items()))
        joints = {name: joint for name, joint in base.joints.items() if joint.bus == self.bus_name}
        self.config = base.model_copy(update={"joints": joints, "imus": {}, "buses": {self.bus_name: bus}})
        self.emulated = EmulatedRobot(self.config, InertiaPlant(self.config))
        self.clock = VirtualClock()
        self.motors = self.emulated.motors
        transport = lockstep_transports(self.emulated, self.clock)[self.bus_name]
        self.bench = family_of_bus(bus).workbench(transport, self.clock)
        self.port = WorkbenchPort(transport, {bus.protocol: self.bench})
        self.baudrate = round(bus.baudrate)
        self.told = []

    def new(self, factory):
        for motor in self.motors.values():
            motor.restore(motor.saved() | factory)
            motor.boot(0, 0)
            motor.silent = True
        return self

    def connect(self, *joints):
        for name, motor in self.motors.items():
            motor.silent = name not in joints

    def ask(self, what):
        self.connect(what.partition(":")[0])

    def set_up(self, joint, done=(), ask=None):
        return set_up_joint(self.config, joint, self.port, done, ask or self.ask, self.told.append)


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_box_of_new_motors_becomes_the_robot(robot):
    box = Box(robot).new(FACTORY[robot])
    for joint in box.config.joints:
        box.set_up(joint)
    box.connect(*box.motors)
    assert [motor.id for motor in box.bench.scan(box.baudrate)] == sorted(j.id for j in box.config.joints.values())
    for name, joint in box.config.joints.items():
        assert box.motors[name].id == joint.id
        box.motors[name].boot(0, 0)
        assert box.motors[name].id == joint.id, "it lasts"


@pytest.mark.parametrize("robot", FAMILIES)
def test_it_can_be_repeated_and_then_writes_nothing(robot):
    box = Box(robot)
    before = {name: motor.saved() for name, motor in box.motors.items()}
    assert not any(box.set_up(joint).changed for joint in box.config.joints)
    assert {name: motor.saved() for name, motor in box.motors.items()} == before


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_robot_that_is_set_up_may_be_connected_as_a_whole(robot):
    box = Box(robot)
    before = {name: motor.saved() for name, motor in box.motors.items()}
    done = [box.set_up(joint, ask=lambda what: None) for joint in box.config.joints]
    assert [one.id for one in done] == [joint.id for joint in box.config.joints.values()]
    assert not any(one.changed for one in done)
    assert {name: motor.saved() for name, motor in box.motors.items()} == before


@pytest.mark.parametrize("robot", FAMILIES)
def test_two_new_motors_or_none_are_asked_for_again_and_nothing_is_written(robot):
    box = Box(robot).new(FACTORY[robot])
    first, second = list(box.motors)[:2]
    before = {name: motor.saved() for name, motor in box.motors.items()}
    with pytest.raises(HardwareError, match="connect one at a time"):
        box.set_up(first, ask=lambda what: box.connect(first, second))
    with pytest.raises(HardwareError, match="no new motor answers"):
        box.set_up(first, ask=lambda what: box.connect())
    assert {name: motor.saved() for name, motor in box.motors.items()} == before


@pytest.mark.parametrize("robot", ["quadruped", "so101"])
def test_a_motor_of_another_model_is_refused(robot):
    box = Box(robot).new(FACTORY[robot])
    first = next(iter(box.motors))
    other = load_robot("pendulum" if robot == "quadruped" else "so101").joints
    motor = next(iter(other.values())).motor
    registers = motor.registers.model_copy(update={"model_number": 999})
    motor = motor.model_copy(update={"registers": registers})
    joint = box.config.joints[first].model_copy(update={"motor": motor})
    box.config = box.config.model_copy(update={"joints": {first: joint}})
    before = box.motors[first].saved()
    with pytest.raises(HardwareError, match="999"):
        box.set_up(first)
    assert box.motors[first].saved() == before


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_backup_brings_every_setting_back(robot, tmp_path):
    box = Box(robot)
    name = next(iter(box.motors))
    box.connect(name)
    (found,) = box.bench.scan(box.baudrate)
    file = tmp_path / "arm.yaml"
    write_backups(file, [back_up(box.bench, found)])
    before = box.motors[name].saved()
    box.motors[name].restore(before | CHANGED[robot])
    box.motors[name].boot(0, 0)
    (saved,) = read_backups(file)
    written = Written()
    restore(box.bench, found, saved, written)
    assert len(written.lines) == len(CHANGED[robot])
    box.motors[name].boot(0, 0)
    assert box.motors[name].saved() == pytest.approx(before, nan_ok=True)
    again = Written()
    restore(box.bench, found, saved, again)
    assert again.lines == [], "a second time changes nothing"
    with pytest.raises(ConfigError, match="never overwritten"):
        write_backups(file, [saved])


def test_a_file_with_a_motor_twice_says_so(tmp_path):
    file = tmp_path / "twice.yaml"
    entry = "{id: 4, protocol: feetech, baudrate: 1000000, model_number: 777, settings: {}}"
    file.write_text(f"version: 1\nmotors: [{entry}, {entry}]")
    with pytest.raises(ConfigError, match="motor 4 is in it twice"):
        read_backups(file)


def test_a_backup_that_cannot_be_written_whole_is_not_there(tmp_path):
    """A partial one would be kept as if it were one, since a backup is never overwritten."""
    with pytest.raises(ConfigError, match="there is no folder"):
        write_backups(tmp_path / "none" / "arm.yaml", [])
    with pytest.raises(AttributeError):
        write_backups(tmp_path / "arm.yaml", [None])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "version: 2", "version: 1\nmotors: [{id: x}]", "version: 1\nmotors: 3", "["])
def test_a_file_that_is_no_backup_is_one_line(tmp_path, text):
    file = tmp_path / "no.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        read_backups(file)


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_new_motor_gets_the_registers_of_the_old_ones_calibration(robot):
    box = Box(robot)
    name, joint = next(iter(box.config.joints.items()))
    box.connect(name)
    assert box.bench.find(joint.id, box.baudrate) is not None
    registers = dict(box.bench.settle(name, joint, 0.1).registers)
    key = {"quadruped": "homing_offset", "so101": "position_offset", "hopper_leg": "motor_position.output.offset"}[
        robot
    ]
    registers[key] = 0.25 if robot == "hopper_leg" else 300.0
    adopted = joint.model_copy(update={"calibration": CalibrationConfig(version=1, registers=registers)})
    config = box.config.model_copy(update={"joints": {name: adopted}})
    assert len(carry_over(config, name, box.bench, Written())) == 1
    assert dict(box.bench.settle(name, joint, 0.1).registers) == registers
    assert carry_over(config, name, box.bench, Written()) == []
