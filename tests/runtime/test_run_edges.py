"""Laws of a run at its rarer turns: the supervisor lost, ports lost in a write, ramps that wait, ends that raise."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.errors import PortLostError
from sim2real.hardware.types import Supervision
from sim2real.runtime import session
from sim2real.runtime.controller import Controller
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import load_policy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.run_reasons import bus_warnings, warnings_of
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest


def still(_observation):
    return 0.0


def run(policy, robot, fake, **options):
    states: list[State] = []
    options.setdefault("on_tick", lambda controller: states.append(controller.state))
    return run_session(policy, robot, fake, fake.clock, RunOptions(**options)), states


def test_a_supervisor_that_is_gone_is_a_fault_with_torque_off(policy_of, robot, fake):
    fake.at_read[30] = lambda _state: setattr(fake, "supervision", Supervision.LOST)
    report, _ = run(policy_of(still), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.interventions == {"SUPERVISOR_LOST": 1}
    assert not fake.torque


def test_a_port_that_is_lost_in_a_write_is_a_fault(policy_of, robot, fake):
    def lose(_command):
        raise PortLostError("gone")

    fake.at_read[30] = lambda _state: setattr(fake, "write", lose)
    report, _ = run(policy_of(still), robot, fake, duration=1.0)
    assert report.reasons == ("fault: port lost",)
    assert not fake.torque


def test_a_ramp_waits_for_missing_readings_and_begins_again_from_where_the_robot_is(policy_of, robot, fake):
    fake.position[:] = -2.0
    fake.lost = lambda read: 40 <= read < 52
    report, states = run(policy_of(still), robot, fake, duration=0.2)
    assert report.ok, report.reasons
    assert report.interventions["STALE_READING"] > 0
    assert states[: states.index(State.RUNNING)] == [State.READY] * states.index(State.RUNNING)


def test_lowering_waits_for_missing_readings(policy_of, fake):
    robot = load_robot("pendulum", ("rest={pose: {pivot: 1.5 rad}, speed: 1 rad/s, timeout: 4 s}",))
    fake.lost = lambda read: 60 <= read < 72
    report, states = run(policy_of(still), robot, fake, duration=0.3)
    assert report.ok, report.reasons
    assert states[-1] is State.LOWERING
    assert abs(report.position[-1, 0] - 1.5) <= robot.ready.tolerance


def test_the_policy_s_own_fault_has_a_reaction_too(policy_of, fake):
    robot = load_robot("pendulum", ("safety.on_fault={ACTION_NOT_FINITE: hold}", "safety.fault_time=200 ms"))
    policy = policy_of(lambda _: float("nan") if policy.calls > 20 else 0.0)
    report, states = run(policy, robot, fake, duration=2.0)
    assert report.final_state is State.FAULT
    assert abs(states.count(State.REACTING) - 20) <= 1


@pytest.mark.parametrize(("level", "state"), [("damp", State.FAULT), ("fault", State.FAULT), ("count", State.RUNNING)])
def test_observations_outside_of_training_do_what_the_yaml_says(policy_of, contract, fake, level, state):
    robot = load_robot("pendulum", (f"safety.observation_range={level}", "safety.damping_max=300 ms"))
    width = contract.observation[0].width
    narrow = contract.observation[0].model_copy(update={"low": (2.0,) * width, "high": (3.0,) * width})
    policy = policy_of(still)
    policy.contract = contract.model_copy(update={"observation": (narrow, *contract.observation[1:])})
    report, _ = run(policy, robot, fake, duration=1.0)
    assert report.final_state is state
    outside = f"the policy observed {narrow.term} outside the range seen in training in {policy.calls} ticks"
    assert ("OBSERVATION_RANGE" in report.interventions) is (level != "count")  # counted only: no intervention
    assert (outside in report.warnings) is (level == "count")
    assert (policy.calls > 0) is (level == "count")


def test_a_driver_bug_while_connecting_is_a_fault_in_one_line(policy_of, robot, fake):
    def fail():
        raise TypeError("bug")

    fake.open = fail
    report, _ = run(policy_of(still), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.reasons[0].endswith("raised TypeError: bug")
    assert fake.closed


def test_a_clock_that_raises_is_a_fault(policy_of, robot, fake):
    sleep = fake.clock.sleep_until_ns

    def fail(_deadline_ns):
        fake.clock.sleep_until_ns = sleep
        raise OverflowError("clock")

    def break_it(controller):
        if controller.record.tick == 30:
            fake.clock.sleep_until_ns = fail  # the next sleep is the loop's

    report, _ = run(policy_of(still), robot, fake, duration=1.0, on_tick=break_it)
    assert report.reasons == ("fault: internal error: the clock raised OverflowError: clock",)
    assert not fake.torque


def test_what_the_hook_of_the_end_raises_is_raised_after_torque_is_off(policy_of, robot, fake):
    def fail():
        assert fake.torque
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(policy_of(still), robot, fake, duration=0.2, before_shutdown=fail)
    assert not fake.torque
    assert fake.closed


def test_ports_that_do_not_close_are_a_reason(policy_of, robot, fake):
    close = fake.close

    def once():
        fake.close = close
        raise OSError("busy")

    fake.close = once
    report, _ = run(policy_of(still), robot, fake, duration=0.2)
    assert report.reasons == ("closing the ports raised OSError: busy",)
    assert fake.closed


def test_a_policy_slower_than_its_period_is_refused_before_the_robot_is_opened(model_of, robot, fake):
    policy = load_policy(model_of())
    policy.inference_s = 0.011
    with pytest.raises(UserError, match=r"takes 11 ms for an action on this machine, a tick at 100 Hz is 10 ms"):
        run_session(policy, robot, fake, MonotonicClock(), RunOptions(duration=0.1))
    assert not fake.opened
    assert fake.closed
    policy.inference_s = 0.0099
    report, _ = run(policy, robot, fake, duration=0.1)
    assert report.final_state is State.RUNNING


def test_the_real_time_profile_is_used_and_its_refusals_are_warnings(policy_of, robot, fake, monkeypatch):
    cleared = []

    @contextmanager
    def profile(_cpu):
        yield SimpleNamespace(refused=("SCHED_FIFO: no",), spin_ns=50_000, clear_processor=lambda: cleared.append(1))

    monkeypatch.setattr(session, "real_time_profile", profile)
    report, _ = run(policy_of(still), robot, fake, duration=0.2, real_time=True)
    assert report.ok, report.reasons
    assert report.warnings == ("real-time profile: SCHED_FIFO: no",)
    assert cleared == [1]


def test_a_run_in_another_thread_takes_no_signals(policy_of, robot, fake):
    reports = []
    thread = threading.Thread(target=lambda: reports.append(run(policy_of(still), robot, fake, duration=0.2)[0]))
    thread.start()
    thread.join()
    assert reports[0].ok


def test_the_log_says_which_policy_took_over(policy_of, robot, fake, tmp_path):
    second = policy_of(still)

    def swap(controller: Controller) -> None:
        assert controller.last_action.shape == (1,)
        if controller.record.tick == 20:
            controller.swap(second)

    log = tmp_path / "run.mcap"
    run(policy_of(still), robot, fake, duration=0.5, on_tick=swap, log=log, synchronous_log=True)
    assert read_log(log).complete
    assert b"swaps" in log.read_bytes()


def test_missed_ticks_and_lost_log_lines_are_warnings(policy_of, robot, fake):
    controller = Controller(policy_of(still), robot, fake, fake.clock, lambda: 0)
    log = SimpleNamespace(dropped=3, error="")
    assert warnings_of(90, 10, log, controller) == (
        "10 of 100 ticks were missed (10.00%): this machine is too slow or too busy",
        "3 ticks are missing in the log: the disk did not keep up",
    )
    assert warnings_of(90, 0, None, controller) == ()


def test_lost_replies_are_a_warning_where_there_are_more_than_a_few():
    assert bus_warnings(0, 0, {}) == bus_warnings(1000, 10, {"hip": 10}) == ()
    assert bus_warnings(200, 30, {"hip": 2, "knee": 28}) == (
        "a reply was missing in 30 of 200 ticks (15.0%), most often of joint knee: look at cable and adapter",
    )
    assert bus_warnings(10, 1, {}) == ("a reply was missing in 1 of 10 ticks (10.0%): look at cable and adapter",)


def test_an_emergency_stop_that_also_ends_the_run_cannot_be_reset():
    stop = StopRequest()
    stop.emergency_stop("operator", ending=False)
    stop.reset()
    assert not stop.emergency
    assert stop.cause == ""
    stop.emergency_stop("SIGQUIT")
    stop.reset()
    assert stop.emergency
    assert stop.cause == "SIGQUIT"


def test_a_run_that_stops_before_it_opens_touches_nothing(policy_of, robot, fake):
    stop = StopRequest()
    stop.stop("test")
    report, _ = run(policy_of(still), robot, fake, duration=1.0, stop=stop)
    assert report.final_state is State.DISCONNECTED
    assert report.ok
    assert fake.calls == ["close"]
    assert np.isnan(report.position).size == 0
