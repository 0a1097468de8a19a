"""Laws of relative targets: each moves the last one, beginning at the default pose, and none moves unseen."""

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.log import read_log
from sim2real.runtime.replay import replay
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session


def task(*overrides: str) -> TaskConfig:
    """Encoders may be stuck: the joints of the fake stay where they are."""
    stuck = "robot.safety.frozen_after=10 s"
    return load_task("so101_hold", ("action.relative=true", "action.scale=0.1 rad", stuck, *overrides))


SLOW = "control_rate=10 Hz"
"""At which a joint may go 0.4 rad in a tick."""


def pipeline(n: int = 1, *overrides: str) -> ActionPipeline:
    return ActionPipeline(contract_of(task(SLOW, *overrides)), n)


def ones(n: int, value: float = 1.0) -> np.ndarray:
    return np.full((n, 6), value, np.float32)


DEFAULT = np.array([joint.default_position for joint in task().robot.joints.values()])


def test_a_target_moves_by_scale_times_the_clipped_action() -> None:
    actions = pipeline()
    first = actions.apply(ones(1, 0.5)).position[0].copy()
    np.testing.assert_allclose(first, DEFAULT + 0.05)
    np.testing.assert_allclose(actions.apply(ones(1, 9.0)).position[0], DEFAULT + 0.15)
    np.testing.assert_allclose(actions.apply(ones(1, 0.0)).position[0], DEFAULT + 0.15)


def test_a_relative_target_goes_no_farther_in_a_tick_than_its_joint_may() -> None:
    fast = pipeline(1, "action.scale=1 rad", "robot.joints.gripper.velocity_limit=2 rad/s")
    targets = fast.apply(ones(1)).position[0]
    np.testing.assert_allclose(targets, DEFAULT + np.array([0.4] * 5 + [0.2]), atol=1e-7)
    np.testing.assert_allclose(fast.last_action[0], [0.4] * 5 + [0.2])  # what the targets came to


def test_a_target_stays_within_the_limits_and_comes_back_at_once() -> None:
    actions = pipeline()
    for _ in range(100):
        targets = actions.apply(ones(1))
    high = [joint.position_limits[1] for joint in task().robot.joints.values()]
    np.testing.assert_array_equal(targets.position[0], high)
    np.testing.assert_allclose(actions.apply(ones(1, -1.0)).position[0], np.array(high) - 0.1)


def test_joints_may_have_scales_of_their_own() -> None:
    scales = "action.scales={wrist_roll: 0.4 rad, gripper: 0.2 rad}"
    np.testing.assert_allclose(pipeline(1, scales).apply(ones(1)).position[0] - DEFAULT, [0.1] * 4 + [0.4, 0.2])
    absolute = ActionPipeline(contract_of(task(SLOW, scales, "action.relative=false")), 1)
    np.testing.assert_allclose(absolute.apply(ones(1)).position[0] - DEFAULT, [0.1] * 4 + [0.4, 0.2])


def test_a_scale_of_a_joint_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="no such joint; valid: shoulder_pan"):
        task("action.scales={elbow: 0.4 rad}")


def test_a_reset_brings_the_targets_of_its_rows_back_to_the_default_pose_and_no_others() -> None:
    actions = pipeline(3)
    actions.apply(ones(3))
    actions.reset(np.array([1]))
    targets = actions.apply(ones(3, 0.0)).position
    np.testing.assert_allclose(targets - DEFAULT, [[0.1] * 6, [0.0] * 6, [0.1] * 6])
    actions.reset()
    np.testing.assert_array_equal(actions.apply(ones(3, 0.0)).position, np.tile(DEFAULT, (3, 1)))


def test_targets_can_begin_elsewhere_within_the_limits() -> None:
    actions = pipeline()
    actions.apply(ones(1))
    actions.reset(position=np.array([[0.2, -9.0, 0.3, 0.0, 0.0, 0.1]]))
    low = task().robot.joints["shoulder_lift"].position_limits[0]
    np.testing.assert_allclose(actions.apply(ones(1, 0.0)).position[0], [0.2, low, 0.3, 0.0, 0.0, 0.1])


