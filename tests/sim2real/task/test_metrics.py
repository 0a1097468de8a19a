"""Laws of metrics, by hand: what counts, from when on, and with what weight."""

from typing import Any

import numpy as np
import pytest

from sim2real.task.metrics import FootLift, HopError, TipError, TravelError, VelocityError
from sim2real.task.state import BaseState, FeetState, TaskConstants, TaskState

RATE = 10.0
ONE = np.array([0])


def constants(*commands: str) -> TaskConstants:
    none = np.zeros(1)
    return TaskConstants(none, none, none, none, RATE, {name: column for column, name in enumerate(commands)}, feet=2)


def state(command: list[float], **parts: Any) -> TaskState:
    none, action = np.zeros((1, 1)), np.zeros((1, 1), np.float32)
    return TaskState(none, none, none, action, action, np.zeros(1), command=np.array([command]), **parts)


def walking(velocity: list[float], yaw_rate: float, command: list[float]) -> TaskState:
    return state(command, base=BaseState(velocity=np.array([[*velocity, 0.0]]), yaw_rate=np.array([yaw_rate])))


def test_the_error_of_velocity_ignores_the_first_second_of_a_command() -> None:
    metric = VelocityError(1, constants("forward", "left", "turn"))
    for _ in range(10):
        metric.add(walking([9.0, 9.0], 9.0, [0.5, 0.0, 0.0]), None)
    for _ in range(5):
        metric.add(walking([0.3, 0.1], -0.2, [0.5, 0.0, 0.0]), None)
    figures = metric.finish(ONE)
    assert {name: float(values[0]) for name, values in figures.items()} == pytest.approx(
        {"forward_error": 0.2, "left_error": 0.1, "turn_error": 0.2}
    )


def test_swaying_about_the_commanded_velocity_is_no_error() -> None:
    metric = VelocityError(1, constants("forward", "left", "turn"))
    for step in range(30):
        metric.add(walking([0.5 + 0.2 * (-1) ** step, 0.0], 0.0, [0.5, 0.0, 0.0]), None)
    assert metric.finish(ONE)["forward_error"][0] == pytest.approx(0.0, abs=1e-12)


def test_each_command_counts_for_as_long_as_it_was_measured() -> None:
    metric = VelocityError(1, constants("forward", "left", "turn"))
    for step in range(20):  # one second counts, 0.3 m/s too fast
        metric.add(walking([0.8, 0.0], 0.0, [0.5, 0.0, 0.0]), np.array([step == 19]))
    for _ in range(40):  # three seconds count, 0.1 m/s too slow: nothing of it makes up for the first
        metric.add(walking([-0.6, 0.0], 0.0, [-0.5, 0.0, 0.0]), None)
    assert metric.finish(ONE)["forward_error"][0] == pytest.approx((1 * 0.3 + 3 * 0.1) / 4)


def travelling(velocity: float, forward: float) -> TaskState:
    return state([0.2, forward], travel_velocity=np.array([velocity]))


def test_the_error_of_travelling_is_of_the_mean_speed_too() -> None:
    metric = TravelError(1, constants("height", "forward"))
    for step in range(30):  # surging by 0.2 m/s, 0.1 m/s too slow; two seconds count
        metric.add(travelling(0.3 + 0.2 * (-1) ** step, 0.4), np.array([step == 29]))
    for _ in range(20):  # one more, as it should be
        metric.add(travelling(0.0, 0.0), None)
    assert metric.finish(ONE)["travel_error"][0] == pytest.approx(0.1 * 2 / 3)


def test_an_episode_without_a_settled_command_has_no_error() -> None:
    metric = VelocityError(1, constants("forward", "left", "turn"))
    for _ in range(10):
        metric.add(walking([0.0, 0.0], 0.0, [0.5, 0.0, 0.0]), None)
    assert np.isnan(metric.finish(ONE)["forward_error"]).all()


def stepping(height: list[float], wanted: list[float], forward: float = 0.5) -> TaskState:
    return state([forward, 0.0, 0.0], feet=FeetState(height=np.array([height]), target=np.array([wanted])))


