"""Laws of the dry run: every policy can be flashed whatever it observes, and none that fails anywhere in its range."""

import json
from pathlib import Path

import numpy as np
import pytest
from flash_models import write_copy, write_policy, write_policy_with_limit
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped_policies
from sim2real.configs.load import load_robot, load_task
from sim2real.configs.policy_reference import find_policy
from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.configs.schema.robot import ImuConfig, RobotConfig
from sim2real.runtime.contract.observation_term import find_term
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, ObservationTermSpec, contract_of
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.rollback import rollback, status
from sim2real.runtime.flash.sweep import signal_ranges, sweep
from sim2real.runtime.policy import OnnxPolicy

TERMS = [name for name in OBSERVATION_TERMS.names if name != "measured_tip_error"]
"""Every term that a robot can observe."""


def rich_robot() -> RobotConfig:
    """An arm with a tip and two IMUs."""
    unit = ImuConfig(protocol="witmotion", baudrate="115200 baud", rate="200 Hz", body="gripper")
    return load_robot("so101").model_copy(update={"imus": {"first": unit, "second": unit}})


ROBOT = rich_robot()
BASE = contract_of(load_task("so101_reach").model_copy(update={"robot": ROBOT, "phase_frequency": 1.5}))


def contract_with(*terms: tuple[str, float, float | None, int]) -> Contract:
    """The arm's contract with these observation terms: name, scale, clip, history."""
    entries = tuple(
        ObservationTermSpec(
            term=name, width=find_term(name).width_for(BASE.sizes), scale=scale, clip=clip, history=history
        )
        for name, scale, clip, history in terms
    )
    return Contract.model_validate(BASE.model_dump() | {"observation": entries})


# Every shipped policy


def command(*arguments: object) -> dict:
    result = CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", shipped_policies())
def test_every_shipped_policy_is_flashed_shown_and_rolled_back_by_the_commands(name: str, tmp_path: Path) -> None:
    policy = OnnxPolicy(find_policy(name))
    place = ("--to", tmp_path / "robot", "--robot", policy.contract.robot.name)
    flashed = command("flash", name, *place)
    assert flashed["changed"]
    assert flashed["installed"]["sha256"] == policy.digest
    assert flashed["installed"]["task"] == policy.contract.task
    second = write_copy(tmp_path / "second.onnx", find_policy(name), note="another")
    assert command("flash", second, *place)["previous"]["sha256"] == policy.digest
    assert command("status", *place)["active"] == "slot_b"
    assert command("rollback", *place)["installed"]["sha256"] == policy.digest
    shown = command("status", *place)
    assert (shown["active"], [slot["state"] for slot in shown["slots"]]) == ("slot_a", ["complete", "complete"])


@pytest.mark.parametrize("name", shipped_policies())
def test_every_shipped_policy_is_flashed_and_rolled_back_by_the_api(name: str, tmp_path: Path) -> None:
    path = find_policy(name)
    robot, target = load_robot(OnnxPolicy(path).contract.robot.name), DirectoryTarget(tmp_path / "robot")
    first = flash(path, robot, target)
    flash(write_copy(tmp_path / "second.onnx", path, note="another"), robot, target)
    assert rollback(target, robot).slot.manifest == first.slot.manifest
    assert status(target, robot).problem is None


# Every observation term

