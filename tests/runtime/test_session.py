"""Laws of a run: the way to torque and back, and what comes of losses, silence, vanishing ports and broken policies."""

import os
import signal

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot, load_task
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.errors import HardwareError
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest


def still(_observation):
    return 0.0


def swing(observation):
    return float(np.clip(-0.3 * observation[0, 0] - 0.2 * observation[0, 3] + 0.2, -1, 1))


def run(policy, robot, fake, **options):
    return run_session(policy, robot, fake, fake.clock, RunOptions(**options))


def test_an_undisturbed_run_is_ok_and_leaves_torque_off(policy_of, robot, fake):
    report = run(policy_of(still), robot, fake, duration=1.0)
    assert report.ok, report.reasons
    assert report.final_state is State.RUNNING
    assert report.goal_reached is None  # one second is less than the goal must be held
    assert report.interventions == {}
    assert report.missed_ticks == report.held_ticks == 0
    assert abs(report.ticks - 101) <= 1
    assert report.time.shape == (report.ticks,)
    assert not fake.torque
    assert fake.closed
    assert fake.calls[0] == "open"
    assert fake.calls[-2:] == ["disable", "close"]


def test_the_goal_is_judged_from_measured_positions(policy_of, robot, fake):
    fake.position[:] = np.pi  # found upright; without gravity it stays where damping leaves it
    robot = load_robot("pendulum", ("ready.tolerance=3.2 rad",))
    report = run(policy_of(still), robot, fake, duration=6.0)
    assert report.goal_reached is False
    assert not report.ok
    assert "goal not reached: joint pivot" in report.reasons[0]


def test_nothing_moves_when_a_motor_never_answers(policy_of, robot, fake):
    fake.lost = lambda read: True
    with pytest.raises(HardwareError, match="silent: pivot"):
        run(policy_of(still), robot, fake, duration=1.0)
    assert "enable" not in fake.calls
    assert fake.closed


