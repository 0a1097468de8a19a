"""Laws of random streams: one per environment, with the stated distribution."""

import numpy as np
import pytest
from scipy import stats

from sim2real.randomization.random_streams import ALL, RandomStreams

N, COUNT = 200, 1000
IDS = np.arange(N)


def numbers(kind: str, seed: int = 0) -> np.ndarray:
    """Numbers of one kind, (environments, successive numbers)."""
    streams = RandomStreams(seed, N)
    if kind != "noise":
        return getattr(streams, kind)(IDS, COUNT)
    out = np.zeros((N, COUNT), np.float32)
    streams.noise(out)
    return out.astype(np.float64)


def test_uniform_numbers_are_uniform() -> None:
    values = numbers("uniform")
    assert values.min() >= 0.0
    assert values.max() < 1.0
    assert stats.kstest(values.ravel(), "uniform").pvalue > 1e-3


def test_normal_numbers_are_normal() -> None:
    assert stats.kstest(numbers("normal").ravel(), "norm").pvalue > 1e-3


def test_noise_has_mean_0_and_variance_1_and_is_bounded() -> None:
    values = numbers("noise")
    assert abs(values.mean()) < 0.01
    assert abs(values.var() - 1.0) < 0.01
    assert abs(stats.skew(values.ravel())) < 0.02
    assert np.abs(values).max() <= 3.5
    # A sum of four uniform numbers has kurtosis 3 - 6/5/4.
    assert abs(stats.kurtosis(values.ravel(), fisher=False) - 2.7) < 0.03


@pytest.mark.parametrize("kind", ["uniform", "normal", "noise"])
def test_numbers_of_one_stream_and_of_neighbours_are_independent(kind: str) -> None:
    values = numbers(kind)
    for one, other in ((values[:, :-1], values[:, 1:]), (values[:-1], values[1:]), (values[:, :-7], values[:, 7:])):
        for power in (1, 2):
            correlation = np.corrcoef(one.ravel() ** power, other.ravel() ** power)[0, 1]
            assert abs(correlation) < 4.0 / np.sqrt(one.size)


@pytest.mark.parametrize("kind", ["uniform", "normal", "noise"])
def test_other_seeds_give_other_numbers(kind: str) -> None:
    one, other = numbers(kind, seed=1), numbers(kind, seed=2)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4.0 / np.sqrt(one.size)
    np.testing.assert_array_equal(one, numbers(kind, seed=1))


def test_all_keys_differ() -> None:
    assert len(np.unique([RandomStreams(seed, 1000).state_dict()["key"] for seed in range(20)])) == 20_000


def test_a_stream_does_not_depend_on_other_streams() -> None:
    alone, among = RandomStreams(5, 1), RandomStreams(5, 64)
    among.uniform(np.array([7, 3]), 9)
    np.testing.assert_array_equal(alone.uniform(np.array([0]), 5), among.uniform(np.array([9, 0]), 5)[1:])
    np.testing.assert_array_equal(alone.normal(np.array([0]), 3), among.normal(np.arange(64), 3)[:1])
    one, many = np.zeros((1, 11), np.float32), np.zeros((64, 11), np.float32)
    alone.noise(one)
    among.noise(many)
    np.testing.assert_array_equal(one, many[:1])


def test_numbers_drawn_together_and_one_by_one_are_equal() -> None:
    at_once, one_by_one = RandomStreams(3, 4), RandomStreams(3, 4)
    ids = np.array([2, 0])
    np.testing.assert_array_equal(at_once.uniform(ids, 6), np.hstack([one_by_one.uniform(ids, 1) for _ in range(6)]))
    np.testing.assert_array_equal(at_once.counter, one_by_one.counter)
    assert at_once.counter.tolist() == [6, 0, 6, 0]


def test_a_stream_continues_at_another_index() -> None:
    source, target = RandomStreams(1, 3), RandomStreams(2, 5)
    source.uniform(np.array([1]), 4)
    target.set_place(4, source.place(1))
    np.testing.assert_array_equal(source.normal(np.array([1]), 6), target.normal(np.array([4]), 6))
    resumed = RandomStreams(9, 3)
    resumed.load_state_dict(source.state_dict())
    np.testing.assert_array_equal(resumed.uniform(np.arange(3), 2), source.uniform(np.arange(3), 2))


@pytest.mark.parametrize("seed", [0, -1, 2**63, 2**64 - 1, 2**70])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert np.isfinite(RandomStreams(seed, 3).normal(np.arange(3), 4)).all()


def test_all_environments_are_those_of_every_index() -> None:
    one, other = RandomStreams(3, 5), RandomStreams(3, 5)
    np.testing.assert_array_equal(one.uniform(ALL, 3), other.uniform(np.arange(5), 3))
    np.testing.assert_array_equal(one.counter, other.counter)


@pytest.mark.parametrize("widths", [(1, 7, 2), (60, 30, 1), (2000, 3)])
def test_numbers_computed_ahead_are_those_that_would_be_drawn(widths: tuple[int, ...]) -> None:
    ahead, plain = RandomStreams(3, 6), RandomStreams(3, 6)
    ids, others = np.array([4, 1]), np.array([1, 5])
    for _ in range(2):  # the second time as many are computed as the first time took
        with ahead.ahead(ids):
            for width in widths:
                np.testing.assert_array_equal(ahead.uniform(ids, width), plain.uniform(ids, width))
                np.testing.assert_array_equal(ahead.normal(ids, width), plain.normal(ids, width))
                np.testing.assert_array_equal(ahead.taken(ids), plain.counter[ids])
        np.testing.assert_array_equal(ahead.counter, plain.counter)
        with ahead.ahead(ids):  # other environments between, one of them the same
            for rows in (ids, others, ids):
                np.testing.assert_array_equal(ahead.uniform(rows, 3), plain.uniform(rows, 3))
        np.testing.assert_array_equal(ahead.counter, plain.counter)
        np.testing.assert_array_equal(ahead.uniform(ids, 2), plain.uniform(ids, 2))


def test_numbers_of_many_environments_are_the_same_within_ahead() -> None:
    ids = np.arange(1000)
    ahead, plain = RandomStreams(3, len(ids)), RandomStreams(3, len(ids))
    with ahead.ahead(ids):
        np.testing.assert_array_equal(ahead.uniform(ids, 5), plain.uniform(ids, 5))
        np.testing.assert_array_equal(ahead.taken(ids), plain.counter)
    np.testing.assert_array_equal(ahead.counter, plain.counter)
