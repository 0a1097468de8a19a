"""Laws of the turn: whatever the horn and the power cycles, the joint reads where it is, or torque is refused."""

import math

import numpy as np
import pytest
from emulated import HeldPlant
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.turns import Window
from sim2real.hardware.types import JointCommand, JointState

FAMILIES = ("quadruped", "so101", "hopper_leg")
ERROR = 2.2 * math.tau / 4096


class Held:
    """A shipped robot whose joints are held, with the same zero at every joint."""

    def __init__(self, robot, **updates):
        base = load_robot(robot)
        joints = {name: joint.model_copy(update=updates) for name, joint in base.joints.items()}
        self.config = base.model_copy(update={"joints": joints, "imus": {}})
        self.plant = HeldPlant(self.config)
        self.middle = np.array([sum(joint.position_limits) / 2 for joint in joints.values()])
        self.plant.position[:] = self.middle
        self.emulated = EmulatedRobot(self.config, self.plant)
        self.clock = VirtualClock()
        self.state = JointState.empty(len(joints))
        self.hardware = RobotHardware(self.config, lockstep_transports(self.emulated, self.clock), self.clock)

    def boot(self):
        self.emulated.sense()
        for motor in self.emulated.motors.values():
            motor.boot(self.clock.now_ns(), 0)

    def reads(self, ticks=1):
        for _ in range(ticks):
            self.clock.sleep_until_ns(self.clock.now_ns() + 20_000_000)
            self.hardware.read(self.state)
        return self.state.position

    def error(self):
        return float(np.abs(self.state.position - self.plant.position).max())


@given(
    low=st.floats(-20.0, 20.0),
    span=st.floats(0.01, 6.0),
    share=st.floats(0.0, 1.0),
    margin=st.floats(0.0, 0.1),
    turns=st.integers(-100, 100),
)
def test_exactly_one_turn_is_found_from_any_other(low, span, share, margin, turns):
    window = Window(low, low + span, margin)
    true = low + share * span
    assert window.problem(true + turns * math.tau) is None
    assert window.turns(true + turns * math.tau) == -turns


def test_none_or_two_fit_in_those_words():
    assert "no turn fits" in Window(-1.0, 1.0, 0.1).problem(2.0)
    assert "2 turns fit" in Window(-3.0, 3.0, 0.5).problem(3.1)
    assert Window(-3.0, 3.0, 0.5).problem(2.0) is None
    assert Window(-9.0, 9.0, 0.5).problem(50.0) is None, "only the motor's own count tells the turn"


@pytest.mark.parametrize("robot", FAMILIES)
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("zero", [0.0, 90.0, 180.0, 270.0, 330.0, -30.0, 725.0])
def test_position_and_goal_are_right_after_every_power_cycle(robot, direction, zero):
    """The joint at both ends of its range, powered up there: the reading is true, and holding moves nothing."""
    bench = Held(robot, zero=math.radians(zero), direction=direction)
    for side in (0, 1):
        ends = np.array([joint.position_limits[side] for joint in bench.config.joints.values()])
        bench.plant.position[:] = 0.95 * ends + 0.05 * bench.middle
        bench.boot()
        (bench.hardware.open if side == 0 else bench.hardware.recover)()
        bench.reads()
        assert bench.error() < ERROR
        bench.plant.position[:] = bench.middle
        bench.reads()
        assert bench.error() < ERROR
        bench.plant.position[:] = 0.95 * ends + 0.05 * bench.middle
        bench.reads()
        bench.hardware.enable()
        bench.reads()
        assert bench.error() < ERROR
        command = JointCommand.zeros(len(ends))
        for target in (bench.plant.position.copy(), bench.middle):
            command.position[:] = target
            command.stiffness[:], command.damping[:] = 1.0, 0.1
            bench.hardware.write(command)
            bench.reads()
            for index, motor in enumerate(bench.emulated.motors.values()):
                joint = list(bench.config.joints.values())[index]
                goal = motor.goal.position
                assert goal is not None
                turned = joint.direction * (goal - joint.zero)
                assert abs(turned - target[index]) < ERROR, f"{robot}: a goal is in another turn"
        bench.hardware.disable()


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_power_cycle_while_limp_does_not_turn_the_reading(robot):
    """Between `open` and `enable` the robot is limp; somebody switches its power off and on."""
    bench = Held(robot, zero=math.radians(330.0))
    bench.hardware.open()
    bench.reads(8)
    bench.boot()
    bench.reads(8)
    assert bench.error() < ERROR
    bench.hardware.enable()
    bench.reads()
    assert bench.error() < ERROR


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_joint_that_no_turn_brings_into_its_range_gets_no_torque(robot):
    bench = Held(robot)
    bench.plant.position[:] = bench.middle + math.pi
    bench.boot()
    bench.hardware.open()
    assert any("no turn fits" in notice for notice in bench.hardware.notices)
    with pytest.raises(HardwareError, match="no turn fits"):
        bench.hardware.enable()
    assert not any(motor.torque_enabled for motor in bench.emulated.motors.values())


def test_a_joint_of_several_turns_keeps_the_motors_count():
    bench = Held("pendulum")
    bench.hardware.open()
    bench.plant.position[:] = 7.0
    bench.reads()
    assert bench.error() < ERROR