def test_torque_is_not_switched_on_outside_the_envelope(policy_of, robot, fake):
    fake.position[:] = 12.0  # beyond 540 deg + 30 deg
    report = run(policy_of(still), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert "position of joint pivot: 12 rad, limit " in report.reasons[0]
    assert "enable" not in fake.calls


@pytest.mark.parametrize("start", [-3 * np.pi, -2.0, 0.4, 3 * np.pi])
def test_the_ramp_starts_from_wherever_the_joint_is_and_does_not_jump(policy_of, robot, fake, start):
    fake.position[:] = start
    report = run(policy_of(still), robot, fake, duration=0.2)
    assert report.final_state is State.RUNNING, report.reasons
    ramp = np.abs(np.diff(report.position[:, 0])) / 0.01
    assert abs(fake.commands[0][0]) < 0.1  # no kick when torque comes on
    assert ramp.max() < 2 * robot.ready.speed
    assert abs(report.position[-1, 0]) < robot.ready.tolerance


def test_a_start_pose_out_of_reach_is_a_fault_with_its_reason(policy_of, robot, fake):
    fake.position[:] = 2.0
    fake.inertia = 1e9  # jammed
    robot = load_robot("pendulum", ("joints.pivot.stall_effort=1 N*m",))  # or the jam would be seen first
    report = run(policy_of(still), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.reasons == ("fault: start pose of joint pivot not reached in time: it is at 2 rad, not 0 rad",)
    assert report.duration == pytest.approx(robot.ready.timeout, abs=0.05)
    assert not fake.torque


def test_a_lost_reply_repeats_the_command_and_the_run_goes_on(policy_of, robot, fake):
    lost = set(range(20, 200, 7))
    fake.lost = lambda read: read in lost
    report = run(policy_of(swing), robot, fake, duration=3.0)
    assert report.ok, report.reasons
    assert report.held_ticks == len(lost)
    assert report.bus.timeouts == len(lost)
    assert report.interventions == {}
    commands = np.array(fake.commands)[:, 0]
    for read in lost:
        tick = read - 3  # one reading before torque, one after it came on
        assert commands[tick] == commands[tick - 1]
    undisturbed = np.abs(np.diff(commands[50:])).max()
    assert undisturbed < 0.05


def test_stale_readings_damp_and_the_run_goes_on(policy_of, robot, fake):
    fake.velocity[:] = 0.5
    fake.lost = lambda read: 40 <= read < 50  # 100 ms: more than reading_age_max, less than communication_loss
    report = run(policy_of(swing), robot, fake, duration=2.0)
    assert report.final_state is State.RUNNING
    assert report.ok, report.reasons
    assert report.interventions["STALE_READING"] >= 4
    assert "COMMUNICATION_LOSS" not in report.interventions
    commands = np.array(fake.commands)[:, 0]
    assert (commands[45:47] == 0.0).all()  # a stale velocity is no ground to push on


def test_a_silent_motor_is_a_fault_in_bounded_time(policy_of, robot, fake):
    fake.lost = lambda read: read >= 40
    report = run(policy_of(swing), robot, fake, duration=5.0)
    assert report.final_state is State.FAULT
    assert any("communication loss of joint pivot: 0.2" in reason for reason in report.reasons)
    assert report.duration < 0.4 + robot.safety.communication_loss + 0.03
    assert not fake.torque


def test_a_vanishing_port_is_a_fault_at_once_and_then_silence(policy_of, robot, fake):
    fake.port_lost_from = 50
    ended_at = []
    report = run(
        policy_of(swing), robot, fake, duration=5.0, before_shutdown=lambda: ended_at.append(fake.clock.now_ns())
    )
    assert report.final_state is State.FAULT
    assert report.reasons[0] == "fault: port lost"
    assert fake.reads == 50
    assert (ended_at[0] - NS_PER_S) * 1e-9 > report.duration + robot.safety.watchdog
    assert report.reasons[1].startswith("torque off was not confirmed; ")
    assert fake.closed


def test_a_run_whose_torque_may_still_be_on_is_not_ok(policy_of, robot, fake):
    # A port that vanished after the last tick was a warning of a run that said ok.
    def unplug() -> None:
        fake.port_lost_from = 0

    report = run(policy_of(swing), robot, fake, duration=1.0, before_shutdown=unplug)
    assert report.final_state is State.RUNNING
    assert not report.ok
    assert [reason.partition(";")[0] for reason in report.reasons] == ["torque off was not confirmed"]


def test_nan_from_the_policy_damps_is_reported_and_ends_in_fault(policy_of, robot, fake):
    policy = policy_of(lambda observation: float("nan") if policy.calls > 50 else 0.5)
    report = run(policy, robot, fake, duration=5.0)
    assert report.final_state is State.FAULT
    assert report.interventions["ACTION_NOT_FINITE"] == robot.safety.missed_ticks_max + 1
    assert report.reasons == ("fault: action not finite of joint pivot: nan, limit inf",)
    damped = np.array(fake.commands)[-robot.safety.missed_ticks_max :, 0]
    assert np.isfinite(damped).all()
    assert (damped <= 0.0).all()  # against the motion it had gathered


def test_one_nan_or_infinity_from_the_policy_damps_one_tick(policy_of, robot, fake):
    policy = policy_of(lambda observation: float("inf") if policy.calls == 50 else 0.2)
    report = run(policy, robot, fake, duration=1.0)
    assert report.ok, report.reasons
    assert report.interventions == {"ACTION_NOT_FINITE": 1}


def test_a_reading_that_is_not_finite_is_a_fault(policy_of, robot, fake):
    fake.at_read[30] = lambda state: state.velocity.fill(np.nan)
    report = run(policy_of(swing), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.interventions["NOT_FINITE"] == 1


def test_a_motor_fault_is_a_fault(policy_of, robot, fake):
    fake.at_read[30] = lambda state: state.faults.fill(2)
    report = run(policy_of(swing), robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.reasons == ("fault: motor fault of joint pivot: OVERHEATING",)


def test_temperature_may_be_unknown_only_for_a_while(policy_of, robot, fake):
    fake.slow_readings = False
    report = run(policy_of(still), robot, fake, duration=5.0)
    assert report.final_state is State.FAULT
    assert set(report.interventions) == {"TEMPERATURE_UNKNOWN", "VOLTAGE_UNKNOWN"}
    assert 2.0 < report.duration < 2.1


def test_too_many_missed_ticks_are_a_fault(policy_of, robot, fake):
    def stall(observation):
        if policy.calls == 20:
            fake.clock.sleep_until_ns(fake.clock.now_ns() + 300_000_000)
        return 0.0

    policy = policy_of(stall)
    report = run(policy, robot, fake, duration=5.0)
    assert report.final_state is State.FAULT
    assert report.interventions["MISSED_TICKS"] == 1
    assert report.missed_ticks > robot.safety.missed_ticks_max


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit])
def test_a_policy_that_raises_is_a_fault_with_torque_off(policy_of, robot, fake, error):
    def explode(observation):
        if policy.calls == 30:
            raise error("boom")
        return 0.0

    policy = policy_of(explode)
    report = run(policy, robot, fake, duration=1.0)
    assert report.final_state is State.FAULT
    assert report.stopped_by == "fault"
    assert report.reasons == (f"fault: internal error: the policy raised {error.__name__}: boom",)
    assert report.interventions == {"INTERNAL_ERROR": 1}
    assert not fake.torque
    assert fake.closed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_run_with_torque_off_and_a_second_one_changes_nothing(policy_of, robot, fake, number):
    def interrupt(observation):
        if policy.calls == 30:
            os.kill(os.getpid(), number)
        return 0.0

    before = signal.getsignal(number)
    disable = fake.disable

    def interrupted_disable():
        os.kill(os.getpid(), number)
        disable()

    fake.disable = interrupted_disable
    policy = policy_of(interrupt)
    report = run(policy, robot, fake)
    assert report.stopped_by == number.name
    assert report.ok, report.reasons
    assert not fake.torque
    assert fake.closed
    assert signal.getsignal(number) is before


def test_sigquit_is_an_emergency_stop(policy_of, robot, fake):
    def interrupt(observation):
        if policy.calls == 30:
            os.kill(os.getpid(), signal.SIGQUIT)
        return 0.0

    policy = policy_of(interrupt)
    report = run(policy, robot, fake)
    assert report.final_state is State.ESTOP
    assert report.reasons == ("emergency stop by SIGQUIT",)
    assert not fake.torque


def test_a_policy_for_another_robot_is_refused_before_a_port_is_opened(policy_of, fake):
    other = load_robot("pendulum", ("joints.pivot.effort_limit=0.4 N*m", "joints.pivot.stiffness=2 N*m/rad"))
    with pytest.raises(UserError, match=r"2 fields differ.*joints.pivot.effort_max: model .*, robot 0.4") as caught:
        run(policy_of(still), other, fake)
    assert "\n" not in str(caught.value)
    assert not fake.opened


def test_the_hook_sees_the_robot_before_torque_goes_off(policy_of, robot, fake):
    seen = []
    run(policy_of(still), robot, fake, duration=0.2, before_shutdown=lambda: seen.append(fake.torque))
    assert seen == [True]


def test_a_joint_in_position_mode_follows_targets_that_never_outrun_its_velocity_limit(policy_of):
    overrides = (
        "robot.joints.pivot.mode=position",
        "robot.joints.pivot.stiffness=0 N*m/rad",  # the gains of the factory
        "action={target: position, scale: 0.5 rad}",
    )
    task = load_task("pendulum_swingup", overrides)
    world = lockstep(task.robot, plant="inertia")
    policy = policy_of(lambda observation: 1.0 if policy.calls // 50 % 2 else -1.0)
    policy.contract = contract_of(task)
    commands = []
    report = run_session(
        policy,
        task.robot,
        world.hardware,
        world.clock,
        RunOptions(duration=2.0, on_tick=lambda controller: commands.append(controller.record.command.position[0])),
    )
    assert report.ok, report.reasons
    assert not report.interventions  # the contract already goes no faster
    steps = np.abs(np.diff(commands))
    limit = task.robot.joints["pivot"].velocity_limit / task.control_rate
    assert steps.max() == pytest.approx(limit)
    assert report.position.min() < -0.4
    assert report.position.max() > 0.4


def test_the_report_is_plain_data(policy_of, robot, fake):
    import json

    report = run(policy_of(swing), robot, fake, duration=0.5)
    document = report.document()
    json.dumps(document)
    assert document["ok"]
    assert document["bus"]["reads"] == fake.reads
    assert set(document["tick_times"]) >= {"read", "observe", "infer", "limit", "write", "record", "total", "lateness"}


def test_a_signal_in_a_run_ends_the_work_that_the_run_is_part_of():
    stop = StopRequest()
    stop.stop("operator")
    stop.raise_if_signalled()
    stop.handle(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        stop.raise_if_signalled()
