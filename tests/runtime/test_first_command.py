"""Laws of the first commands: at the pose of a reading since torque came on, and the policy's blended in."""

import numpy as np
import pytest
from interrupted import POLICIES, Interrupted

from sim2real.configs.load import load_robot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.types import JointCommand
from sim2real.runtime.blend import Blend
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

MOVED = 0.1
MS = 1_000_000


@pytest.mark.parametrize("name", list(POLICIES))
def test_the_first_command_is_where_the_robot_is_after_torque_came_on(name):
    """A robot that falls while it is switched on was pulled back to where it had been."""
    bench = Interrupted(name)
    tracked = [joint.mode != "current" for joint in bench.robot.joints.values()]
    positions, commands = [], []
    enable, write, read = bench.hardware.enable, bench.hardware.write, bench.hardware.read

    def enable_and_fall() -> None:
        enable()
        bench.emulated.plant.position[:] += MOVED

    def keep(state) -> None:
        read(state)
        positions.append(state.position.copy())

    def note(command) -> None:
        commands.append((positions[-1], command.position.copy(), command.effort.copy()))
        write(command)

    bench.hardware.enable, bench.hardware.read, bench.hardware.write = enable_and_fall, keep, note
    bench.run()
    position, target, effort = commands[0]
    np.testing.assert_allclose(target[tracked], position[tracked], atol=2e-2)
    assert np.abs(effort[~np.array(tracked)]).sum() <= 0.2


def test_a_joint_that_does_not_answer_once_torque_is_on_is_a_fault_before_any_command(policy_of, robot, fake):
    fake.lost = lambda read: "enable" in fake.calls
    report = run_session(policy_of(lambda _: 0.0), robot, fake, fake.clock, RunOptions(duration=1.0))
    assert report.final_state is State.FAULT
    assert report.reasons[0].startswith("fault: communication loss of joint pivot: ")
    assert fake.commands == []
    assert not fake.torque


def test_an_enable_that_is_refused_is_one_line_and_torque_is_off(policy_of, robot, fake):
    def refuse():
        fake.torque = True
        raise HardwareError("joint 'pivot' refused")

    fake.enable = refuse
    with pytest.raises(HardwareError, match=r"^joint 'pivot' refused$"):
        run_session(policy_of(lambda _: 0.0), robot, fake, fake.clock, RunOptions(duration=1.0))
    assert not fake.torque
    assert fake.closed


def test_the_policy_s_first_targets_are_blended_in(policy_of, fake):
    robot = load_robot("pendulum", ("ready.blend=200 ms",))
    report = run_session(policy_of(lambda _: 0.5), robot, fake, fake.clock, RunOptions(duration=0.6))
    assert report.ok, report.reasons
    efforts = np.array(fake.commands)[:, 0]
    whole = efforts[-1]
    assert whole == pytest.approx(0.5 * 0.6, rel=0.01)
    assert np.abs(np.diff(efforts)).max() <= whole / 20 * 1.05  # 20 ticks of blend
    assert efforts[22:-1] == pytest.approx(whole)


def test_a_blend_is_the_straight_way_and_then_the_command_to_the_bit():
    blend, last, command = Blend(2, 0.1), JointCommand.zeros(2), JointCommand.zeros(2)
    for name in JointCommand.__slots__:
        getattr(last, name)[:] = [1.0, -2.0]
    blend.begin(last, 5 * MS)
    for time_ms, share in ((5, 0.0), (30, 0.25), (55, 0.5), (105, 1.0), (500, 1.0)):
        for name in JointCommand.__slots__:
            getattr(command, name)[:] = [3.0, 0.1]
        blend.apply(command, time_ms * MS)
        for name in JointCommand.__slots__:
            expected = [1.0 + 2.0 * share, -2.0 + 2.1 * share]
            assert getattr(command, name) == pytest.approx(expected)
    assert command.position.tolist() == [3.0, 0.1]


def test_no_blend_changes_nothing():
    blend, command = Blend(1, 0.0), JointCommand.zeros(1)
    blend.begin(JointCommand.zeros(1), 0)
    command.position[:] = 0.3
    blend.apply(command, 0)
    assert command.position[0] == 0.3
