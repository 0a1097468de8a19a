"""Laws of the commands that switch torque on: consent first, and torque off however they end."""

import json
import os
import signal

import pytest
from served import served
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.commands.motors import app
from sim2real.hardware.commands.torque_session import torque_session
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.errors import HardwareError, TorqueOnError


def run(*arguments, **given):
    return CliRunner().invoke(app, ["move", *arguments], **given)


@pytest.fixture
def rig():
    return Rig(load_robot("pendulum"))


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda: None, None),
        (lambda: os.kill(os.getpid(), signal.SIGINT), KeyboardInterrupt),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), UserError),
        (lambda: os.kill(os.getpid(), signal.SIGHUP), UserError),
    ],
)
def test_torque_is_off_however_it_ends(rig, end, error):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    hardware = rig.hardware

    def work():
        with torque_session(rig.config, hardware, rig.clock):
            rig.state.stamp_ns[:] = 0
            hardware.read(rig.state)
            hardware.enable()
            assert any(rig.torques())
            end()

    if error is None:
        work()
    else:
        with pytest.raises(error):
            work()
    assert not any(rig.torques())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_motor_that_does_not_confirm_is_named_with_what_ended_it(rig):
    def refused():
        raise TorqueOnError(("pivot",))

    rig.hardware.disable = refused
    said = r"interrupted; torque may still be on; no confirmation from 'pivot'"
    with pytest.raises(HardwareError, match=said), torque_session(rig.config, rig.hardware, rig.clock):
        raise KeyboardInterrupt


def end_with_sigterm():
    os.kill(os.getpid(), signal.SIGTERM)


def end_with_an_error():
    raise HardwareError("something broke")


ENDINGS = pytest.mark.parametrize("end", [lambda: None, end_with_sigterm, end_with_an_error])
FAMILIES = pytest.mark.parametrize(
    ("robot", "by_itself"),
    [("pendulum", "Bus Watchdog"), ("so101", "has no watchdog"), ("hopper_leg", "damps its joint")],
)


def plug(rig, plugged):
    for line in rig.emulated.lines.values():
        line.plug(plugged)


def unplugged_while_torque_is_on(rig, end):
    """Run a block that switches torque on and loses its port; return what is said at its end."""
    try:
        with torque_session(rig.config, rig.hardware, rig.clock):
            rig.hardware.read(rig.state)
            rig.hardware.enable()
            plug(rig, False)
            end()
    except UserError as error:
        return str(error)
    return ""


@FAMILIES
@ENDINGS
def test_an_unplugged_adapter_is_said_with_what_its_motors_do_and_the_cure(robot, by_itself, end):
    """The message of a signal once began with `torque is off`."""
    rig = Rig(load_robot(robot))
    said = unplugged_while_torque_is_on(rig, end)
    assert "torque may still be on" in said
    assert "torque is off" not in said
    assert all(repr(name) in said for name in rig.names)
    assert all(words in said for words in (by_itself, "Cut the power", "sim2real motors torque-off"))


@FAMILIES
@ENDINGS
def test_torque_is_off_once_the_adapter_is_plugged_in_again(robot, by_itself, end):
    rig = Rig(load_robot(robot))
    disable, asked = rig.hardware.disable, []

    def plugged_in_again():
        asked.append(rig.clock.now_ns())
        if len(asked) > 1 and asked[-1] >= asked[0] + 2_000_000_000 and not all(line.plugged for line in lines):
            plug(rig, True)
        disable()

    lines = rig.emulated.lines.values()
    rig.hardware.disable = plugged_in_again
    said = unplugged_while_torque_is_on(rig, end)
    rig.settle()
    assert asked[-1] >= asked[0] + 2_000_000_000
    assert not any(rig.torques())
    assert "may still be on" not in said


def test_a_second_ctrl_c_ends_the_wait_but_not_the_message(rig):
    asked = []

    def refused():
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        raise TorqueOnError(("pivot",))

    rig.hardware.disable = refused
    said = r"interrupted; torque may still be on; no confirmation from 'pivot'"
    with pytest.raises(HardwareError, match=said), torque_session(rig.config, rig.hardware, rig.clock):
        raise KeyboardInterrupt
    assert rig.clock.now_ns() < 1_000_000_000  # far less than the wait


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pivot=10deg", "pivot=20deg"), "given twice"),
        (("pivot",), "must be JOINT=ANGLE"),
        (("pivot=10",), "valid: rad"),
        (("pivot=10deg", "--speed", "3rad"), "valid: rad/s"),
        (("pivot=10deg", "--port", "spare=/dev/x"), "has no bus 'spare'; valid: main"),
        (("elbow=10deg",), "valid: pivot"),
        (("pivot=5000deg",), "valid: -"),
    ],
)
def test_a_wrong_call_is_one_line(arguments, said):
    result = run("pendulum", *arguments, "--yes", "--json")
    assert result.exit_code == 1
    (reason,) = json.loads(result.stdout)["reasons"]
    assert said in reason


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_nothing_moves_without_consent(answer):
    result = run("pendulum", "pivot=10deg", "--port", "/dev/nothing", input=answer)
    assert result.exit_code == 1
    assert "nothing was moved" in result.stderr


@pytest.mark.realtime
def test_a_joint_is_moved_on_a_port():
    with served() as server:
        done = run("pendulum", "pivot=10deg", "--port", server.ports["main"], "--hold", "0.2", "--yes", "--json")
        assert done.exit_code == 0, done.output
        (joint,) = json.loads(done.stdout)["joints"]
        assert joint["ok"]
        assert not server.emulated.motors["pivot"].torque_enabled
