"""Laws of goals: each kind's distance is what its name says, and a run is judged by what was measured to its end."""

import json

import numpy as np
import pytest

from sim2real.configs.load import load_task
from sim2real.configs.schema.command import TIP_COMMANDS
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.manifest import CONTRACT_KEY, from_metadata, to_metadata
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.runtime.goal_watch import GoalWatch
from sim2real.runtime.record import TickRecord
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.trajectory import Trajectory

REACH = (
    "commands={tip_x: {range: [-1, 1], default: 0.3}, tip_y: {range: [-1, 1]}, tip_z: {range: [-1, 1], default: 0.2}}",
    "goal={kind: tip, distance: 12 mm, hold: 2 s}",
)
KINDS = {
    "joint": ("pendulum_swingup", ()),
    "upright": ("quadruped_stand", ("goal={kind: upright, tolerance: 10 deg, hold: 2 s}",)),
    "tip": ("so101_hold", REACH),
    "finish": ("pendulum_swingup", ("goal={kind: finish}",)),
}
WORDS = {
    "joint": "joint pivot within 15 deg of 180 deg for the last 5 s",
    "upright": "body of IMU trunk within 10 deg of upright for the last 2 s",
    "tip": "tip within 12 mm of the target for the last 2 s",
    "finish": "the end of the run without a fault",
}


def task_of(kind: str) -> TaskConfig:
    name, overrides = KINDS[kind]
    return load_task(name, overrides)


def goal_of(kind: str, n: int = 1) -> tuple[Contract, Goal]:
    contract = contract_of(task_of(kind))
    return contract, Goal(contract, n)


@pytest.mark.parametrize("kind", KINDS)
def test_a_goal_has_words_and_survives_the_metadata(kind: str) -> None:
    contract, goal = goal_of(kind)
    assert goal.words == WORDS[kind]
    metadata = to_metadata(contract, {})
    assert json.loads(metadata[CONTRACT_KEY])["goal"].get("kind", "joint") == kind
    assert from_metadata(metadata)[0] == contract


@pytest.mark.parametrize("kind", ["joint", "upright", "tip"])
def test_one_robot_is_as_far_from_its_goal_as_among_many(kind: str) -> None:
    contract, many = goal_of(kind, 4)
    random = np.random.default_rng(3)
    signals = Signals.of(contract, 4)
    for values in (signals.joint_position, signals.orientation, signals.command):
        values[:] = random.standard_normal(values.shape)
    if signals.orientation.size:
        signals.orientation[:] /= np.linalg.norm(signals.orientation, axis=-1, keepdims=True)
        signals.orientation[3] = np.nan
    together = many.distance(signals)
    one = Goal(contract, 1)
    for row in range(4):
        alone = Signals(**{name: getattr(signals, name)[row : row + 1].copy() for name in Signals.__slots__})
        np.testing.assert_allclose(one.distance(alone), together[row : row + 1], rtol=1e-12, equal_nan=True)


def test_a_joint_s_distance_counts_full_turns_as_the_same_where_it_says_so() -> None:
    _, goal = goal_of("joint", 4)
    signals = Signals.zeros(4, 1, 0, 0)
    signals.joint_position[:, 0] = [np.pi, -np.pi, 0.0, 3.0 * np.pi + 0.2]
    np.testing.assert_allclose(goal.distance(signals), [0.0, 0.0, np.pi, 0.2], atol=1e-12)
    assert goal.within(goal.distance(signals)).tolist() == [True, True, False, True]


def test_a_body_s_distance_is_its_tilt_whatever_its_heading() -> None:
    _, goal = goal_of("upright", 5)
    signals = Signals.zeros(5, 12, 1, 0)
    tilt, heading = np.array([0.0, 1e-7, 0.1, 2.0, np.pi]), np.array([1.0, 0.3, -2.0, 3.0, 0.5])
    # Heading about z, then the tilt about the body's own y.
    signals.orientation[:, 0] = np.stack(
        [
            np.cos(heading / 2.0) * np.cos(tilt / 2.0),
            -np.sin(heading / 2.0) * np.sin(tilt / 2.0),
            np.cos(heading / 2.0) * np.sin(tilt / 2.0),
            np.sin(heading / 2.0) * np.cos(tilt / 2.0),
        ],
        axis=1,
    )
    np.testing.assert_allclose(goal.distance(signals), tilt, atol=1e-12)
    assert goal.within(goal.distance(signals)).tolist() == [True, True, True, False, False]


def test_a_tip_s_distance_is_the_length_to_where_the_commands_ask_for_it() -> None:
    _, goal = goal_of("tip", 3)
    signals = Signals.zeros(2, 6, 0, 3)
    straight = [0.3914, 0.0, 0.2264]  # all joints at zero, see test_tip
    signals.command[:] = np.add(straight, [[0.003, 0.004, 0.0], [0.0, 0.0, -0.02]])
    np.testing.assert_allclose(goal.distance(signals), [0.005, 0.02], atol=1e-12)
    assert goal.within(goal.distance(signals)).tolist() == [True, False]
    assert goal.text(0.005) == "5 mm"


def test_who_only_has_to_finish_is_never_away() -> None:
    _, goal = goal_of("finish", 2)
    assert goal.distance(Signals.zeros(2, 1, 0, 0)).tolist() == [0.0, 0.0]
    assert goal.hold == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_distance_that_is_no_number_is_not_within(kind: str) -> None:
    _, goal = goal_of(kind)
    assert not goal.within(np.array([np.nan])).any()


