"""Laws of the calibration by hand: results, errors, and the parts of the robot YAML that stay unchanged."""

import math
import re
from pathlib import Path

import pytest
from emulated import HeldPlant, robot_of
from typer.testing import CliRunner

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.commands.motors import app
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.dynamixel.workbench import DynamixelWorkbench
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.rehearsal.calibration import one_joint
from sim2real.hardware.turns import Window, fits_one_turn
from sim2real.hardware.workbench.calibration import JointCalibration, WorkbenchJoint, calibrate_joints
from sim2real.hardware.workbench.robot_file import write_calibration
from sim2real.hardware.workbench.sweep import seam_notice

COUNT = math.tau / 4096


class Hands:
    """Moves the shafts as instructed: joint `i` is at `motor_angle[i]` in the pose, then moves by `way[i]`."""

    def __init__(self, plant, joints, centred, moves):
        self.plant, self.joints, self.centred = plant, list(joints), centred
        self.moves = {name: list(steps) for name, steps in moves.items()}
        self.asked, self.told = [], []

    def ask(self, what):
        self.asked.append(what)
        if len(self.asked) == 1:
            self.plant.position[:] = self.centred
            return
        name = what.partition(":")[0]
        self.plant.position[self.joints.index(name)] += self.moves[name].pop(0)

    def tell(self, what):
        self.told.append(what)


class Desk:
    """Motors on the workbench in lockstep."""

    def __init__(self, **updates):
        self.robot = robot_of(2, **updates)
        self.plant = HeldPlant(self.robot)
        self.emulated = EmulatedRobot(self.robot, self.plant)
        clock = VirtualClock()
        self.bus = DynamixelWorkbench(lockstep_transports(self.emulated, clock)["main"], clock)
        assert self.bus.find(1, 1_000_000) is not None
        self.joints = [WorkbenchJoint(name, config, self.bus) for name, config in self.robot.joints.items()]

    def calibrate(self, centred, moves, pose="centre"):
        self.hands = Hands(self.plant, self.robot.joints, self._at_motor(centred), moves)
        return calibrate_joints(self.joints, pose, self.hands)

    def _at_motor(self, motor_angles):
        """Convert motor angles to the plant's joint angles, which have the old calibration."""
        configs = self.robot.joints.values()
        return [c.direction * (angle - c.zero) for c, angle in zip(configs, motor_angles, strict=True)]


@pytest.mark.parametrize("direction", [1, -1])
def test_zero_and_direction_follow_from_the_moves(direction):
    desk = Desk(zero=0.0, position_limits=(-0.5, 1.5))
    found = desk.calibrate([2.0, 4.0], {"pivot": [0.5 * direction], "joint2": [0.5]})
    # The middle of the limits is 0.5: zero = motor angle - direction * 0.5.
    assert found["pivot"].direction == direction
    assert found["pivot"].zero == pytest.approx(2.0 - 0.5 * direction, abs=COUNT)
    assert (found["joint2"].zero, found["joint2"].direction) == (pytest.approx(3.5, abs=COUNT), 1)


@pytest.mark.parametrize(("pose", "angle"), [("zero", 0.0), ("default", 0.25), ("centre", 0.5)])
def test_zero_depends_on_the_start_pose(pose, angle):
    desk = Desk(zero=0.0, position_limits=(-0.5, 1.5), default_position=0.25)
    found = desk.calibrate([2.0, 2.0], {"pivot": [0.3], "joint2": [0.3]}, pose)
    assert found["pivot"].zero == pytest.approx(2.0 - angle, abs=COUNT)


def test_zero_excludes_turns_counted_since_power_up():
    desk = Desk(zero=0.0, position_limits=(-1.0, 1.0))
    found = desk.calibrate([2.0 + 3 * math.tau, 2.0], {"pivot": [0.3], "joint2": [0.3]})
    assert found["pivot"].zero == pytest.approx(2.0, abs=COUNT)


def test_a_move_across_the_end_of_the_turn_has_the_right_sign():
    desk = Desk(zero=0.0, position_limits=(-1.0, 1.0))
    found = desk.calibrate([0.1, math.tau - 0.1], {"pivot": [-0.4], "joint2": [0.4]})
    assert (found["pivot"].direction, found["joint2"].direction) == (-1, 1)