term_sets = st.lists(
    st.tuples(
        st.sampled_from(TERMS),
        st.floats(0.01, 100.0),
        st.none() | st.floats(0.1, 10.0),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(terms=term_sets)
def test_a_policy_with_any_observation_terms_can_be_flashed(tmp_path_factory, terms) -> None:
    folder = tmp_path_factory.mktemp("flash")
    policy = write_policy(folder / "policy.onnx", contract=contract_with(*terms))
    assert flash(policy, ROBOT, DirectoryTarget(folder / "robot")).slot.complete


def test_a_policy_that_observes_what_no_sensor_measures_is_refused_in_one_line(tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "policy.onnx", contract=contract_with(("measured_tip_error", 1.0, None, 1)))
    with pytest.raises(UserError, match="'measured_tip_error', which no sensor of 'so101' measures") as caught:
        flash(policy, ROBOT, DirectoryTarget(tmp_path / "robot"))
    assert "\n" not in str(caught.value)


# What the dry run sweeps

LIMITS = {
    "joint_position": (0, 1.0),  # rad, of ±110°
    "joint_position_sin": (0, 0.9),
    "joint_position_cos": (0, 0.9),  # and on the other side: no joint of the arm turns so far, see below
    "joint_velocity": (5, 3.9),  # rad/s, of ±4 and its margin
    "joint_position_error": (0, 1.5),  # rad
    "joint_effort": (2, 3.0),  # N·m, of twice 1.6
    "last_action": (3, 0.98),
    "gyro": (4, 34.0),  # rad/s, of 34.9; of the second IMU
    "projected_gravity": (5, 0.98),  # the second IMU upright, and upside down
    "command": (1, 0.19),  # m, tip_y of ±0.2
    "phase": (0, 0.95),
    "tip_position": (1, 0.15),  # m
    "tip_error": (1, 0.25),  # m
}
"""A value of each term, and a bound that part of its range is beyond, on either side."""

SIDES = [(term, sign) for term in LIMITS for sign in (1.0, -1.0) if (term, sign) != ("joint_position_cos", -1.0)]


def test_the_bounds_are_about_every_term_that_can_be_flashed() -> None:
    assert set(LIMITS) == set(TERMS)


@pytest.mark.parametrize(("term", "sign"), SIDES)
@pytest.mark.parametrize("history", [1, 3])
def test_a_policy_that_fails_in_a_part_of_an_input_s_range_is_refused(
    term: str, sign: float, history: int, tmp_path: Path
) -> None:
    contract, (column, limit) = contract_with((term, 1.0, None, history)), LIMITS[term]
    newest = contract.observation_size - contract.observation[0].width + column
    policy = write_policy_with_limit(tmp_path / "policy.onnx", contract, newest, sign, limit)
    with pytest.raises(UserError, match="gives an action that is not finite") as caught:
        flash(policy, ROBOT, DirectoryTarget(tmp_path / "robot"))
    assert "\n" not in str(caught.value)


def test_every_array_of_the_signals_has_a_range_or_is_an_orientation() -> None:
    ranges = signal_ranges(BASE)
    assert set(ranges) | {"orientation"} == set(Signals.__slots__)
    signals = Signals.of(BASE, 1)
    for name, (low, high) in ranges.items():
        assert low.shape == high.shape == getattr(signals, name).shape, name
        assert (low < high).all(), name


def test_operator_commands_reach_both_ends_of_their_ranges() -> None:
    contract = contract_with(("command", 1.0, None, 1))
    values = np.array([observation[0].copy() for _, observation in sweep(contract)])
    for column, entry in enumerate(contract.commands):
        assert values[:, column].min() == np.float32(entry.low)
        assert values[:, column].max() == np.float32(entry.high)


def test_histories_are_filled_with_ticks_that_differ_and_begin_anew_with_each_episode() -> None:
    contract = contract_with(("joint_velocity", 1.0, None, 4), ("gyro", 1.0, None, 2))
    blocks = np.array([observation[0, :24].reshape(4, 6).copy() for _, observation in sweep(contract)])
    begun = (blocks == blocks[:, :1]).all(axis=(1, 2))
    full = (np.abs(np.diff(blocks, axis=1)) > 0.0).any(axis=2).all(axis=1)
    assert begun.sum() > 30
    assert full.sum() > 30


def test_the_sweep_is_the_same_every_time() -> None:
    contract = contract_with(*((term, 1.0, None, 2) for term in TERMS))
    first, second = ([(place, row.tobytes()) for place, row in sweep(contract)] for _ in range(2))
    assert first == second
    assert first[0][0] == "in the default pose"
    assert {place for place, _ in first} >= {"at the lower limits", "upside down within the limits"}


def test_a_robot_without_imus_and_commands_is_swept_too() -> None:
    contract = contract_of(load_task("pendulum_swingup"))
    assert all(np.isfinite(observation).all() for _, observation in sweep(contract))
