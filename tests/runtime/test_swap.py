"""Laws of a swap: a policy that fits takes over in the middle of a run, blended; any other is refused in one line."""

import numpy as np
import pytest
from fake_robot import FunctionPolicy

from sim2real.configs.errors import UserError
from sim2real.hardware.clock import MonotonicClock
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import load_policy
from sim2real.runtime.run import run
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.swap import Swap, logged_swaps, swaps_text
from sim2real.runtime.tick import Tick

AT = 60


def swapping(policy, at=AT):
    return lambda controller: controller.swap(policy) if controller.record.tick == at else None


def test_the_second_policy_takes_over_blended_and_the_report_says_when(policy_of, robot, fake):
    first, second = policy_of(lambda _: 0.0), policy_of(lambda _: 0.5)
    second.digest = "1" * 64
    options = RunOptions(duration=1.5, on_tick=swapping(second))
    report = run_session(first, robot, fake, fake.clock, options)
    assert report.final_state is State.RUNNING
    assert report.ok, report.reasons
    assert report.swaps == ((AT + 1, "1" * 64),)
    assert report.document()["swaps"] == [{"tick": AT + 1, "policy_sha256": "1" * 64}]
    efforts = np.array(fake.commands)[:, 0]
    whole = efforts[-1]
    assert whole == pytest.approx(0.5 * robot.joints["pivot"].effort_limit, rel=0.01)
    assert (efforts[:AT] == 0.0).all()
    assert 0.0 < np.abs(np.diff(efforts)).max() <= whole / 20 * 1.05  # 0.2 s of blend
    assert second.calls > 0


def test_a_recurrent_policy_begins_without_memory(policy_of, robot, fake, contract):
    class Recurrent(FunctionPolicy):
        resets = 0

        def reset(self):
            self.resets += 1

    second = Recurrent(contract, lambda _: 0.0)
    run_session(policy_of(lambda _: 0.0), robot, fake, fake.clock, RunOptions(duration=1.0, on_tick=swapping(second)))
    assert second.resets == 1


DIFFERENCES = {
    "control_rate": lambda contract: {"control_rate": contract.control_rate / 2},
    "action": lambda contract: {"action": contract.action.model_copy(update={"smoothing": 0.5})},
    "observation": lambda contract: {"observation": contract.observation[:-1]},
    "robot": lambda contract: {"robot": contract.robot.model_copy(update={"name": "other"})},
}


@pytest.mark.parametrize("field", DIFFERENCES)
def test_a_policy_with_another_interface_is_refused_and_torque_is_off(policy_of, robot, fake, contract, field):
    other = FunctionPolicy(contract.model_copy(update=DIFFERENCES[field](contract)), lambda _: 0.0)
    with pytest.raises(UserError, match=rf"cannot take over: {field} differs") as refused:
        run_session(
            policy_of(lambda _: 0.0), robot, fake, fake.clock, RunOptions(duration=1.0, on_tick=swapping(other))
        )
    assert "\n" not in str(refused.value)
    assert not fake.torque


def test_a_refusal_that_is_caught_changes_nothing(policy_of, robot, fake, contract):
    other = FunctionPolicy(contract.model_copy(update=DIFFERENCES["action"](contract)), lambda _: 1.0)

    def attempt(controller):
        if controller.record.tick == AT:
            with pytest.raises(UserError):
                controller.swap(other)

    report = run_session(policy_of(lambda _: 0.0), robot, fake, fake.clock, RunOptions(duration=1.0, on_tick=attempt))
    assert report.ok, report.reasons
    assert report.swaps == ()
    assert other.calls == 0


def test_a_program_swaps_from_its_hook(model_of):
    second = load_policy(model_of("second.onnx", gain=-0.5))

    def hook(tick: Tick) -> None:
        if tick.number == AT:
            tick.swap(second)

    report = run(model_of(), "pendulum", lockstep=True, plant="inertia", duration=1.0, on_tick=hook)
    assert report.ok, report.reasons
    assert report.swaps == ((AT + 1, second.digest),)


def test_a_policy_that_is_too_slow_for_real_time_does_not_take_over(policy_of, model_of, robot, fake):
    slow = load_policy(model_of("slow.onnx"))
    slow.inference_s = 1.0
    controller = Controller(policy_of(lambda _: 0.0), robot, fake, MonotonicClock(), lambda: 0)
    with pytest.raises(UserError, match=r"takes 1e\+03 ms for an action"):
        controller.swap(slow)
    assert controller.swaps == []


def test_swaps_of_a_log_are_those_that_were_written_and_none_of_another_version():
    swaps = (Swap(7, "ab" * 32, (((-1.0, -2.0), (1.0, 2.0)),)),)
    assert logged_swaps({"swaps": swaps_text(swaps)}) == swaps
    assert logged_swaps({"swaps": '[[7, "abab"]]'}) == ()
    assert logged_swaps({}) == ()