def test_a_joint_that_hardly_moves_is_retried_then_an_error():
    desk = Desk(zero=0.0)
    found = desk.calibrate([2.0, 2.0], {"pivot": [0.01, -0.3], "joint2": [0.3]})
    assert found["pivot"].direction == -1
    assert any("only" in line for line in desk.hands.told)
    with pytest.raises(HardwareError, match="did not move in 5 tries"):
        Desk(zero=0.0).calibrate([2.0, 2.0], {"pivot": [0.01] * 5, "joint2": [0.3]})


def test_torque_is_refused_before_the_first_instruction():
    desk = Desk()
    desk.emulated.motors["joint2"].write_register("torque_enable", 1)
    with pytest.raises(HardwareError, match=r"'joint2' \(motor 2\) has torque on"):
        desk.calibrate([2.0, 2.0], {})
    assert desk.hands.asked == []


def test_only_the_mode_is_written_to_a_new_motor_and_that_is_said():
    desk = Desk()
    before = [motor.saved() for motor in desk.emulated.motors.values()]
    found = desk.calibrate([2.0, 2.0], {"pivot": [0.3], "joint2": [0.3]})
    after = [motor.saved() for motor in desk.emulated.motors.values()]
    assert after == [saved | {"operating_mode": 0} for saved in before]
    assert sum("operating mode set from 3 to 0" in line for line in desk.hands.told) == 2
    assert found["pivot"].settled.registers["operating_mode"] == 0


# The file


@pytest.fixture
def robot_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text((ROOT / "robots" / "pendulum.yaml").read_text())
    (tmp_path / "pendulum.xml").write_bytes((ROOT / "robots" / "pendulum.xml").read_bytes())
    return path


def test_only_calibrated_values_change_in_the_file(robot_file):
    before = robot_file.read_text().splitlines()
    backup = write_calibration(robot_file, robot_file, {"pivot": JointCalibration(math.radians(12.5), -1)})
    after = robot_file.read_text().splitlines()
    changed = [(old.strip(), new.strip()) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old.split(" #")[0], new.split(" #")[0].rstrip()) for old, new in changed] == [
        ("direction: 1", "direction: -1"),
        ("zero: 180 deg", "zero: 12.500 deg"),
    ]
    assert [line.count("#") for line in before] == [line.count("#") for line in after], "comments are kept"
    assert backup is not None
    assert backup.read_text().splitlines() == before
    pivot = load_robot(str(robot_file)).joints["pivot"]
    assert (pivot.direction, pivot.zero) == (-1, pytest.approx(math.radians(12.5)))


def test_missing_keys_are_added(robot_file):
    lines = robot_file.read_text().splitlines()
    robot_file.write_text("\n".join(line for line in lines if not line.strip().startswith(("zero:", "direction:"))))
    write_calibration(robot_file, robot_file, {"pivot": JointCalibration(1.0, -1)})
    pivot = load_robot(str(robot_file)).joints["pivot"]
    assert (pivot.direction, pivot.zero) == (-1, pytest.approx(1.0, abs=1e-4))


def test_a_joint_missing_in_the_file_is_one_line(robot_file):
    before = robot_file.read_text()
    with pytest.raises(ConfigError, match="no mapping for joint 'knee'"):
        write_calibration(robot_file, robot_file, {"knee": JointCalibration(0.0, 1)})
    assert robot_file.read_text() == before
    assert list(robot_file.parent.glob("*.bak")) == []


def test_the_command_never_overwrites_shipped_robots():
    result = CliRunner().invoke(app, ["calibrate", "pendulum", "--port", "/dev/null", "--json"])
    assert result.exit_code == 1
    assert "write a copy with --output FILE" in result.stdout


def test_the_command_lists_valid_joints_and_buses(tmp_path):
    to = ("--output", str(Path(tmp_path) / "mine.yaml"))
    result = CliRunner().invoke(app, ["calibrate", "pendulum", "--joint", "knee", *to, "--json"])
    assert "no joint 'knee'; valid: pivot" in result.stdout
    result = CliRunner().invoke(app, ["calibrate", "pendulum", "--port", "arm=/dev/null", *to, "--json"])
    assert "valid: main" in result.stdout


