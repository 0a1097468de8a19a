"""Laws of the ranges of observations that a policy takes along."""

import numpy as np
import pytest
import torch

from sim2real.configs.load import load_task
from sim2real.runtime.contract.manifest import read_contract
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.normalizer import Normalizer
from sim2real.training.observation_ranges import RANGE_STDS, with_ranges
from sim2real.training.trained_contract import changed_parts

CONTRACT = contract_of(load_task("quadruped_walk"))
SIZE = CONTRACT.observation_size


def normalizer(rows: np.ndarray | None = None) -> Normalizer:
    made = Normalizer(SIZE)
    if rows is not None:
        made.update(torch.from_numpy(rows.astype(np.float32)))
    return made


def flat(contract, side: str) -> np.ndarray:
    """The bounds of every value of the observation, (O,)."""
    return np.concatenate([np.tile(getattr(term, side), term.history) for term in contract.observation])


def test_a_range_holds_all_recorded_observations_and_nearly_all_of_training():
    rng = np.random.default_rng(0)
    training = rng.normal(2.0, 3.0, (2000, SIZE))
    recorded = rng.normal(0.0, 20.0, (50, SIZE)).astype(np.float32)
    made = with_ranges(CONTRACT, normalizer(training), recorded)
    low, high = flat(made, "low"), flat(made, "high")
    assert (low <= recorded.min(axis=0)).all()
    assert (high >= recorded.max(axis=0)).all()
    assert (low <= 2.0 - (RANGE_STDS - 1.0) * 3.0).all()
    assert (high >= 2.0 + (RANGE_STDS - 1.0) * 3.0).all()
    few = with_ranges(CONTRACT, normalizer(training), np.full((1, SIZE), 2.0, np.float32))
    assert flat(few, "high") == pytest.approx(np.full(SIZE, 2.0 + RANGE_STDS * 3.0), rel=0.2)


def test_a_policy_that_was_not_trained_has_the_range_of_the_recorded_observations():
    recorded = np.stack([np.full(SIZE, -0.5), np.arange(SIZE)]).astype(np.float32)
    made = with_ranges(CONTRACT, normalizer(), recorded)
    assert flat(made, "low").min() == -0.5
    assert (flat(made, "high") >= np.arange(SIZE)).all()


def test_every_tick_of_a_history_has_the_same_range():
    task = load_task("quadruped_walk", ("observation=[{term: joint_position, history: 3}]",))
    contract = contract_of(task)
    recorded = np.arange(36, dtype=np.float32)[None]
    made = with_ranges(contract, Normalizer(36), recorded)
    assert made.observation[0].low == tuple(float(value) for value in range(12))
    assert made.observation[0].high == tuple(float(value) for value in range(24, 36))


def test_ranges_go_through_the_file_and_change_nothing_that_a_policy_sees():
    made = with_ranges(CONTRACT, normalizer(), np.zeros((1, SIZE), np.float32))
    assert read_contract(made.model_dump_json()) == made
    assert made.without_ranges() == CONTRACT
    assert made.digest() != CONTRACT.digest()
    assert changed_parts(made, CONTRACT) == changed_parts(CONTRACT, made) == []