def test_the_lift_of_feet_is_the_mean_of_the_highest_points_of_their_swings() -> None:
    metric = FootLift(1, constants("forward", "left", "turn"))
    for left, right, wanted in (
        (0.01, 0.0, [0.02, 0.0]),
        (0.03, 0.0, [0.02, 0.0]),
        (0.02, 0.0, [0.01, 0.0]),
        (0.09, 0.01, [0.0, 0.02]),  # the left foot's swing is over: 0.03
        (0.0, 0.01, [0.0, 0.02]),
        (0.0, 0.0, [0.0, 0.0]),  # the right foot's: 0.01
        (0.07, 0.0, [0.02, 0.0]),  # not over yet
    ):
        metric.add(stepping([left, right], wanted), None)
    assert metric.finish(ONE)["foot_lift"][0] == pytest.approx(0.02)


def test_a_robot_commanded_to_stand_has_no_foot_lift() -> None:
    metric = FootLift(1, constants("forward", "left", "turn"))
    for wanted in ([0.02, 0.0], [0.0, 0.0]):
        metric.add(stepping([0.05, 0.0], wanted, forward=0.0), None)
    assert np.isnan(metric.finish(ONE)["foot_lift"]).all()


def reaching(offset: list[float]) -> TaskState:
    return state([], tip_offset=np.array([offset]))


def test_the_error_of_the_tip_counts_from_a_second_and_a_half_after_each_target() -> None:
    metric = TipError(1, constants())
    for step in range(17):
        metric.add(reaching([0.03, 0.04, 0.0] if step >= 15 else [9.0, 0.0, 0.0]), np.array([step == 16]))
    for step in range(16):
        metric.add(reaching([0.0, 0.0, 0.02] if step >= 15 else [9.0, 0.0, 0.0]), None)
    assert metric.finish(ONE)["tip_error"][0] == pytest.approx((0.05 + 0.05 + 0.02) / 3)


def hopping(height: float, velocity: float, wanted: float = 0.3) -> TaskState:
    return state([wanted], rail_height=np.array([height]), rail_velocity=np.array([velocity]))


def test_the_error_of_hops_is_of_their_highest_points() -> None:
    metric = HopError(1, constants("height"))
    for height, velocity in (
        (0.0, 0.0),
        (0.1, 1.0),
        (0.25, 0.2),
        (0.26, -0.1),  # the first apex: 0.04 too low
        (0.05, -1.0),
        (0.0, 0.1),
        (0.01, -0.1),  # no hop: not above standing by 2 cm
        (0.2, 1.0),
        (0.36, 0.0),  # the second: 0.06 too high
    ):
        metric.add(hopping(height, velocity), None)
    figures = metric.finish(ONE)
    assert figures["hop_error"][0] == pytest.approx(0.05)
    assert figures["hops"][0] == 2.0
    metric.begin(ONE)
    figures = metric.finish(ONE)
    assert np.isnan(figures["hop_error"][0])
    assert figures["hops"][0] == 0.0


@pytest.mark.parametrize("kind", ["velocity", "lift", "tip", "hop"])
def test_a_metric_resets_with_an_episode_and_resumes_from_its_state(kind: str) -> None:
    make, world = {
        "velocity": (
            lambda: VelocityError(1, constants("forward", "left", "turn")),
            walking([1.0, 0.0], 0.0, [0.5, 0.0, 0.0]),
        ),
        "lift": (lambda: FootLift(1, constants("forward", "left", "turn")), None),
        "tip": (lambda: TipError(1, constants()), reaching([0.1, 0.0, 0.0])),
        "hop": (lambda: HopError(1, constants("height")), None),
    }[kind]

    def run(metric, steps: range) -> None:
        for step in steps:
            seen = world
            if kind == "lift":
                seen = stepping([0.01 * (step % 7), 0.02], [0.01 * (step % 3), 0.02 * (step % 2)])
            elif kind == "hop":
                seen = hopping(0.05 * (step % 5), 1.0 - (step % 2) * 2.0)
            metric.add(seen, np.array([step % 20 == 19]))

    whole = make()
    run(whole, range(55))
    resumed = make()
    run(resumed, range(9))
    half = make()
    run(half, range(25))
    resumed.load_state_dict(half.state_dict())
    run(resumed, range(25, 55))
    expected = whole.finish(ONE)
    assert all(np.isfinite(values).all() for values in expected.values())
    for name, values in resumed.finish(ONE).items():
        np.testing.assert_array_equal(values, expected[name])
    # An abandoned episode leaves nothing to the next.
    half.begin(ONE)
    run(half, range(55))
    for name, values in half.finish(ONE).items():
        np.testing.assert_array_equal(values, expected[name])