# The sweep to both ends


class Sweeper:
    """Moves the joints of a rig's robot as asked: to the start, then to their true ends."""

    def __init__(self, rig, ends, start=0.0):
        self.rig, self.ends, self.start = rig, ends, start
        self.told = []

    def ask(self, what):
        joint = self.rig.joints[0]
        middle = sum(joint.position_limits) / 2
        place = self.ends[1] if "positive" in what else self.ends[0] if "negative" in what else middle + self.start
        self.rig.plant.position[0] = place
        self.rig.emulated.sense()

    def tell(self, what):
        self.told.append(what)


def swept(robot, hand, **mounted):
    config = one_joint(load_robot(robot), **mounted)
    rig = Rig(config)
    (bus_name,) = config.buses
    bus = family_of_bus(config.buses[bus_name]).workbench(
        lockstep_transports(rig.emulated, rig.clock)[bus_name], rig.clock
    )
    assert bus.find(rig.joints[0].id, round(config.buses[bus_name].baudrate)) is not None
    guide = hand(rig)
    naive = rig.joints[0].model_copy(update={"zero": 0.0, "direction": 1})
    joint = WorkbenchJoint(rig.names[0], naive, bus, config.safety.position_margin)
    return calibrate_joints([joint], "centre", guide, sweep=True)[rig.names[0]], guide, rig


FAMILIES = ("quadruped", "so101", "hopper_leg")


@pytest.mark.parametrize("robot", FAMILIES)
@pytest.mark.parametrize(("zero", "direction"), [(0.2, -1), (3.0, 1), (5.9, -1)])
def test_a_sweep_to_both_ends_finds_zero_and_direction(robot, zero, direction):
    def hand(rig):
        low, high = rig.joints[0].position_limits
        return Sweeper(rig, (low - 0.05, high + 0.05))

    found, guide, rig = swept(robot, hand, direction=direction, zero=zero)
    assert found.direction == direction
    assert abs(math.remainder(found.zero - zero, math.tau)) < 2 * COUNT
    assert any("reaches" in line for line in guide.told)
    assert rig.plant.position[0] < rig.joints[0].position_limits[0]


@pytest.mark.parametrize("robot", FAMILIES)
@pytest.mark.parametrize(
    ("ends", "start", "named"),
    [
        ((0.0, -0.3), 0.0, "move it all the way, or set position_limits"),
        ((0.2, 0.2), 0.2, "so the start pose was .* off"),
    ],
)
def test_a_sweep_that_does_not_cover_the_limits_is_refused(robot, ends, start, named):
    def hand(rig):
        low, high = rig.joints[0].position_limits
        return Sweeper(rig, (low + ends[0], high + ends[1]), start)

    with pytest.raises(HardwareError, match=named):
        swept(robot, hand if start == 0.0 else lambda rig: Sweeper(rig, rig.joints[0].position_limits, start))


@pytest.mark.parametrize("robot", FAMILIES)
def test_both_ends_on_one_side_are_refused(robot):
    def hand(rig):
        high = rig.joints[0].position_limits[1]
        return Sweeper(rig, (high - 0.1, high))

    with pytest.raises(HardwareError, match="same side"):
        swept(robot, hand)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
@pytest.mark.parametrize("direction", [1, -1])
def test_the_cure_that_is_named_takes_the_range_off_the_seam(degrees, direction):
    joint = load_robot("so101").joints["elbow_flex"]
    joint = joint.model_copy(update={"zero": math.radians(degrees), "direction": direction})
    notice, margin = seam_notice(joint, 0.05), 0.05
    window = Window.of(joint, margin)
    assert bool(notice) is not fits_one_turn(joint, window, 4096)
    if notice:
        size, sense = re.search(r"reads (\d+)° (more|less)", notice).groups()
        turned = math.radians((int(size) + 1) * (1 if sense == "more" else -1))
        cured = joint.model_copy(update={"zero": joint.zero + turned})
        assert seam_notice(cured, margin) == ""