def watch_of(kind: str) -> tuple[GoalWatch, TickRecord, Signals]:
    contract = contract_of(task_of(kind))
    record = TickRecord.empty(contract)
    signals = Signals.of(contract, 1)
    return GoalWatch(contract, 20_000_000), record, signals


def test_nobody_is_upright_by_the_word_of_an_imu_that_is_silent() -> None:
    watch, record, signals = watch_of("upright")
    record.time_ns = 1_000_000_000
    record.imus.stamp_ns[0] = 950_000_000
    assert watch.distance(signals, record) == 0.0
    record.imus.stamp_ns[0] = 850_000_000  # the trunk's unit goes stale after 100 ms
    assert np.isnan(watch.distance(signals, record))


@pytest.mark.parametrize(
    ("distances", "reached", "why"),
    [
        ([9.0] * 50 + [0.01] * 100, True, ""),
        ([9.0] * 50 + [0.01] * 99 + [0.3], False, "in that time it was up to 17.19 deg away"),
        ([9.0] * 51 + [0.2] + [0.01] * 98, False, "in that time it was up to 11.46 deg away"),
        ([9.0] * 50 + [0.01] * 50 + [np.nan] + [0.01] * 49, False, "in that time it was not measured throughout"),
        ([0.01] * 99, None, ""),
        ([], None, ""),
    ],
)
def test_a_goal_is_reached_when_every_tick_of_its_last_part_is_within(
    distances: list[float], reached: bool | None, why: str
) -> None:
    watch, _, _ = watch_of("upright")  # 10 deg for 2 s, at 50 Hz: 100 ticks
    trajectory = Trajectory(("joint",), None)
    for tick, distance in enumerate(distances):
        trajectory.append(tick * 20_000_000, np.zeros(1), distance, State.RUNNING.value)
    assert watch.reached(trajectory, 0) is reached
    if reached is False:
        assert watch.missed(trajectory) == f"goal not reached: {WORDS['upright']}; {why}"


def test_a_long_trajectory_keeps_distances_with_their_ticks() -> None:
    trajectory = Trajectory(("joint",), 10)
    for tick in range(17):
        trajectory.append(tick, np.array([float(tick)]), 10.0 * tick, tick)
    assert (trajectory.distance == 10.0 * trajectory.time_ns).all()
    assert (trajectory.distance == 10.0 * trajectory.position[:, 0]).all()
    assert trajectory.time_ns.tolist() == trajectory.state.tolist() == list(range(7, 17))


@pytest.fixture
def run(policy_of, robot, fake):
    """Run the pendulum, with the goal to finish, under a policy that does nothing."""

    def run(act=lambda _observation: 0.0, **options):
        policy = policy_of(act)
        policy.contract = contract_of(task_of("finish"))
        return run_session(policy, robot, fake, fake.clock, RunOptions(**options))

    return run


def test_a_run_that_came_to_its_end_has_finished(run) -> None:
    report = run(duration=0.5)
    assert (report.ok, report.goal_reached) == (True, True)
    assert report.document()["goal"] == "the end of the run without a fault"
    assert report.distance.shape == report.time.shape


def test_a_run_that_ended_in_a_fault_has_not(run, fake) -> None:
    fake.port_lost_from = 40
    assert run(duration=2.0).goal_reached is False


def test_nor_one_that_ended_damped(run, fake) -> None:
    fake.lost = lambda read: read >= 46
    report = run(duration=0.55)
    assert report.final_state is State.DAMPING
    assert report.goal_reached is False
    assert report.reasons == ("the run ended in state DAMPING",)


@pytest.mark.parametrize(("duration", "reached"), [(5.0, None), (None, True)])
def test_of_a_run_that_was_stopped_nobody_knows_unless_it_had_no_end(run, duration, reached) -> None:
    stop = StopRequest()

    def stop_after(controller) -> None:
        if controller.record.tick == 60:
            stop.stop("SIGINT")

    assert run(duration=duration, on_tick=stop_after, stop=stop).goal_reached is reached


def test_a_run_whose_policy_never_ran_is_not_decided(run) -> None:
    stop = StopRequest()
    stop.stop("SIGINT")
    assert run(duration=1.0, stop=stop).goal_reached is None


def test_the_goal_is_judged_by_the_command_that_was_given(policy_of, fake) -> None:
    """The same arm, which stands still, reaches one target and not another."""
    robot = task_of("tip").robot
    contract = contract_of(task_of("tip"))
    rest = Signals.zeros(1, 6, 0, 3)
    rest.joint_position[0] = [joint.default_position for joint in robot.joints.values()]
    here = dict(zip(TIP_COMMANDS, Kinematics(contract.robot, 1).tip(rest.joint_position)[0].tolist(), strict=True))
    for commands, reached in ((here, True), ({}, False)):
        arm = type(fake)(robot, fake.clock)
        policy = policy_of(lambda _observation: 0.0)
        policy.contract = contract
        options = RunOptions(duration=2.5, commands=commands)
        report = run_session(policy, robot, arm, arm.clock, options)
        assert report.goal_reached is reached, report.reasons
        if not reached:
            assert report.reasons[0].startswith(f"goal not reached: {WORDS['tip']}; in that time it was up to ")


def test_a_joint_s_distance_counts_full_turns_as_far_where_it_does_not_say_so() -> None:
    goal = Goal(contract_of(load_task("pendulum_swingup", ("goal.wrap=false",))), 2)
    signals = Signals.zeros(2, 1, 0, 0)
    signals.joint_position[:, 0] = [-np.pi, 3.0 * np.pi]
    np.testing.assert_allclose(goal.distance(signals), [2.0 * np.pi, 2.0 * np.pi])