@pytest.mark.parametrize("overrides", [("action.smoothing=0.5",), ("action.smoothing=0.5", "action.relative=false")])
def test_a_pipeline_continues_from_its_state_bit_for_bit(overrides: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    one, other = pipeline(4, *overrides), pipeline(4, *overrides)
    for _ in range(5):
        one.apply(rng.normal(size=(4, 6)).astype(np.float32))
    state = one.state_dict()
    one.apply(ones(4))  # the state is a copy
    other.load_state_dict(state)
    one.load_state_dict(state)
    for _ in range(5):
        action = rng.normal(size=(4, 6)).astype(np.float32)
        assert one.apply(action).position.tobytes() == other.apply(action).position.tobytes()
        assert one.last_action.tobytes() == other.last_action.tobytes()


def test_effort_pipelines_have_a_state_too() -> None:
    effort = ActionPipeline(contract_of(load_task("pendulum_swingup")), 1)
    effort.apply(np.ones((1, 1), np.float32))
    assert effort.state_dict()["target"].tolist() == [[0.6]]


@pytest.fixture
def run(policy_of, fake, tmp_path):
    """Run the arm, whose joints stay where they are, under a policy that always asks for the same."""

    def run(lost=lambda _read: False, shift=0.0, **options):
        robot = task().robot
        arm = type(fake)(robot, fake.clock)
        arm.lost = lost
        arm.position += shift
        policy = policy_of(lambda _observation: 0.1)
        policy.contract = contract_of(task("goal={kind: finish}"))
        log = tmp_path / "run.mcap"
        report = run_session(
            policy, robot, arm, arm.clock, RunOptions(duration=1.0, log=log, synchronous_log=True, **options)
        )
        assert report.ok, report.reasons
        return report, log

    return run


def targets_of(log) -> tuple[np.ndarray, list[dict]]:
    ran = [tick for tick in read_log(log).ticks if tick["ran"]]
    return np.array([tick["target"] for tick in ran]), ran


def test_a_policy_that_takes_over_begins_at_the_default_pose_wherever_the_ramp_left_the_joints(run) -> None:
    _, log = run(shift=0.05)  # within the tolerance of the start pose
    targets, ran = targets_of(log)
    assert ran[0]["reset"]
    assert np.abs(np.array(ran[0]["position"]) - DEFAULT).max() > 0.04
    expected = DEFAULT + 0.01 * np.arange(1, len(targets) + 1)[:, None]
    np.testing.assert_allclose(targets, expected, atol=1e-7)


def test_a_target_does_not_move_in_a_tick_without_a_reading(run) -> None:
    report, log = run(lost=lambda read: read in (30, 31, 40))
    assert report.held_ticks == 3
    targets, ran = targets_of(log)
    np.testing.assert_allclose(np.diff(targets, axis=0), 0.01, atol=1e-7)
    gaps = np.diff([tick["tick"] for tick in ran])
    assert sorted(gaps[gaps > 1]) == [2, 3]


ERROR = "observation=[{term: joint_position_error, scale: 10.0}, {term: joint_position_error, scale: 1.0, history: 2}]"


def test_a_policy_sees_how_far_the_targets_are_ahead_of_the_joints(policy_of, fake, tmp_path) -> None:
    """The joints of the fake stay where they are, so that the targets run away from them."""
    arm = type(fake)(task().robot, fake.clock)
    seen: list[np.ndarray] = []

    def act(observation: np.ndarray) -> float:
        seen.append(observation[0].copy())
        return 0.1

    policy = policy_of(act)
    policy.contract = contract_of(task("goal={kind: finish}", ERROR))
    log = tmp_path / "run.mcap"
    options = RunOptions(duration=0.5, log=log, synchronous_log=True)
    report = run_session(policy, task().robot, arm, arm.clock, options)
    assert report.ok, report.reasons
    ahead = 0.01 * np.arange(len(seen))[:, None]
    np.testing.assert_allclose(np.array(seen)[:, :6], np.broadcast_to(10.0 * ahead, (len(seen), 6)), atol=1e-6)
    np.testing.assert_allclose(np.array(seen)[1:, 6:12], np.array(seen)[:-1, 12:], atol=0.0)
    assert replay(log, None).mismatches == ()


def test_only_position_targets_are_ahead_of_anything() -> None:
    with pytest.raises(UserError, match=r"observation\.0\.term: 'joint_position_error' needs position targets"):
        load_task("pendulum_swingup", ("observation=[{term: joint_position_error}]",))


def test_after_damping_targets_begin_where_the_joints_are_and_replay_knows(run) -> None:
    report, log = run(lost=lambda read: 30 <= read < 38)
    assert "STALE_READING" in report.interventions
    targets, ran = targets_of(log)
    again = [index for index, tick in enumerate(ran) if tick["reset"]][1]
    assert np.abs(targets[again - 1] - DEFAULT).max() > 0.2
    np.testing.assert_allclose(targets[again], np.array(ran[again]["position"]) + 0.01, atol=1e-7)
    assert replay(log).mismatches == ()
