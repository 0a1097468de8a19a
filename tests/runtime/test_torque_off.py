"""Laws of torque off: what no motor has confirmed is no success, and is tried again for a bounded time."""

import pytest

from sim2real.configs.errors import UserError
from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.torque_off import CONFIRM_S, TorqueOff


def still(_observation):
    return 0.0


def deaf(fake, times: int, error: Exception) -> None:
    """Let the motors not confirm the first so many requests."""
    disable = fake.disable

    def disable_after():
        fake.calls.append("try")
        if fake.calls.count("try") <= times:
            raise error
        disable()

    fake.disable = disable_after


def run(policy, robot, fake, **options):
    return run_session(policy, robot, fake, fake.clock, RunOptions(duration=0.5, **options))


def test_motors_that_confirm_late_are_asked_again_and_the_run_is_ok(policy_of, robot, fake):
    deaf(fake, 5, TorqueOnError(("pivot",)))
    report = run(policy_of(still), robot, fake)
    assert report.ok, report.reasons
    assert not fake.torque


@pytest.mark.parametrize(
    "error", [TorqueOnError(("pivot",)), HardwareError("joint 'pivot' is silent"), TypeError("pivot")]
)
def test_motors_that_never_confirm_are_named_and_the_run_is_not_ok(policy_of, robot, fake, error):
    deaf(fake, 10**9, error)
    report = run(policy_of(still), robot, fake)
    assert not report.ok
    assert report.final_state is State.RUNNING
    assert len(report.reasons) == 1
    assert report.reasons[0].startswith("torque off was not confirmed; cut the power: ")
    assert "pivot" in report.reasons[0]
    assert fake.closed
    assert 10 < fake.calls.count("try") <= 2 + CONFIRM_S / 0.02 * 2


def test_an_emergency_stop_that_is_not_confirmed_says_so(policy_of, robot, fake):
    stop = StopRequest()
    deaf(fake, 10**9, TorqueOnError(("pivot",)))

    def press(controller):
        if controller.record.tick == 20:
            stop.emergency_stop("test")

    report = run(policy_of(still), robot, fake, stop=stop, on_tick=press)
    assert report.final_state is State.ESTOP
    assert report.reasons[0] == "emergency stop by test"
    assert report.reasons[1].startswith("torque off was not confirmed; cut the power: ")


def test_a_robot_that_does_not_open_and_does_not_confirm_says_both(policy_of, robot, fake):
    deaf(fake, 10**9, TorqueOnError(("pivot",)))

    def fail():
        raise HardwareError("motor 3 is missing")

    fake.open = fail
    with pytest.raises(UserError, match=r"motor 3 is missing; torque off was not confirmed; cut the power: .*'pivot'"):
        run(policy_of(still), robot, fake)
    assert fake.closed


def test_a_hook_that_raises_is_raised_after_torque_is_off(policy_of, robot, fake):
    def fail(controller):
        if controller.record.tick == 20:
            assert fake.torque
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(policy_of(still), robot, fake, on_tick=fail)
    assert not fake.torque
    assert fake.closed


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_driver_that_raises_what_it_should_not_is_a_fault(policy_of, robot, fake, error):
    def fail(_state):
        raise error("boom")

    fake.at_read[30] = fail
    report = run(policy_of(still), robot, fake)
    assert report.final_state is State.FAULT
    assert report.reasons == (f"fault: internal error: the driver, reading raised {error.__name__}: boom",)
    assert not fake.torque


def test_a_clock_that_raises_does_not_keep_torque_on(robot, fake):
    class Broken:
        def now_ns(self):
            raise OverflowError

    fake.torque = True
    deaf(fake, 1, TorqueOnError(("pivot",)))
    torque = TorqueOff(robot, fake, Broken())
    torque.confirm()
    assert torque.confirmed
    assert not fake.torque
