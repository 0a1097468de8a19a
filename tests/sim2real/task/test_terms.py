"""Laws of the shipped terms: each computes what its docstring says, none lacks what it needs."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import randomized

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_task
from sim2real.simulation.simulation import Simulation
from sim2real.task.privileged_inputs import PrivilegedInputs, Sizes
from sim2real.task.state import BaseState, FeetState, TaskConstants, TaskState, stands_still
from sim2real.task.terms import Terms

SHIPPED = Terms.shipped()
REWARDS, TERMINATIONS, PRIVILEGED = SHIPPED.rewards, SHIPPED.terminations, SHIPPED.privileged

CONSTANTS = TaskConstants(
    effort_max=np.array([2.0, 4.0]),
    position_min=np.array([-1.0, -2.0]),
    position_max=np.array([1.0, 2.0]),
    default=np.array([0.1, -0.2]),
    control_rate=50.0,
    commands={"forward": 0, "left": 1, "turn": 2, "height": 3},
    heat_rise=np.array([0.5, 4.0]),
    pose=(np.array([0, 1]), np.array([0, 2])),
)

# One robot with everything, in numbers that are easy to work with by hand.
STATE = TaskState(
    position=np.array([[0.4, -0.6]]),
    velocity=np.array([[3.0, -4.0]]),
    effort=np.array([[1.0, -1.0]]),
    contact_force=np.array([[3.0, 12.0, 0.0]]),
    action=np.array([[0.5, -0.25]], np.float32),
    previous_action=np.array([[0.25, 0.25]], np.float32),
    goal_error=np.array([0.3]),
    previous_velocity=np.array([[2.0, -4.5]]),
    command=np.array([[0.5, 0.1, -0.2, 0.3]]),
    base=BaseState(
        height=np.array([0.15]),
        velocity=np.array([[0.2, 0.5, -0.3]]),
        angular_velocity=np.array([[0.6, -0.8, 2.0]]),
        yaw_rate=np.array([0.1]),
        down=np.array([[0.48, -0.36, -0.8]]),
    ),
    feet=FeetState(height=np.array([[0.03, 0.01]]), speed=np.array([[0.7, 0.2]]), target=np.array([[0.02, 0.0]])),
    tip_offset=np.array([[0.03, 0.0, -0.04]]),
    tip_velocity=np.array([[0.0, 0.2, 0.1]]),
    rail_height=np.array([0.1]),
    rail_velocity=np.array([1.962]),
    travel_velocity=np.array([0.4]),
)

BY_HAND = {
    "alive": (1.0, 1.0),
    "goal_cosine": (1.0, np.cos(0.3)),
    "goal_still": (0.5, np.exp(-(0.09 + 0.01 * 25.0) / 0.25)),
    "joint_velocity": (2.0, 25.0 / 4.0),
    "joint_acceleration": (10.0, (50.0**2 + 25.0**2) / 100.0),
    "mechanical_power": (2.0, (3.0 + 4.0) / 2.0),
    "joint_speed": (2.0, 4.0 / 2.0),
    "temperature_rise": (8.0, 4.0 * 1.0**2 / 8.0),
    "contact_force": (5.0, 12.0 / 5.0),
    "effort": (0.5, (0.25 + 0.0625) / 0.25),
    "action_rate": (0.5, (0.0625 + 0.25) / 0.25),
    "position_excess": (0.5, 0.1),
    "pose_deviation": (0.5, (0.09 + 0.16) / 0.25),
    "pose_tracking": (0.1, (1.0 / (1.0 + 1.0) + 1.0 / (1.0 + 16.0)) / 2.0),  # 0.1 and 0.4 rad off
    "velocity_tracking": (0.5, np.exp(-(0.09 + 0.16) / 0.25)),
    "yaw_rate_tracking": (0.6, np.exp(-0.09 / 0.36)),
    "upright": (2.0, (0.48**2 + 0.36**2) / 4.0),
    "righted": (1.0, 0.9),
    "vertical_velocity": (0.1, 9.0),
    "roll_pitch_rate": (2.0, 0.25),
    "base_height": (0.18, 0.0009),
    "gait_tracking": (0.01, np.exp(-(0.0001 + 0.0001) / (2.0 * 0.0001))),
    "foot_slip": (0.1, 4.0),
    "tip_distance": (0.1, 0.5),
    "tip_near": (0.05, 0.5),
    "tip_speed": (0.5, 0.2),
    "hop_tracking": (0.1, np.exp(-((0.1 + 1.962**2 / 19.62 - 0.3) ** 2) / 0.01)),
    "travel_tracking": (0.5, np.exp(-0.04)),  # 0.4 m/s of 0.5 asked for
}
"""Scale and value of every reward term for the state above."""


def test_every_shipped_reward_is_worked_by_hand() -> None:
    assert set(REWARDS) == set(BY_HAND)


@pytest.mark.parametrize("name", list(BY_HAND))
def test_a_reward_term_is_what_its_docstring_says(name: str) -> None:
    scale, value = BY_HAND[name]
    result = REWARDS[name](STATE, CONSTANTS, scale)
    assert result.shape == (1,)
    assert result[0] == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "limit", "ends"),
    [
        ("tilted", np.arccos(0.8) + 1e-6, False),
        ("tilted", np.arccos(0.8) - 1e-6, True),
        ("low", 0.149, False),
        ("low", 0.151, True),
    ],
)
def test_an_episode_ends_beyond_the_limit(name: str, limit: float, ends: bool) -> None:
    assert TERMINATIONS[name](STATE, CONSTANTS, limit).tolist() == [ends]


@pytest.mark.parametrize(
    ("position", "limit", "ends"),
    [([1.0, 2.0], 0.0, False), ([1.01, 0.0], 0.0, True), ([1.01, 0.0], 0.02, False), ([0.0, -2.03], 0.02, True)],
)
def test_a_joint_beyond_its_limits_ends_the_episode(position: list[float], limit: float, ends: bool) -> None:
    state = replace(STATE, position=np.array([position]))
    assert TERMINATIONS["position_limits"](state, CONSTANTS, limit).tolist() == [ends]
    state.position[:] = [0.0, np.nan]
    assert TERMINATIONS["position_limits"](state, CONSTANTS, limit).tolist() == [True]


def test_nan_terminates_an_episode() -> None:
    state = replace(STATE, base=BaseState(height=np.array([np.nan]), down=np.full((1, 3), np.nan)))
    for name in ("tilted", "low"):
        assert TERMINATIONS[name](state, CONSTANTS, 0.1).tolist() == [True]


def test_a_nearly_zero_command_means_standing_still() -> None:
    commands = np.array([[0.0, 0.0, 0.0], [0.049, -0.049, 0.049], [0.0, -0.05, 0.0], [0.3, 0.0, 0.0]])
    assert stands_still(commands).tolist() == [True, True, False, False]


def test_privileged_values_are_what_their_docstrings_say() -> None:
    seen = PrivilegedInputs(STATE, CONSTANTS, np.array([[0.5, -1.0]]), np.array([[0.1, 0.2]]))
    expected = {
        "base_velocity": [0.2, 0.5, -0.3, 0.05],
        "base_height": [0.75, 0.48, -0.36, -0.8],
        "feet": [0.6, 0.2, 0.4, 0.0, 0.7, 0.2],
        "joint_state": [0.3, -0.4, 0.6, -0.8],
        "rail": [0.5, 1.962],
        "travel": [0.4],
        "tip_offset": [0.3, 0.0, -0.4, 0.0, 0.2, 0.1],
        "parameters": [0.5, -1.0],
        "disturbance": [0.1, 0.2],
    }
    assert set(expected) == set(PRIVILEGED)
    for name, values in expected.items():
        shown = np.concatenate(PRIVILEGED[name].function(seen), axis=1)
        assert PRIVILEGED[name].width(Sizes(joints=2, feet=2, parameters=2)) == len(values), name
        np.testing.assert_allclose(shown, [values], rtol=1e-12, err_msg=name)


# Requirements


@pytest.mark.parametrize(
    ("name", "override", "message"),
    [
        ("pendulum_swingup", "rewards=[{term: upright, weight: 1}]", "a free base"),
        ("pendulum_swingup", "terminations=[{term: low, limit: 0.1}]", "a free base"),
        ("pendulum_swingup", "privileged=[base_velocity]", "a free base"),
        ("pendulum_swingup", "performance={term: hop_tracking}", "the command height"),
        ("pendulum_swingup", "metrics=[foot_lift]", "`feet` in the robot's YAML and `gait` and the commands"),
        ("pendulum_swingup", "metrics=[tip_error]", "`tip` in the robot's YAML and the commands tip_x, tip_y, tip_z"),
        ("hopper_hold", "metrics=[travel_error]", "the command forward"),
        ("so101_hold", "rewards=[{term: travel_tracking, weight: 1}]", "the command forward"),
        ("so101_reach", "privileged=[travel]", "a level slide joint"),
        ("so101_reach", "privileged=[rail]", "a vertical slide joint"),
        ("quadruped_stand", "rewards=[{term: gait_tracking, weight: 1}]", "`gait`"),
        ("quadruped_stand", "metrics=[velocity_error]", "the commands forward, left, turn"),
    ],
)
def test_a_task_whose_terms_lack_something_is_refused_in_one_line(name: str, override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Simulation(load_task(name, (override,)), randomized(), 1)
    assert f"task {name!r}: its terms need {message}" in str(caught.value)
    assert str(caught.value).isprintable()
