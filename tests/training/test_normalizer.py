"""Laws of the normaliser: batch-wise moments equal numpy's over all rows."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.training.normalizer import STD_FLOOR, Normalizer, RunningMoments


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(-100, 100), st.integers(0, 1000))
def test_merged_moments_are_those_of_all_rows(sizes, offset, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.normal(offset, 1.0 + index, (size, 3)) for index, size in enumerate(sizes)]
    moments = RunningMoments(3)
    for batch in batches:
        moments.update(torch.from_numpy(batch))
    everything = np.concatenate(batches)
    np.testing.assert_allclose(moments.mean.numpy(), everything.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moments.variance.numpy(), everything.var(0), rtol=1e-8, atol=1e-9)
    assert float(moments.count) == len(everything)


def test_normalised_rows_have_zero_mean_and_nearly_unit_spread():
    rows = torch.from_numpy(np.random.default_rng(0).normal(5.0, 3.0, (4096, 2)).astype(np.float32))
    normalizer = Normalizer(2)
    assert torch.equal(normalizer(rows), rows)
    normalizer.update(rows)
    normalized = normalizer(rows)
    torch.testing.assert_close(normalized.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        normalized.std(0, correction=0), torch.full((2,), 3.0 / (3.0 + STD_FLOOR)), rtol=2e-2, atol=0
    )


def test_non_finite_values_stay_non_finite():
    normalizer = Normalizer(2)
    normalizer.update(torch.ones(4, 2))
    assert torch.isnan(normalizer(torch.tensor([[float("nan"), 1.0]]))[0, 0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(1.0, 100.0), st.integers(0, 1000))
def test_forgetting_moments_are_weighted_ones_with_half_the_weight_after_a_half_life(sizes, half_life, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.normal(index, 1.0 + index, (size, 2)) for index, size in enumerate(sizes)]
    moments = RunningMoments(2, half_life)
    for batch in batches:
        moments.update(torch.from_numpy(batch))
    later = np.cumsum([0, *sizes[:0:-1]])[::-1]  # rows after each batch
    weights = np.concatenate(
        [np.full(size, 0.5 ** (rows / half_life)) for size, rows in zip(sizes, later, strict=True)]
    )
    rows = np.concatenate(batches)
    mean = np.average(rows, axis=0, weights=weights)
    np.testing.assert_allclose(moments.mean.numpy(), mean, rtol=1e-8, atol=1e-9)
    variance = np.average((rows - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(moments.variance.numpy(), variance, rtol=1e-7, atol=1e-9)


def test_moments_that_forget_follow_a_curriculum_that_opens():
    """What never forgets once saw |z| = 10 where a boundary had just opened."""
    rng = np.random.default_rng(0)
    largest = {}
    for half_life in (None, 20_000.0):
        normalizer = Normalizer(1, half_life)
        for spread in (0.01,) * 200 + (0.3,) * 20:
            normalizer.update(torch.from_numpy(rng.normal(0.0, spread, (1000, 1)).astype(np.float32)))
        largest[half_life] = float(normalizer(torch.tensor([[0.6]])).abs())
    assert largest[None] > 5.0
    assert largest[20_000.0] < 3.0


def test_values_that_come_scaled_pass_as_they_are():
    normalizer = Normalizer(3, scaled=np.array([False, True, False]))
    rows = torch.tensor([[5.0, 0.0, 1.0], [7.0, 0.0, 3.0]])
    normalizer.update(rows)
    opened = torch.tensor([[6.0, 0.8, 2.0]])
    torch.testing.assert_close(normalizer(opened), torch.tensor([[0.0, 0.8, 0.0]]))
